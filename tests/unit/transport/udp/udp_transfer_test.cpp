#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <transport/udp/udp_socket.hpp>

#include "tests/unit/transport/udp/loopback.hpp"

using namespace stt;
using namespace stt::transport;
using namespace stt::transport::test;

namespace {

// The datagrams that a message stands for.
std::vector<std::vector<std::uint8_t>> datagrams_of(const Outgoing& message) {
    std::vector<std::vector<std::uint8_t>> datagrams;
    const std::size_t size = message.segment_size == 0 ? message.data.size() : message.segment_size;
    for (Bytes rest = message.data; !rest.empty();) {
        const Bytes data = rest.first(std::min(size, rest.size()));
        datagrams.emplace_back(data.begin(), data.end());
        rest = rest.subspan(data.size());
    }
    return datagrams;
}

void check_arrivals(const std::vector<Arrival>& arrivals, const Outgoing& sent,
                    const Address& from) {
    const auto expected = datagrams_of(sent);
    REQUIRE(arrivals.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        REQUIRE(arrivals[i].data == expected[i]);
        REQUIRE(arrivals[i].from == from);
        REQUIRE(arrivals[i].ecn == sent.ecn);
    }
}

}  // namespace

TEST_CASE(
    "UDP: a burst of equal segments arrives as the datagrams that were sent, "
    "with and without offload") {
    for (const Address& address : loopback_addresses()) {
        for (const Mode& mode : all_modes()) {
            UdpSocket sender = bound(address, mode.sender);
            UdpSocket receiver = bound(address, mode.receiver);
            ReceiveBatch batch;
            for (std::size_t segments = 1; segments <= 64; ++segments) {
                CAPTURE(mode.name);
                CAPTURE(segments);
                const auto data = pattern(segments * 1'000, segments);
                const Outgoing message = {receiver.local_address(), data, 1'000};
                send_all(sender, {message});
                check_arrivals(receive_count(receiver, batch, segments), message,
                               sender.local_address());
            }
            CHECK(sender.counters().datagrams_sent == 65 * 32);
            CHECK(receiver.counters().datagrams_received == 65 * 32);
            CHECK(receiver.counters().bytes_received == 65 * 32 * 1'000);
            CHECK(sender.counters().offload_failures == 0);
        }
    }
}

TEST_CASE("UDP: the last segment of a burst may be shorter, down to one byte") {
    for (const Address& address : loopback_addresses()) {
        for (const Mode& mode : all_modes()) {
            UdpSocket sender = bound(address, mode.sender);
            UdpSocket receiver = bound(address, mode.receiver);
            ReceiveBatch batch;
            for (const std::size_t last : {1u, 2u, 599u, 1'199u, 1'200u}) {
                CAPTURE(mode.name);
                CAPTURE(last);
                const auto data = pattern(9 * 1'200 + last, 7);
                const Outgoing message = {receiver.local_address(), data, 1'200};
                send_all(sender, {message});
                check_arrivals(receive_count(receiver, batch, 10), message, sender.local_address());
            }
        }
    }
}

TEST_CASE("UDP: with offload on both sides a burst is one call and one slot") {
    UdpSocket sender = bound(loopback_ipv4());
    UdpSocket receiver = bound(loopback_ipv4());
    if (!sender.has_segmentation_offload() || !receiver.has_receive_offload()) {
        MESSAGE("no UDP offload in this kernel");
        return;
    }
    const auto data = pattern(44 * 1'472, 1);
    send_all(sender, {{receiver.local_address(), data, 1'472}});
    CHECK(sender.counters().send_calls == 1);
    ReceiveBatch batch;
    const auto outcome = receiver.receive(batch);
    REQUIRE(outcome.has_value());
    REQUIRE(outcome->datagrams.size() == 1);
    CHECK(outcome->datagrams[0].segment_size == 1'472);
    CHECK(outcome->datagrams[0].count() == 44);
    CHECK(outcome->datagrams[0].data.size() == data.size());
}

TEST_CASE("UDP: a burst over one message's bounds is split and arrives whole") {
    for (const Mode& mode : all_modes()) {
        UdpSocket sender = bound(loopback_ipv4(), mode.sender);
        UdpSocket receiver = bound(loopback_ipv4(), mode.receiver);
        ReceiveBatch batch;
        // 100 segments are over 64, 60 of 1,472 bytes over 65,507 bytes.
        struct Burst {
            std::size_t segments;
            std::size_t size;
        };
        for (const auto [segments, size] : {Burst{100, 50}, {60, 1'472}, {3, 30'000}}) {
            CAPTURE(mode.name);
            const auto data = pattern(segments * size, size);
            const Outgoing message = {receiver.local_address(), data, size};
            send_all(sender, {message});
            check_arrivals(receive_count(receiver, batch, segments), message,
                           sender.local_address());
        }
    }
}

TEST_CASE("UDP: 100 random batches to two receivers arrive in order, in every mode") {
    for (const Mode& mode : all_modes()) {
        std::mt19937 random(8);
        UdpSocket sender = bound(loopback_ipv4(), mode.sender);
        UdpSocket receivers[] = {bound(loopback_ipv4(), mode.receiver),
                                 bound(loopback_ipv4(), mode.receiver)};
        ReceiveBatch batch(3);
        for (int round = 0; round < 100; ++round) {
            CAPTURE(mode.name);
            CAPTURE(round);
            std::vector<std::vector<std::uint8_t>> storage;
            std::vector<Outgoing> messages;
            std::vector<Arrival> expected[2];
            // Small enough for the smallest socket buffer that Linux has by default.
            for (std::uint32_t i = 0; i < 1 + random() % 6; ++i) {
                const std::size_t segment_size = 1 + random() % 1'472;
                const std::size_t size = 1 + random() % (segment_size * 16);
                storage.push_back(pattern(size, random()));
                const std::size_t to = random() % 2;
                const auto ecn = static_cast<std::uint8_t>(random() % 4);
                messages.push_back(
                    {receivers[to].local_address(), storage.back(), segment_size, ecn});
                for (auto& datagram : datagrams_of(messages.back())) {
                    expected[to].push_back({sender.local_address(), std::move(datagram), ecn});
                }
            }
            send_all(sender, messages);
            for (std::size_t to = 0; to < 2; ++to) {
                const auto arrivals = receive_count(receivers[to], batch, expected[to].size());
                REQUIRE(arrivals.size() == expected[to].size());
                for (std::size_t i = 0; i < arrivals.size(); ++i) {
                    REQUIRE(arrivals[i].data == expected[to][i].data);
                    REQUIRE(arrivals[i].from == expected[to][i].from);
                    REQUIRE(arrivals[i].ecn == expected[to][i].ecn);
                }
            }
        }
    }
}

TEST_CASE("UDP: a dual-stack socket shows IPv4 peers as IPv4, and answers them and IPv6 ones") {
    if (loopback_addresses().size() < 2) return;
    for (const Mode& mode : all_modes()) {
        CAPTURE(mode.name);
        UdpSocket dual = bound(Address::ipv6({}, 0), mode.receiver);
        const std::uint16_t port = dual.local_address().port();
        ReceiveBatch batch;
        for (const Address& address : loopback_addresses()) {
            UdpSocket peer = bound(address, mode.sender);
            const auto data = pattern(3 * 900, 1);
            const Outgoing there = {address.with_port(port), data, 900, 1};
            send_all(peer, {there});
            const auto arrivals = receive_count(dual, batch, 3);
            check_arrivals(arrivals, there, peer.local_address());
            const Outgoing back = {arrivals[0].from, data, 1'000, 2};
            send_all(dual, {back});
            check_arrivals(receive_count(peer, batch, 3), back, address.with_port(port));
        }
    }
}

TEST_CASE("UDP: an ECN mark arrives as it was sent, in every mode and family") {
    for (const Address& address : loopback_addresses()) {
        for (const Mode& mode : all_modes()) {
            CAPTURE(mode.name);
            UdpSocket sender = bound(address, mode.sender);
            UdpSocket receiver = bound(address, mode.receiver);
            ReceiveBatch batch;
            const auto data = pattern(5 * 500, 3);
            std::vector<Outgoing> messages;
            for (const std::uint8_t ecn : std::initializer_list<std::uint8_t>{0, 1, 2, 3, 0}) {
                messages.push_back({receiver.local_address(), data, 500, ecn});
            }
            send_all(sender, messages);
            const auto arrivals = receive_count(receiver, batch, 25);
            REQUIRE(arrivals.size() == 25);
            for (std::size_t i = 0; i < 25; ++i) CHECK(arrivals[i].ecn == messages[i / 5].ecn);
        }
    }
}
