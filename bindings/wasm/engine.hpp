// The protocol's engine as a page uses it: over open WebSockets, which JavaScript owns and
// numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <vector>

#include "core/connection/endpoint.hpp"
#include "imports.hpp"

namespace stt::wasm {

// A WebSocket message is never larger. Spec protocol §13.2.
inline constexpr std::size_t websocket_message_max = 131'072;

// What happened; the values are those of web/src/engine.ts.
enum class EventKind : std::uint8_t {
    none = 0,
    accepted = 1,
    connected = 2,
    reconnected = 3,
    connect_failed = 4,
    opened = 5,
    readable = 6,
    writable = 7,
    acknowledged = 8,
    reset = 9,
    stopped = 10,
    limit_raised = 11,
    confirmed = 12,
    pong = 13,
    unreachable = 14,
    reachable = 15,
    path_taken = 16,
    closed = 17,
};

// What a call tells beside the number that it returns. What no call has set is 0.
struct Record {
    std::array<double, 8> numbers{};
    std::string text;
};

// One endpoint with its clock, its randomness and the memory through which bytes come and go.
//
// After every command JavaScript drains, as Endpoint asks: transmit() while the WebSocket has
// room, next_event() until none, then next_timeout() once.
class Engine {
public:
    using Identity = std::array<std::uint8_t, 32>;
    // Without an identity, which a node keeps, it is another node each time.
    explicit Engine(const std::optional<Identity>& identity);

    // Both clocks, before every other call: milliseconds since any fixed time, and unix time.
    void set_time(double now_ms, double unix_ms) noexcept;
    // Where JavaScript puts what it hands over and finds what it asked for.
    MutableBytes buffer() noexcept { return buffer_; }
    // Where transmit() puts a message.
    Bytes message() const noexcept { return message_; }
    const Record& record() const noexcept { return record_; }

    // A seed in the buffer, which is wiped. 0: the seed cannot be taken.
    handshake::SeedId add_seed(std::size_t size);
    // `peer_size` is 0, or 32 when the node id that must answer lies in the buffer.
    connection::AttemptId connect(handshake::SeedId seed, std::uint64_t websocket,
                                  std::size_t peer_size);
    // Why no answer to a HELLO was of use so far; ConnectError::timeout: none came.
    connection::ConnectError handshake_fault() const noexcept;
    void cancel(connection::AttemptId attempt) { endpoint_.cancel(attempt); }
    // A binary message of `size` bytes in the buffer; opened in place.
    void receive(std::uint64_t websocket, std::size_t size);
    void close_route(std::uint64_t websocket);
    void move_to(connection::SessionHandle session, std::uint64_t websocket);
    void handle_timeout() { endpoint_.handle_timeout(moment_); }
    // The size of the next message; 0: there is none. Its WebSocket is in the record.
    std::size_t transmit();
    EventKind next_event();
    // Milliseconds from now; negative: nothing waits for time to pass.
    double next_timeout() const;

    // Null once the session has ended. Call touch() after a command to it.
    connection::Connection* find(connection::SessionHandle session) noexcept {
        return endpoint_.find(session);
    }
    void touch(connection::SessionHandle session) { endpoint_.touch(session); }
    Instant now() const noexcept { return moment_.now; }
    Record& fresh_record() {
        record_.numbers.fill(0);
        record_.text.clear();
        return record_;
    }
    // Text at the front of the buffer.
    std::string_view text(std::size_t size) const noexcept {
        return text_of(Bytes(buffer_).first(size));
    }
    std::vector<std::uint8_t>& received_message() noexcept { return received_message_; }
    const std::vector<stream::StreamProgress>& progress() const noexcept { return progress_; }
    std::span<double> statistics() noexcept { return statistics_; }

private:
    EventKind tell(const connection::EndpointEvent& event);
    EventKind tell(connection::SessionHandle session, const connection::Event& event);

    BrowserRandom random_;
    connection::Endpoint endpoint_;
    connection::Moment moment_;
    std::vector<std::uint8_t> buffer_;
    std::vector<std::uint8_t> message_;
    std::vector<std::uint8_t> received_message_;
    std::vector<stream::StreamProgress> progress_;  // of the last reconnected event
    std::array<double, 128> statistics_{};
    Record record_;
};

// A stream in one number: its ID, and above it how often that was used.
double number_of(stream::StreamKey key) noexcept;
stream::StreamKey stream_key(double number) noexcept;

}  // namespace stt::wasm
