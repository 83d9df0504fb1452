#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <transport/udp/udp_socket.hpp>

#include "tests/unit/transport/udp/loopback.hpp"

using namespace stt;
using namespace stt::transport;
using namespace stt::transport::test;

namespace {

int option_of(const UdpSocket& socket, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket.native_handle(), level, name, &value, &size) == 0);
    return value;
}

}  // namespace

TEST_CASE("UDP: port 0 binds a free port, which local_address() tells") {
    for (const Address& address : loopback_addresses()) {
        const UdpSocket socket = bound(address);
        CHECK(socket.local_address().port() != 0);
        CHECK(socket.local_address().is_same_host(address));
    }
}

TEST_CASE("UDP: a port in use is the error address_in_use, with a text for users") {
    for (const Address& address : loopback_addresses()) {
        const UdpSocket first = bound(address);
        const auto second = UdpSocket::bind(first.local_address());
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error() == std::errc::address_in_use);
        CHECK(second.error().message() == "Address already in use");
    }
}

TEST_CASE("UDP: a port is free again once its socket is gone") {
    Address address;
    {
        const UdpSocket socket = bound(loopback_ipv4());
        address = socket.local_address();
    }
    CHECK(UdpSocket::bind(address).has_value());
}

TEST_CASE("UDP: addresses and options that make no sense are errors") {
    // 192.0.2.0/24 is for documentation: no machine has it. RFC 5737.
    const auto foreign = UdpSocket::bind(Address::ipv4({192, 0, 2, 1}, 0));
    REQUIRE_FALSE(foreign.has_value());
    CHECK(foreign.error() == std::errc::address_not_available);
    const auto none = UdpSocket::bind(Address());
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error() == std::errc::address_family_not_supported);
    for (const std::size_t count : {std::size_t{0}, message_count_max + 1}) {
        const auto socket = UdpSocket::bind(loopback_ipv4(), {.messages_per_call = count});
        REQUIRE_FALSE(socket.has_value());
        CHECK(socket.error() == std::errc::invalid_argument);
    }
}

TEST_CASE("UDP: datagrams leave with don't-fragment set, and ICMP does not shrink them") {
    for (const Address& address : loopback_addresses()) {
        const UdpSocket socket = bound(address);
        CHECK(option_of(socket, IPPROTO_IP, IP_MTU_DISCOVER) == IP_PMTUDISC_PROBE);
        if (address.family() == Address::Family::ipv6) {
            CHECK(option_of(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER) == IPV6_PMTUDISC_PROBE);
        }
    }
}

TEST_CASE("UDP: the socket does not block and is not inherited by programs") {
    const UdpSocket socket = bound(loopback_ipv4());
    CHECK((::fcntl(socket.native_handle(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(socket.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("UDP: buffers() tells what the kernel granted") {
    const UdpSocket socket = bound(loopback_ipv4(), {.receive_buffer_size = 100'000});
    CHECK(socket.buffers().receive_size == 100'000);
    CHECK(option_of(socket, SOL_SOCKET, SO_RCVBUF) == 200'000);
    const UdpSocket greedy = bound(loopback_ipv4());
    const auto shown = static_cast<std::size_t>(option_of(greedy, SOL_SOCKET, SO_SNDBUF));
    CHECK(greedy.buffers().send_size == shown / 2);
    // The default maximum of Linux, which no machine is likely to go below.
    CHECK(greedy.buffers().receive_size >= 200'000);
}

TEST_CASE("UDP: offload that is switched off stays off") {
    const UdpSocket socket = bound(loopback_ipv4(), batched_options());
    CHECK_FALSE(socket.has_segmentation_offload());
    CHECK_FALSE(socket.has_receive_offload());
    CHECK(option_of(socket, SOL_UDP, UDP_SEGMENT) == 0);
}

TEST_CASE("UDP: an IPv6-only socket leaves the port of IPv4 to others") {
    if (loopback_addresses().size() < 2) return;
    const Address any_ipv6 = Address::ipv6({}, 0);
    const UdpSocket ipv6 = bound(any_ipv6, {.is_ipv6_only = true});
    CHECK(option_of(ipv6, IPPROTO_IPV6, IPV6_V6ONLY) == 1);
    const std::uint16_t port = ipv6.local_address().port();
    CHECK(UdpSocket::bind(loopback_ipv4(port)).has_value());

    const UdpSocket dual = bound(any_ipv6);
    const auto taken = UdpSocket::bind(loopback_ipv4(dual.local_address().port()));
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error() == std::errc::address_in_use);
}

TEST_CASE("UDP: a moved socket is the same socket") {
    UdpSocket first = bound(loopback_ipv4());
    const Address address = first.local_address();
    UdpSocket second = std::move(first);
    first = bound(loopback_ipv4());
    CHECK(second.local_address() == address);
    const auto data = pattern(100, 1);
    send_all(first, {{address, data, 0}});
    ReceiveBatch batch(1);
    CHECK(receive_count(second, batch, 1).size() == 1);
}
