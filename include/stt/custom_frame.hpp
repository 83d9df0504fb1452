// Frames of types that the application gives a meaning. Spec protocol §3.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stt {

// Types from here to 0xff are the application's.
inline constexpr std::uint8_t custom_type_min = 0x80;
// Bytes that a custom frame can carry: what fits into the smallest datagram, 1,200 bytes, behind
// the longest header, with room to spare for padding. So a frame that was queued can always leave.
inline constexpr std::size_t custom_payload_size_max = 1'100;
// What waits to be sent, and to be taken by handlers, of each session. Chosen: 256 frames
// of 1,100 bytes are the worst case, 280 KB each way; longer frames of a peer count more.
inline constexpr std::size_t custom_queue_count_max = 256;

struct CustomFrame {
    std::uint8_t type = custom_type_min;
    // What it is about, by the sender's word: a stream's id(), or 0.
    std::uint16_t stream_id = 0;
    std::vector<std::uint8_t> payload;
};

}  // namespace stt
