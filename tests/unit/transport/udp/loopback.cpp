#include "tests/unit/transport/udp/loopback.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <transport/udp/file_descriptor.hpp>
#include <transport/udp/socket_address.hpp>

namespace stt::transport::test {

UdpOptions batched_options() {
    return {.use_segmentation_offload = false, .use_receive_offload = false};
}

UdpOptions plain_options() {
    UdpOptions options = batched_options();
    options.messages_per_call = 1;
    return options;
}

std::vector<Mode> all_modes() {
    return {{"plain", plain_options(), plain_options()},
            {"batched", batched_options(), batched_options()},
            {"sender offload", {}, batched_options()},
            {"receiver offload", batched_options(), {}},
            {"offload on both sides", {}, {}}};
}

Address loopback_ipv4(std::uint16_t port) {
    return Address::ipv4({127, 0, 0, 1}, port);
}

Address loopback_ipv6(std::uint16_t port) {
    return Address::ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, port);
}

std::vector<Address> loopback_addresses() {
    std::vector<Address> addresses = {loopback_ipv4()};
    if (UdpSocket::bind(loopback_ipv6())) {
        addresses.push_back(loopback_ipv6());
    } else {
        MESSAGE("no IPv6 on this machine: only IPv4 is tested");
    }
    return addresses;
}

UdpSocket bound(const Address& address, const UdpOptions& options) {
    auto socket = UdpSocket::bind(address, options);
    REQUIRE_MESSAGE(socket.has_value(), "cannot bind " << address.to_string());
    return std::move(*socket);
}

namespace {

// True when more may be waiting.
bool receive_once(UdpSocket& socket, ReceiveBatch& batch, std::vector<Arrival>& arrivals) {
    const auto outcome = socket.receive(batch);
    REQUIRE(outcome.has_value());
    for (const ReceivedDatagrams& received : outcome->datagrams) {
        REQUIRE(received.segment_size >= 1);
        REQUIRE(received.segment_size <= received.data.size());
        for (std::size_t i = 0; i < received.count(); ++i) {
            const MutableBytes data = received.datagram(i);
            arrivals.push_back({received.from, {data.begin(), data.end()}, received.ecn});
        }
    }
    return outcome->more;
}

}  // namespace

std::vector<Arrival> receive_waiting(UdpSocket& socket, ReceiveBatch& batch) {
    std::vector<Arrival> arrivals;
    while (receive_once(socket, batch, arrivals)) {
    }
    return arrivals;
}

std::vector<Arrival> receive_count(UdpSocket& socket, ReceiveBatch& batch, std::size_t count,
                                   std::chrono::milliseconds patience) {
    std::vector<Arrival> arrivals;
    while (arrivals.size() < count) {
        if (receive_once(socket, batch, arrivals)) continue;
        if (arrivals.size() >= count) break;
        pollfd waiting{.fd = socket.native_handle(), .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, static_cast<int>(patience.count())) == 0) break;
    }
    return arrivals;
}

std::vector<std::uint8_t> pattern(std::size_t size, std::uint64_t salt) {
    std::vector<std::uint8_t> bytes(size);
    auto state = static_cast<std::uint32_t>(salt * 2654435761u + 1);
    for (std::uint8_t& byte : bytes) {
        state = state * 1664525u + 1013904223u;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return bytes;
}

void send_raw(const Address& to, Bytes data) {
    const int family = to.family() == Address::Family::ipv4 ? AF_INET : AF_INET6;
    const FileDescriptor socket(::socket(family, SOCK_DGRAM, 0));
    REQUIRE(socket.is_open());
    const auto target = to_socket_address(to, family);
    const auto sent = ::sendto(socket.value(), data.data(), data.size(), 0,
                               reinterpret_cast<const sockaddr*>(&target->storage), target->size);
    REQUIRE(sent == static_cast<ssize_t>(data.size()));
}

void send_all(UdpSocket& socket, std::vector<Outgoing> messages) {
    const auto outcome = socket.send(messages);
    REQUIRE(outcome.has_value());
    REQUIRE_FALSE(outcome->would_block);
    REQUIRE(outcome->count == messages.size());
}

}  // namespace stt::transport::test
