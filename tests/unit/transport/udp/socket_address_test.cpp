#include <doctest/doctest.h>
#include <netinet/in.h>

#include <cstring>
#include <transport/udp/socket_address.hpp>

using namespace stt;
using namespace stt::transport;

namespace {

const Address ipv4_example = Address::ipv4({192, 0, 2, 7}, 9001);
const Address ipv6_example =
    Address::ipv6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}, 65535);
const Address mapped_example =
    Address::ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}, 9001);

}  // namespace

TEST_CASE("Socket address: an address survives the way to the system and back") {
    const Address link_local =
        Address::ipv6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 1, 5);
    for (const Address& address : {ipv6_example, link_local}) {
        const auto socket_address = to_socket_address(address, AF_INET6);
        REQUIRE(socket_address);
        CHECK(socket_address->size == sizeof(sockaddr_in6));
        CHECK(from_socket_address(socket_address->storage) == address);
    }
    const auto socket_address = to_socket_address(ipv4_example, AF_INET);
    REQUIRE(socket_address);
    CHECK(socket_address->size == sizeof(sockaddr_in));
    CHECK(from_socket_address(socket_address->storage) == ipv4_example);
}

TEST_CASE("Socket address: a socket of IPv6 reaches IPv4 by its mapped address, shown as IPv4") {
    const auto socket_address = to_socket_address(ipv4_example, AF_INET6);
    REQUIRE(socket_address);
    sockaddr_in6 specific;
    std::memcpy(&specific, &socket_address->storage, sizeof specific);
    CHECK(specific.sin6_family == AF_INET6);
    CHECK(std::memcmp(&specific.sin6_addr, mapped_example.octets().data(), 16) == 0);
    CHECK(from_socket_address(socket_address->storage) == ipv4_example);
}

TEST_CASE("Socket address: both spellings of IPv4 are the same host for a socket of IPv4") {
    const auto socket_address = to_socket_address(mapped_example, AF_INET);
    REQUIRE(socket_address);
    CHECK(from_socket_address(socket_address->storage) == ipv4_example);
    CHECK(is_ipv4(mapped_example));
    CHECK(is_ipv4(ipv4_example));
    CHECK_FALSE(is_ipv4(ipv6_example));
    CHECK_FALSE(is_ipv4(Address()));
}

TEST_CASE("Socket address: what a socket cannot name is refused") {
    CHECK_FALSE(to_socket_address(ipv6_example, AF_INET));
    CHECK_FALSE(to_socket_address(Address(), AF_INET));
    CHECK_FALSE(to_socket_address(Address(), AF_INET6));
    sockaddr_storage local{};
    local.ss_family = AF_UNIX;
    CHECK(from_socket_address(local) == Address());
}
