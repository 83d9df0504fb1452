// CONTROL payloads: each message that is read can be written, and reads the same again.
#include <vector>

#include "core/wire/control.hpp"
#include "core/wire/frame.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;

namespace {

void check_ranges(const wire::Ack& ack) {
    wire::AckRanges ranges(ack);
    std::uint64_t count = 0;
    std::uint64_t low = 0;
    while (const auto range = ranges.next()) {
        STT_CHECK(range->first <= range->last);
        STT_CHECK(count == 0 ? range->last == ack.largest : range->last + 1 < low);
        low = range->first;
        ++count;
    }
    STT_CHECK(count == ack.range_count + 1);
}

void check_entries(const wire::Credits& credits) {
    wire::CreditsEntries entries(credits);
    std::uint64_t count = 0;
    while (const auto entry = entries.next()) {
        STT_CHECK(entry->stream >= 1 && entry->stream <= wire::stream_id_max);
        ++count;
    }
    STT_CHECK(count == credits.count);
}

std::vector<std::uint8_t> written(const wire::ControlMessage& message) {
    std::vector<std::uint8_t> bytes(wire::encoded_size(message));
    codec::Writer writer(bytes);
    wire::write(writer, message);
    STT_CHECK(writer.room() == 0);
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto messages = wire::ControlMessages::parse(Bytes(data, size));
    if (!messages) return 0;
    std::size_t count = 0;
    while (const auto message = messages->next()) {
        ++count;
        if (const auto* ack = std::get_if<wire::Ack>(&*message)) check_ranges(*ack);
        if (const auto* credits = std::get_if<wire::Credits>(&*message)) check_entries(*credits);
        const auto once = written(*message);
        auto again = wire::ControlMessages::parse(once);
        STT_CHECK(again.has_value());
        const auto same = again->next();
        STT_CHECK(same.has_value() && same->index() == message->index());
        STT_CHECK(!again->next().has_value());
        STT_CHECK(written(*same) == once);
    }
    STT_CHECK(count > 0);
    return 0;
}
