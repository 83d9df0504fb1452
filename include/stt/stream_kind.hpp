// What a stream carries. Spec protocol §7.2.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stt {

// The values are OPEN's.
enum class StreamKind : std::uint8_t {
    bytes = 0,      // reliable, ordered bytes
    messages = 1,   // reliable whole messages, each handed over as soon as it is complete
    datagrams = 2,  // unreliable whole messages, each in one frame
    expiring = 3,   // whole messages, given up at their deadline
};

// A message with its length field of up to 3 bytes. Spec protocol §9.3.
inline constexpr std::size_t message_size_max = 1'048'576;

// From 0, which goes first, to 7. A stream of a lower number goes before every one of a higher;
// those of one number share. Spec protocol §8.1, OPEN.
inline constexpr std::uint8_t priority_max = 7;
// Chosen: the middle that carries no hint for relays.
inline constexpr std::uint8_t priority_default = 3;

}  // namespace stt
