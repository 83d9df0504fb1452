// What a session measured, as numbers in an order that web/src/statistics.ts repeats.
#include "core/wire/faults.hpp"
#include "engine.hpp"
#include "export.hpp"

using namespace stt;
using namespace stt::wasm;

namespace {

double milliseconds(Duration duration) noexcept {
    return static_cast<double>(duration.count()) / 1'000;
}

// Behind these lie the drops, by reason.
std::size_t fill(std::span<double> output, const connection::SessionStatistics& statistics) {
    const double values[] = {
        statistics.has_rtt_sample ? 1.0 : 0.0,
        milliseconds(statistics.rtt_smoothed),
        milliseconds(statistics.rtt_minimum),
        milliseconds(statistics.rtt_latest),
        milliseconds(statistics.rtt_variation),
        number(statistics.path_mtu),
        number(statistics.bytes_in_flight),
        number(statistics.frames_sent),
        number(statistics.frames_received),
        number(statistics.bytes_sent),
        number(statistics.bytes_received),
        number(statistics.datagrams_sent),
        number(statistics.datagrams_received),
        number(statistics.send_rate),
        number(statistics.receive_rate),
        number(statistics.acks_sent),
        number(statistics.acks_received),
        number(statistics.frames_lost),
        number(statistics.bytes_lost),
        number(statistics.frames_retransmitted),
        number(statistics.bytes_retransmitted),
        number(statistics.send_credit_limit),
        number(statistics.send_credit_used),
        number(statistics.receive_credit_limit),
        number(statistics.receive_credit_used),
        number(statistics.bytes_unread),
        number(statistics.streams_open),
        number(statistics.streams_opened),
        number(statistics.streams_opened_limit),
        number(statistics.streams_accepted),
        number(statistics.streams_accepted_limit),
        number(statistics.send_epoch),
        number(statistics.receive_epoch),
    };
    std::size_t count = 0;
    for (const double value : values) output[count++] = value;
    for (const std::uint64_t drops : statistics.drops) output[count++] = number(drops);
    return count;
}

}  // namespace

// How many numbers lie at stt_statistics_numbers(); 0: there is no such session.
STT_EXPORT(stt_statistics) std::size_t stt_statistics(Engine* engine, double session) {
    const connection::Connection* const connection = engine->find(integer(session));
    if (connection == nullptr) return 0;
    return fill(engine->statistics(), connection->statistics(engine->now()));
}
STT_EXPORT(stt_statistics_numbers) const double* stt_statistics_numbers(Engine* engine) {
    return engine->statistics().data();
}
// The word for a reason to drop, as text of the record. -1: there are no more.
STT_EXPORT(stt_drop_reason) int stt_drop_reason(Engine* engine, std::size_t index) {
    Record& record = engine->fresh_record();
    if (index >= wire::drop_reason_count) return -1;
    record.text = wire::name_of(static_cast<wire::DropReason>(index));
    return 0;
}
