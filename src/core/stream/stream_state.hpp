#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <stt/statistics.hpp>

#include "core/stream/datagram_queue.hpp"
#include "core/stream/message_assembly.hpp"
#include "core/stream/outgoing_messages.hpp"
#include "core/stream/receive_buffer.hpp"
#include "core/stream/receive_window.hpp"
#include "core/stream/send_buffer.hpp"
#include "core/stream/stream_key.hpp"
#include "core/stream/stream_kind.hpp"
#include "core/stream/stream_list.hpp"

namespace stt::stream {

// STREAM_CONTROL messages that wait to be sent, as bits. Each is sent with its current
// value and again until acknowledged. Spec protocol §8.2.
namespace item {
inline constexpr std::uint32_t open = 1u << 0;
inline constexpr std::uint32_t credit = 1u << 1;
inline constexpr std::uint32_t reset = 1u << 2;
inline constexpr std::uint32_t stop = 1u << 3;
inline constexpr std::uint32_t priority = 1u << 4;
inline constexpr std::uint32_t skip = 1u << 5;  // of the range that Planned names
}  // namespace item

// What of DATA and SKIP came before OPEN said which kind the stream is.
namespace early {
inline constexpr std::uint8_t plain = 1u << 0;
inline constexpr std::uint8_t message = 1u << 1;
inline constexpr std::uint8_t skip = 1u << 2;
}  // namespace early

// One stream, as one side sees it.
struct StreamState {
    StreamState(StreamKey key_given, bool is_local_given, std::size_t send_buffer_max,
                std::uint64_t window_max, std::size_t message_max, BufferPool* buffers)
        : key(key_given),
          is_local(is_local_given),
          send(send_buffer_max, buffers),
          receive(buffers),
          assembly(message_max),
          window(stream_credit_initial, window_max) {}

    StreamKey key;
    bool is_local;               // opened by this side
    bool is_open_known = false;  // OPEN was sent, or has arrived: until then frames wait (§8.3)
    bool is_refused = false;     // of a kind or an endpoint that this side does not serve
    bool is_credited = true;     // false: DATAGRAMS, which no limit counts (§9.1)
    StreamKind kind = StreamKind::bytes;
    std::uint64_t kind_number = 0;  // as in OPEN: may be one that nobody knows
    std::uint8_t priority = priority_default;
    bool is_priority_asked = false;  // by the peer's PRIORITY, which is newer than its OPEN
    std::uint8_t came_early = 0;     // see early
    std::uint64_t early_size = 0;    // bytes that came before OPEN, in the session's early total
    Duration deadline{};             // of messages, from hand-over (EXPIRING)
    std::string endpoint;

    OutgoingMessages outgoing;
    SendBuffer send;
    std::uint64_t send_limit = stream_credit_initial;
    std::optional<std::uint64_t> reset_code;  // of the RESET that this side sends
    bool is_reset_acknowledged = false;
    std::optional<std::uint64_t> stop_code_received;
    bool is_priority_stale = false;  // it changed while a PRIORITY was under way
    std::size_t room_wanted = 0;     // 0: nobody waits for `writable`
    bool is_finishing = false;       // the end follows the last message
    bool is_late_give_up = false;    // the last message expired before its credit came

    ReceiveBuffer receive;
    MessageAssembly assembly;
    DatagramQueue datagrams;
    ReceiveWindow window;
    std::optional<std::uint64_t> stop_code;  // of the STOP that this side sends
    std::optional<std::uint64_t> reset_code_received;
    std::size_t fragments_counted = 0;  // in the session's total
    bool has_taken_last_datagram = false;

    std::uint32_t items_pending = 0;
    std::uint32_t items_unacknowledged = 0;
    StreamStatistics statistics;  // only what is counted as it happens

    enum class Place : std::uint8_t { none, queued, blocked };
    ListLink<StreamState> control_link;
    ListLink<StreamState> credit_link;
    ListLink<StreamState> data_link;  // of the queue, or of who waits for session credit
    ListLink<StreamState> begin_link;
    Place place = Place::none;
    std::size_t turn_sent = 0;  // bytes of frames, while its turn lasts
    bool is_readable_told = false;
    bool is_acknowledged_wanted = false;
    bool is_closed = false;    // both directions ended (§7.3)
    bool is_released = false;  // the application has let go of it

    bool is_all_acknowledged() const noexcept {
        return outgoing.is_empty() && send.is_all_acknowledged();
    }
    bool is_send_ended() const noexcept {
        if (reset_code) return is_reset_acknowledged;
        return send.is_finished() && is_all_acknowledged();
    }
    bool is_receive_ended() const noexcept { return receive.is_complete(); }
    bool is_finished() const noexcept { return is_finishing || send.is_finished(); }
    bool is_open_acknowledged() const noexcept {
        return ((items_pending | items_unacknowledged) & item::open) == 0;
    }
    // Bytes that begun messages still need of the session's credit. Spec protocol §9.3.
    std::uint64_t reserved() const noexcept {
        return is_credited && has_messages(kind) ? send.end() - send.sent_end() : 0;
    }
};

}  // namespace stt::stream
