#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <transport/udp/udp_socket.hpp>

#include "tests/unit/transport/udp/loopback.hpp"

using namespace stt;
using namespace stt::transport;
using namespace stt::transport::test;

namespace {

// A port of loopback that nobody listens on.
Address closed_port(const Address& host) {
    const UdpSocket socket = bound(host);
    return socket.local_address();
}

void switch_on(const UdpSocket& socket, int level, int name) {
    const int on = 1;
    REQUIRE(::setsockopt(socket.native_handle(), level, name, &on, sizeof on) == 0);
}

// Makes the kernel refuse segmentation offload to `sender`, as it does for interfaces
// without checksums: of a socket that sends none, it cannot compute those of segments.
void refuse_offload(const UdpSocket& sender, const UdpSocket& receiver) {
    if (sender.local_address().family() == Address::Family::ipv4) {
        switch_on(sender, SOL_SOCKET, SO_NO_CHECK);
    } else {
        switch_on(sender, SOL_UDP, UDP_NO_CHECK6_TX);
        switch_on(receiver, SOL_UDP, UDP_NO_CHECK6_RX);
    }
}

}  // namespace

TEST_CASE("UDP: an unreachable port does not stop sending to others") {
    for (const Address& address : loopback_addresses()) {
        for (const Mode& mode : all_modes()) {
            CAPTURE(mode.name);
            UdpSocket sender = bound(address, mode.sender);
            UdpSocket receiver = bound(address, mode.receiver);
            const Address closed = closed_port(address);
            const Address open = receiver.local_address();
            ReceiveBatch batch;
            const auto data = pattern(2'000, 1);
            // The answers to the first round, by ICMP, are there in the later ones.
            for (int round = 0; round < 5; ++round) {
                send_all(sender, {{closed, data, 500}, {open, data, 500}, {closed, data, 0}});
                CHECK(receive_count(receiver, batch, 4).size() == 4);
                CHECK(receive_waiting(sender, batch).empty());
            }
        }
    }
}

TEST_CASE("UDP: destinations that the socket cannot reach are counted and skipped") {
    for (const Mode& mode : all_modes()) {
        CAPTURE(mode.name);
        UdpSocket sender = bound(loopback_ipv4(), mode.sender);
        UdpSocket receiver = bound(loopback_ipv4(), mode.receiver);
        const Address open = receiver.local_address();
        // Refused before they leave: another family, none, port 0 (EINVAL), and a
        // broadcast that nobody allowed (EACCES).
        const Address bad[] = {loopback_ipv6(9), Address(), loopback_ipv4(0),
                               Address::ipv4({255, 255, 255, 255}, 9)};
        const auto data = pattern(1'000, 1);
        std::vector<Outgoing> messages = {{open, data, 0}};
        for (const Address& address : bad) {
            messages.push_back({address, data, 0});
            messages.push_back({open, data, 0});
        }
        send_all(sender, messages);
        ReceiveBatch batch;
        CHECK(receive_count(receiver, batch, 5).size() == 5);
        CHECK(sender.counters().datagrams_unreachable == 4);
        CHECK(sender.counters().datagrams_sent == 5);
        CHECK(sender.counters().offload_failures == 0);
    }
}

TEST_CASE("UDP: a burst to a destination that refuses it does not cost the socket its offload") {
    UdpSocket sender = bound(loopback_ipv4());
    UdpSocket receiver = bound(loopback_ipv4());
    const bool had_offload = sender.has_segmentation_offload();
    const auto data = pattern(1'000, 1);
    // Port 0 is EINVAL, which the kernel also says when it does not like the segments.
    send_all(sender, {{loopback_ipv4(0), data, 100}, {receiver.local_address(), data, 100}});
    CHECK(sender.counters().datagrams_unreachable == 10);
    CHECK(sender.counters().offload_failures == 0);
    CHECK(sender.has_segmentation_offload() == had_offload);
    ReceiveBatch batch;
    CHECK(receive_count(receiver, batch, 10).size() == 10);
}

TEST_CASE("UDP: when the kernel refuses offload the same bytes go out segment by segment") {
    for (const Address& address : loopback_addresses()) {
        UdpSocket sender = bound(address);
        UdpSocket receiver = bound(address);
        if (!sender.has_segmentation_offload()) {
            MESSAGE("no UDP offload in this kernel");
            return;
        }
        refuse_offload(sender, receiver);
        ReceiveBatch batch;
        const auto data = pattern(10 * 700 + 3, 1);
        for (int round = 1; round <= 3; ++round) {
            send_all(sender, {{receiver.local_address(), Bytes(data).first(50), 0},
                              {receiver.local_address(), data, 700}});
            const auto arrivals = receive_count(receiver, batch, 12);
            REQUIRE(arrivals.size() == 12);
            std::vector<std::uint8_t> joined;
            for (std::size_t i = 1; i < 12; ++i) {
                joined.insert(joined.end(), arrivals[i].data.begin(), arrivals[i].data.end());
            }
            CHECK(joined == data);
            CHECK_FALSE(sender.has_segmentation_offload());
            CHECK(sender.counters().offload_failures == 1);
            CHECK(sender.counters().datagrams_sent == static_cast<std::uint64_t>(12 * round));
        }
    }
}

TEST_CASE("UDP: a socket that is no socket any more gives an error") {
    UdpSocket socket = bound(loopback_ipv4());
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    REQUIRE(::dup2(pipe_ends[0], socket.native_handle()) >= 0);
    const auto data = pattern(10, 1);
    std::vector<Outgoing> messages = {{loopback_ipv4(9), data, 0}};
    const auto sent = socket.send(messages);
    REQUIRE_FALSE(sent.has_value());
    CHECK(sent.error() == std::errc::not_a_socket);
    ReceiveBatch batch;
    const auto received = socket.receive(batch);
    REQUIRE_FALSE(received.has_value());
    CHECK(received.error() == std::errc::not_a_socket);
    static_cast<void>(::close(pipe_ends[0]));
    static_cast<void>(::close(pipe_ends[1]));
}
