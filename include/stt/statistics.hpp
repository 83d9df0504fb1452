// What sessions and streams measure.
#pragma once

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

}  // namespace stt
