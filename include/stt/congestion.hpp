// How a node shares the paths of its sessions with others.
#pragma once

#include <cstdint>

namespace stt {

// Decides how many bytes may be in flight. Spec protocol §10.4.
enum class CongestionAlgorithm : std::uint8_t {
    cubic,       // RFC 9438 with HyStart++: backs off at each loss
    new_reno,    // RFC 9002 §7: the simplest
    bbr,         // by measured rate and round trip: loss that is not congestion costs little
    background,  // yields to everything else: by delay
};

}  // namespace stt
