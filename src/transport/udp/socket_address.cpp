#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <transport/udp/socket_address.hpp>

namespace stt::transport {

namespace {

// ::ffff:0:0/96. RFC 4291 §2.5.5.2.
constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool has_mapped_prefix(const std::array<std::uint8_t, 16>& octets) noexcept {
    return std::equal(mapped_prefix.begin(), mapped_prefix.end(), octets.begin());
}

std::array<std::uint8_t, 16> mapped(const Address& address) noexcept {
    if (address.family() == Address::Family::ipv6) return address.octets();
    std::array<std::uint8_t, 16> octets;
    const auto end_of_prefix =
        std::copy(mapped_prefix.begin(), mapped_prefix.end(), octets.begin());
    std::copy_n(address.octets().begin(), 4, end_of_prefix);
    return octets;
}

template <class Specific>
SocketAddress stored(const Specific& specific) noexcept {
    SocketAddress result;
    std::memcpy(&result.storage, &specific, sizeof specific);
    result.size = sizeof specific;
    return result;
}

}  // namespace

bool is_ipv4(const Address& address) noexcept {
    if (address.family() == Address::Family::ipv6) return has_mapped_prefix(address.octets());
    return address.family() == Address::Family::ipv4;
}

std::optional<SocketAddress> to_socket_address(const Address& address, int socket_family) noexcept {
    if (address.family() == Address::Family::none) return std::nullopt;
    if (socket_family == AF_INET6) {
        sockaddr_in6 specific{};
        specific.sin6_family = AF_INET6;
        specific.sin6_port = htons(address.port());
        specific.sin6_scope_id = address.scope_id();
        const auto octets = mapped(address);
        std::memcpy(&specific.sin6_addr, octets.data(), octets.size());
        return stored(specific);
    }
    if (!is_ipv4(address)) return std::nullopt;
    sockaddr_in specific{};
    specific.sin_family = AF_INET;
    specific.sin_port = htons(address.port());
    const bool is_mapped = address.family() == Address::Family::ipv6;
    std::memcpy(&specific.sin_addr, address.octets().data() + (is_mapped ? 12 : 0), 4);
    return stored(specific);
}

Address from_socket_address(const sockaddr_storage& storage) noexcept {
    if (storage.ss_family == AF_INET) {
        sockaddr_in specific;
        std::memcpy(&specific, &storage, sizeof specific);
        std::array<std::uint8_t, 4> octets;
        std::memcpy(octets.data(), &specific.sin_addr, octets.size());
        return Address::ipv4(octets, ntohs(specific.sin_port));
    }
    if (storage.ss_family == AF_INET6) {
        sockaddr_in6 specific;
        std::memcpy(&specific, &storage, sizeof specific);
        std::array<std::uint8_t, 16> octets;
        std::memcpy(octets.data(), &specific.sin6_addr, octets.size());
        const std::uint16_t port = ntohs(specific.sin6_port);
        if (has_mapped_prefix(octets)) {
            return Address::ipv4({octets[12], octets[13], octets[14], octets[15]}, port);
        }
        return Address::ipv6(octets, port, specific.sin6_scope_id);
    }
    return {};
}

}  // namespace stt::transport
