// Where a datagram comes from or goes to: an address, and by which transport.
#pragma once

#include <compare>
#include <cstdint>
#include <stt/address.hpp>

namespace stt {

// Two routes are the same path only if address and transport agree: a session that moves from
// UDP to a WebSocket of the same host takes another path (Spec protocol §11.1).
struct Route {
    Address address;
    std::uint64_t connection = 0;  // 0: UDP; else the WebSocket connection's own number

    Route() noexcept = default;
    // Implicit: an address alone means UDP.
    Route(const Address& address_given, std::uint64_t connection_given = 0) noexcept
        : address(address_given), connection(connection_given) {}

    // A WebSocket: what is sent arrives in order while the connection is open, or it closes.
    bool is_reliable() const noexcept { return connection != 0; }
    friend std::strong_ordering operator<=>(const Route&, const Route&) noexcept = default;
};

}  // namespace stt
