// Address as the system calls spell it.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <stt/address.hpp>

namespace stt::transport {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

// `socket_family` is AF_INET or AF_INET6; a socket of IPv6 reaches IPv4 by mapped
// addresses. Null when a socket of that family cannot name the address.
std::optional<SocketAddress> to_socket_address(const Address& address, int socket_family) noexcept;

// An IPv4-mapped address gives one of IPv4; an unknown family one of Family::none.
Address from_socket_address(const sockaddr_storage& storage) noexcept;

// True for an address of IPv4, in either spelling.
bool is_ipv4(const Address& address) noexcept;

}  // namespace stt::transport
