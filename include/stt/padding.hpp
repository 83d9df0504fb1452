// How large frames are made, so that their sizes say little.
#pragma once

#include <cstdint>

namespace stt {

// Spec protocol §12.1. What it costs is bytes on the wire: with `constant` every small message
// takes a whole datagram.
enum class PaddingPolicy : std::uint8_t {
    none,
    bucket,    // to the next of 128, 256, 512, 1,024 bytes of plaintext, and the maximum
    constant,  // always the maximum
};

}  // namespace stt
