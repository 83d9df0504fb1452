// What sessions and streams measure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/time.hpp>

namespace stt {

// What a session measured so far. Sizes in bytes.
struct SessionStatistics {
    Duration handshake{};  // from the first HELLO until RESPONSE; zero at a responder
    Duration rtt_smoothed{};
    Duration rtt_min{};
    Duration rtt_latest{};
    std::uint64_t congestion_window = 0;
    std::uint64_t bytes_in_flight = 0;
    std::uint64_t datagram_size = 0;
    std::uint64_t frames_sent = 0;
    std::uint64_t frames_received = 0;
    std::uint64_t frames_lost = 0;
    std::uint64_t frames_dropped = 0;
    std::uint64_t bytes_sent = 0;      // on the wire
    std::uint64_t bytes_received = 0;  // on the wire
    std::uint64_t send_epoch = 0;
    std::uint64_t receive_epoch = 0;
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

}  // namespace stt
