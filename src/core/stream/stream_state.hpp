#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/stream/receive_buffer.hpp"
#include "core/stream/receive_window.hpp"
#include "core/stream/send_buffer.hpp"
#include "core/stream/stream_key.hpp"

namespace stt::stream {

// Credit that each direction of a stream, and of a session, begins with. Spec protocol §9.1.
inline constexpr std::uint64_t stream_credit_initial = 65'536;
inline constexpr std::uint64_t session_credit_initial = 2'097'152;
// Streams that a peer may have opened before the first STREAM_LIMIT. Spec protocol §8.1.
inline constexpr std::uint64_t stream_limit_initial = 128;
// Spec protocol §8.1, OPEN. Chosen: the middle that carries no hint for relays.
inline constexpr std::uint8_t priority_default = 3;
inline constexpr std::uint8_t priority_count = 8;

// STREAM_CONTROL messages that wait to be sent, as bits. Each is sent with its current
// value and again until acknowledged. Spec protocol §8.2.
namespace item {
inline constexpr std::uint32_t open = 1u << 0;
inline constexpr std::uint32_t credit = 1u << 1;
inline constexpr std::uint32_t reset = 1u << 2;
inline constexpr std::uint32_t stop = 1u << 3;
}  // namespace item

// One stream, as one side sees it.
struct StreamState {
    StreamState(StreamKey key_given, bool is_local_given, std::size_t send_buffer_max,
                std::uint64_t window_max)
        : key(key_given),
          is_local(is_local_given),
          send(send_buffer_max),
          window(stream_credit_initial, window_max) {}

    StreamKey key;
    bool is_local;               // opened by this side
    bool is_open_known = false;  // OPEN was sent, or has arrived: until then frames wait (§8.3)
    bool is_refused = false;     // of a kind that this side does not serve
    bool is_credited = true;     // false: DATAGRAMS, which no limit counts (§9.1)
    std::uint64_t kind = 0;      // BYTES, or what OPEN said
    std::uint8_t priority = priority_default;
    std::string endpoint;

    SendBuffer send;
    std::uint64_t send_limit = stream_credit_initial;
    std::optional<std::uint64_t> reset_code;  // of the RESET that this side sends
    bool is_reset_acknowledged = false;
    std::optional<std::uint64_t> stop_code_received;

    ReceiveBuffer receive;
    ReceiveWindow window;
    std::optional<std::uint64_t> stop_code;  // of the STOP that this side sends
    std::optional<std::uint64_t> reset_code_received;

    std::uint32_t items_pending = 0;
    std::uint32_t items_unacknowledged = 0;

    bool is_in_control_queue = false;
    bool is_in_data_queue = false;
    bool is_blocked_by_session = false;  // waits for FLOW_CREDIT
    bool is_readable_told = false;
    bool is_writable_wanted = false;
    bool is_acknowledged_wanted = false;
    bool is_closed = false;    // both directions ended (§7.3)
    bool is_released = false;  // the application has let go of it

    bool is_send_ended() const noexcept {
        if (reset_code) return is_reset_acknowledged;
        return send.is_finished() && send.is_all_acknowledged();
    }
    bool is_receive_ended() const noexcept { return receive.is_complete(); }
};

}  // namespace stt::stream
