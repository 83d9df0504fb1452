// What sessions and streams measure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <stt/stream_kind.hpp>
#include <stt/time.hpp>
#include <vector>

namespace stt {

// Why frames were dropped, and how many: a word such as "not_authentic", a literal.
struct DropCount {
    std::string_view reason;
    std::uint64_t count = 0;
};

// By what a session goes now. Spec protocol §13.
enum class Transport : std::uint8_t { udp, websocket };

// What a session measured so far: sizes in bytes, rates in bytes a second, counts since it began.
// What belongs to a path is of the one in use. Once the session has ended these are the last.
struct SessionStatistics {
    Duration handshake{};  // from the first HELLO until RESPONSE; zero at a responder

    // The path.
    Transport transport = Transport::udp;
    Duration rtt_smoothed{};
    Duration rtt_min{};
    Duration rtt_latest{};
    Duration rtt_variation{};
    std::uint64_t datagram_size = 0;    // the path MTU, without headers of IP and UDP
    std::string_view controller;        // a literal, such as "cubic"
    std::string_view controller_state;  // a literal, such as "slow_start"
    std::uint64_t congestion_window = 0;
    std::uint64_t bytes_in_flight = 0;
    std::uint64_t pacing_rate = 0;    // 0: not paced yet
    std::uint64_t delivery_rate = 0;  // of the newest sample
    std::uint64_t congestion_events = 0;
    std::uint64_t probe_timeouts = 0;

    // On the wire.
    std::uint64_t frames_sent = 0;
    std::uint64_t frames_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t datagrams_sent = 0;
    std::uint64_t datagrams_received = 0;
    std::uint64_t send_rate = 0;  // smoothed over a second
    std::uint64_t receive_rate = 0;
    std::uint64_t acks_sent = 0;
    std::uint64_t acks_received = 0;
    std::uint64_t frames_lost = 0;
    std::uint64_t bytes_lost = 0;
    std::uint64_t losses_spurious = 0;  // declared lost, and acknowledged later

    // Credit of the session. Spec protocol §9.
    std::uint64_t send_credit_limit = 0;
    std::uint64_t send_credit_used = 0;
    std::uint64_t receive_credit_limit = 0;
    std::uint64_t receive_credit_used = 0;
    std::uint64_t bytes_unread = 0;

    std::uint64_t streams_open = 0;
    std::uint64_t streams_opened = 0;  // by this side
    std::uint64_t streams_opened_limit = 0;
    std::uint64_t streams_accepted = 0;  // opened by the peer
    std::uint64_t streams_accepted_limit = 0;

    std::uint64_t send_epoch = 0;
    std::uint64_t receive_epoch = 0;

    std::uint64_t frames_dropped = 0;  // the sum of all `drops`
    std::vector<DropCount> drops;      // those that are not zero
};

// What one stream did so far. Offsets and sizes in bytes; of a stream of messages they include
// the length fields.
struct StreamStatistics {
    // What this side sends.
    std::uint64_t bytes_written = 0;        // handed over by the application
    std::uint64_t bytes_sent = 0;           // for the first time
    std::uint64_t bytes_retransmitted = 0;  // sent again
    std::uint64_t bytes_acknowledged = 0;   // from the start without a gap
    std::uint64_t send_limit = 0;           // given by the peer
    std::uint64_t messages_written = 0;
    std::uint64_t messages_acknowledged = 0;
    std::uint64_t messages_expired = 0;  // EXPIRING: given up at their deadline
    std::uint64_t messages_lost = 0;     // DATAGRAMS: lost, or too large for the path
    std::size_t queued = 0;              // waits to be sent or to be acknowledged

    // What the peer sends.
    std::uint64_t bytes_received = 0;  // the highest offset that came
    std::uint64_t bytes_read = 0;      // read or given up, from the start without a gap
    std::uint64_t receive_limit = 0;   // given to the peer
    std::uint64_t messages_received = 0;
    std::uint64_t messages_read = 0;
    std::uint64_t messages_dropped = 0;  // DATAGRAMS: the queue was full
};

// How far a stream had come when its session was lost: what an application needs to go on in
// another one. Bytes of a stream of messages include the length fields.
struct StreamProgress {
    std::uint16_t id = 0;  // as Stream::id()
    std::string endpoint;
    StreamKind kind = StreamKind::bytes;
    bool is_local = false;     // opened by this side
    bool is_finished = false;  // this side had written its end
    std::uint64_t bytes_written = 0;
    // From the start without a gap, at the peer's node. Whether its application has read them, or
    // forgot them with all else, only that application can say.
    std::uint64_t bytes_acknowledged = 0;
    std::uint64_t messages_written = 0;  // 0 on a stream of bytes
    std::uint64_t messages_acknowledged = 0;
};

}  // namespace stt
