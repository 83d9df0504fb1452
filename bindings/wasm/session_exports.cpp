// Flat functions for sessions and streams. Those that return a number give one below 0 when
// they fail, as web/src/engine.ts has them; a session that has ended is one of these failures.
#include <algorithm>
#include <chrono>

#include "engine.hpp"
#include "export.hpp"

namespace stt::wasm {
namespace {

constexpr int failed_ended = -100;  // no such session, or no such stream any more

// The longest deadline of a message, so that no sum overflows. Chosen: a year.
constexpr double deadline_ms_max = 365.0 * 24 * 3'600 * 1'000;

Duration deadline_of(double milliseconds) noexcept {
    return Duration(static_cast<Duration::rep>(std::clamp(milliseconds, 0.0, deadline_ms_max)) *
                    1'000);
}

int failure_of(stream::OpenError error) noexcept {
    return -1 - static_cast<int>(error);
}
int failure_of(stream::WriteError error) noexcept {
    return error == stream::WriteError::unknown_stream ? failed_ended
                                                       : -1 - static_cast<int>(error);
}
int failure_of(stream::SendError error) noexcept {
    return error == stream::SendError::unknown_stream ? failed_ended : -1 - static_cast<int>(error);
}
int failure_of(stream::ReadError error) noexcept {
    return error == stream::ReadError::unknown_stream ? failed_ended : -1 - static_cast<int>(error);
}

// Gives `call` the session, if there is one, and has it send what it then wants to.
template <class Call>
void command(Engine& engine, double session, const Call& call) {
    const connection::SessionHandle handle = integer(session);
    connection::Connection* const connection = engine.find(handle);
    if (connection == nullptr) return;
    call(*connection);
    engine.touch(handle);
}

}  // namespace
}  // namespace stt::wasm

using namespace stt;
using namespace stt::wasm;

// ---- the session

STT_EXPORT(stt_session_info) int stt_session_info(Engine* engine, double session) {
    Record& record = engine->fresh_record();
    const connection::Connection* const connection = engine->find(integer(session));
    if (connection == nullptr) return failed_ended;
    record.numbers = {
        static_cast<double>(connection->state()), connection->is_confirmed() ? 1.0 : 0.0,
        connection->is_unreachable() ? 1.0 : 0.0, number(connection->route().connection)};
    // 32 bytes, of which JavaScript makes what it wants.
    const auto& peer = connection->peer_node_id();
    record.text.assign(peer.begin(), peer.end());
    return 0;
}
STT_EXPORT(stt_close)
void stt_close(Engine* engine, double session, double code, std::size_t reason_size) {
    command(*engine, session, [&](connection::Connection& connection) {
        connection.close(engine->now(), integer(code), engine->text(reason_size));
    });
}
STT_EXPORT(stt_ask_peer) void stt_ask_peer(Engine* engine, double session) {
    command(*engine, session,
            [&](connection::Connection& connection) { connection.ask_peer(engine->now()); });
}
STT_EXPORT(stt_ping) double stt_ping(Engine* engine, double session) {
    double ping = failed_ended;
    command(*engine, session, [&](connection::Connection& connection) {
        const auto sent = connection.ping(engine->now());
        ping = sent ? number(*sent) : -1;
    });
    return ping;
}
// How far a stream had come that a lost session leaves: `index` below the event's fourth number.
STT_EXPORT(stt_progress) int stt_progress(Engine* engine, std::size_t index) {
    Record& record = engine->fresh_record();
    if (index >= engine->progress().size()) return failed_ended;
    const StreamProgress& progress = engine->progress()[index].progress;
    record.numbers = {static_cast<double>(progress.id),  static_cast<double>(progress.kind),
                      progress.is_local ? 1.0 : 0.0,     progress.is_finished ? 1.0 : 0.0,
                      number(progress.bytes_written),    number(progress.bytes_acknowledged),
                      number(progress.messages_written), number(progress.messages_acknowledged)};
    record.text = progress.endpoint;
    return 0;
}

// ---- streams

STT_EXPORT(stt_open)
double stt_open(Engine* engine, double session, int kind, int priority, double deadline_ms,
                std::size_t endpoint_size) {
    double opened = failed_ended;
    command(*engine, session, [&](connection::Connection& connection) {
        stream::OpenOptions options;
        options.endpoint = engine->text(endpoint_size);
        options.kind = static_cast<StreamKind>(kind & 3);
        options.priority = static_cast<std::uint8_t>(std::clamp(priority, 0, 255));
        options.deadline = deadline_of(deadline_ms);
        const auto stream = connection.open_stream(options);
        opened = stream ? number_of(*stream) : failure_of(stream.error());
    });
    return opened;
}
// The endpoint as text; numbers: kind, priority, and the peer's code or -1.
STT_EXPORT(stt_stream_info) int stt_stream_info(Engine* engine, double session, double stream) {
    Record& record = engine->fresh_record();
    const connection::Connection* const connection = engine->find(integer(session));
    if (connection == nullptr) return failed_ended;
    const stream::Streams& streams = connection->streams();
    const stream::StreamKey key = stream_key(stream);
    const auto kind = streams.kind(key);
    if (!kind) return failed_ended;
    const auto code = streams.peer_code(key);
    record.numbers = {static_cast<double>(*kind),
                      static_cast<double>(streams.priority(key).value_or(priority_default)),
                      code ? number(*code) : -1.0};
    record.text = streams.endpoint(key);
    return 0;
}
// Of `size` bytes in the buffer those that there was room for.
STT_EXPORT(stt_write)
double stt_write(Engine* engine, double session, double stream, std::size_t size) {
    double taken = failed_ended;
    command(*engine, session, [&](connection::Connection& connection) {
        const auto written = connection.write(stream_key(stream), engine->buffer().first(size));
        taken = written ? number(*written) : failure_of(written.error());
    });
    return taken;
}
// At most `capacity` bytes into the buffer; the first number of the record is 1 at the end.
STT_EXPORT(stt_read)
double stt_read(Engine* engine, double session, double stream, std::size_t capacity) {
    Record& record = engine->fresh_record();
    double size = failed_ended;
    command(*engine, session, [&](connection::Connection& connection) {
        const auto outcome =
            connection.read(engine->now(), stream_key(stream), engine->buffer().first(capacity));
        size = outcome ? number(outcome->size) : failure_of(outcome.error());
        if (outcome && outcome->is_end) record.numbers[0] = 1;
    });
    return size;
}
// A message of `size` bytes in the buffer. A deadline below 0: the stream's. -6: no room now.
STT_EXPORT(stt_send)
int stt_send(Engine* engine, double session, double stream, std::size_t size, double deadline_ms) {
    int outcome = failed_ended;
    command(*engine, session, [&](connection::Connection& connection) {
        std::optional<Duration> deadline;
        if (deadline_ms >= 0) deadline = deadline_of(deadline_ms);
        const auto sent = connection.send_message(engine->now(), stream_key(stream),
                                                  engine->buffer().first(size), deadline);
        outcome = sent ? 0 : failure_of(sent.error());
    });
    return outcome;
}
// 1: a message lies at stt_received(); 0: none has come; 2: none will.
STT_EXPORT(stt_receive_message)
int stt_receive_message(Engine* engine, double session, double stream) {
    int outcome = failed_ended;
    command(*engine, session, [&](connection::Connection& connection) {
        const auto received = connection.receive_message(engine->now(), stream_key(stream),
                                                         engine->received_message());
        if (!received) {
            outcome = failure_of(received.error());
        } else if (received->has_message) {
            outcome = 1;
        } else {
            outcome = received->is_end ? 2 : 0;
        }
    });
    return outcome;
}
STT_EXPORT(stt_received) const std::uint8_t* stt_received(Engine* engine) {
    return engine->received_message().data();
}
STT_EXPORT(stt_received_size) std::size_t stt_received_size(Engine* engine) {
    return engine->received_message().size();
}
STT_EXPORT(stt_finish) void stt_finish(Engine* engine, double session, double stream) {
    command(*engine, session,
            [&](connection::Connection& connection) { connection.finish(stream_key(stream)); });
}
STT_EXPORT(stt_reset) void stt_reset(Engine* engine, double session, double stream, double code) {
    command(*engine, session, [&](connection::Connection& connection) {
        connection.reset(stream_key(stream), integer(code));
    });
}
STT_EXPORT(stt_stop) void stt_stop(Engine* engine, double session, double stream, double code) {
    command(*engine, session, [&](connection::Connection& connection) {
        connection.stop(engine->now(), stream_key(stream), integer(code));
    });
}
STT_EXPORT(stt_refuse) void stt_refuse(Engine* engine, double session, double stream) {
    command(*engine, session, [&](connection::Connection& connection) {
        connection.refuse(engine->now(), stream_key(stream));
    });
}
STT_EXPORT(stt_release) void stt_release(Engine* engine, double session, double stream) {
    command(*engine, session, [&](connection::Connection& connection) {
        connection.release(engine->now(), stream_key(stream));
    });
}
STT_EXPORT(stt_set_priority)
int stt_set_priority(Engine* engine, double session, double stream, int priority) {
    int outcome = failed_ended;
    command(*engine, session, [&](connection::Connection& connection) {
        const auto wanted = static_cast<std::uint8_t>(std::clamp(priority, 0, 255));
        outcome = connection.set_priority(stream_key(stream), wanted) ? 0 : -1;
    });
    return outcome;
}
// 0: an acknowledged event follows when all that was written has arrived.
STT_EXPORT(stt_wait_acknowledged)
int stt_wait_acknowledged(Engine* engine, double session, double stream) {
    int outcome = failed_ended;
    command(*engine, session, [&](connection::Connection& connection) {
        const auto waiting = connection.wait_acknowledged(stream_key(stream));
        outcome = waiting ? 0 : failure_of(waiting.error());
    });
    return outcome;
}
