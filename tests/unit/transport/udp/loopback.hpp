// UDP sockets of one test, on the loopback interface only.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <transport/udp/udp_socket.hpp>
#include <vector>

namespace stt::transport::test {

// A way to move datagrams: what the sender and the receiver may use.
struct Mode {
    const char* name;
    UdpOptions sender;
    UdpOptions receiver;
};

// Plain calls, batched calls, offload on either side, and on both.
std::vector<Mode> all_modes();

UdpOptions plain_options();
UdpOptions batched_options();

Address loopback_ipv4(std::uint16_t port = 0);
Address loopback_ipv6(std::uint16_t port = 0);
// The loopback addresses that this machine has: always IPv4, and IPv6 unless it is off.
std::vector<Address> loopback_addresses();

// Stops the test when the address cannot be bound.
UdpSocket bound(const Address& address, const UdpOptions& options = {});

// One datagram that arrived.
struct Arrival {
    Address from;
    std::vector<std::uint8_t> data;
    std::uint8_t ecn = 0;
};

// Waits until `count` datagrams arrived, at most `patience` for each.
std::vector<Arrival> receive_count(UdpSocket& socket, ReceiveBatch& batch, std::size_t count,
                                   std::chrono::milliseconds patience = std::chrono::seconds(5));
// What has arrived by now, without waiting. On loopback that is all that was sent.
std::vector<Arrival> receive_waiting(UdpSocket& socket, ReceiveBatch& batch);

// Bytes that differ from place to place and from one `salt` to the next.
std::vector<std::uint8_t> pattern(std::size_t size, std::uint64_t salt);

// Sends one datagram through a plain socket of the system, also an empty one.
void send_raw(const Address& to, Bytes data);

// Sends all of `messages`, and stops the test when that is an error or would block.
void send_all(UdpSocket& socket, std::vector<Outgoing> messages);

}  // namespace stt::transport::test
