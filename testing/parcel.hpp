// A datagram under way, and who may look at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/address.hpp>
#include <stt/bytes.hpp>
#include <stt/time.hpp>
#include <vector>

namespace stt::testing {

using NodeNumber = std::size_t;
// Stands for the node of an address that nobody has.
inline constexpr NodeNumber nobody = static_cast<NodeNumber>(-1);

// A datagram on its way, owned.
struct Parcel {
    NodeNumber from = nobody;  // nobody: injected
    NodeNumber to = nobody;
    Address source;
    Address destination;  // none: handed to the node past every translator
    std::uint8_t ecn = 0;
    std::size_t hop = 0;  // bottlenecks passed
    std::vector<std::uint8_t> bytes;
};

// A datagram as a node sends it. Borrowed.
struct DatagramView {
    NodeNumber from = 0;
    NodeNumber to = 0;         // nobody: the destination is nobody's
    std::uint64_t number = 0;  // counted over the whole network, from 0
    Instant at{};
    Bytes bytes;
    Address source;  // after address translation
    Address destination;
    std::uint8_t ecn = 0;
};

enum class Verdict { pass, drop };

}  // namespace stt::testing
