#include <doctest/doctest.h>

#include <transport/udp/udp_socket.hpp>

#include "tests/unit/transport/udp/loopback.hpp"

using namespace stt;
using namespace stt::transport;
using namespace stt::transport::test;

TEST_CASE("UDP: nothing waiting is an empty outcome, not an error") {
    UdpSocket socket = bound(loopback_ipv4());
    ReceiveBatch batch;
    const auto outcome = socket.receive(batch);
    REQUIRE(outcome.has_value());
    CHECK(outcome->datagrams.empty());
    CHECK_FALSE(outcome->more);
}

TEST_CASE("UDP: datagrams of 0 bytes are dropped and counted, and those after them arrive") {
    for (const Address& address : loopback_addresses()) {
        for (const Mode& mode : all_modes()) {
            CAPTURE(mode.name);
            UdpSocket receiver = bound(address, mode.receiver);
            ReceiveBatch batch(2);
            const auto data = pattern(33, 1);
            for (int i = 0; i < 5; ++i) send_raw(receiver.local_address(), {});
            send_raw(receiver.local_address(), data);
            send_raw(receiver.local_address(), {});
            const auto arrivals = receive_waiting(receiver, batch);
            REQUIRE(arrivals.size() == 1);
            CHECK(arrivals[0].data == data);
            CHECK(receiver.counters().datagrams_empty == 6);
            CHECK(receiver.counters().datagrams_received == 1);
        }
    }
}

TEST_CASE("UDP: a message without data sends nothing and does not stop the others") {
    for (const Mode& mode : all_modes()) {
        UdpSocket sender = bound(loopback_ipv4(), mode.sender);
        UdpSocket receiver = bound(loopback_ipv4(), mode.receiver);
        const Address to = receiver.local_address();
        const auto data = pattern(10, 1);
        send_all(sender, {{to, {}, 0}, {to, data, 0}, {to, {}, 100}, {to, data, 0}, {to, {}, 0}});
        ReceiveBatch batch;
        CHECK(receive_waiting(receiver, batch).size() == 2);
        CHECK(receiver.counters().datagrams_empty == 0);
        CHECK(sender.counters().datagrams_sent == 2);
        CHECK(sender.counters().datagrams_unreachable == 0);
    }
    UdpSocket sender = bound(loopback_ipv4());
    send_all(sender, {});
    CHECK(sender.counters().send_calls == 0);
}

TEST_CASE("UDP: a datagram longer than its slot is dropped and counted") {
    UdpSocket sender = bound(loopback_ipv4(), batched_options());
    UdpSocket receiver = bound(loopback_ipv4(), batched_options());
    ReceiveBatch batch(4, 100);
    const auto data = pattern(101, 1);
    const Address to = receiver.local_address();
    for (const std::size_t size : {99u, 100u, 101u, 98u}) {
        send_all(sender, {{to, Bytes(data).first(size), 0}});
    }
    const auto arrivals = receive_waiting(receiver, batch);
    REQUIRE(arrivals.size() == 3);
    CHECK(arrivals[0].data.size() == 99);
    CHECK(arrivals[1].data.size() == 100);
    CHECK(arrivals[2].data.size() == 98);
    CHECK(receiver.counters().messages_truncated == 1);
}

TEST_CASE("UDP: `more` is told when every slot was used, even for datagrams that were dropped") {
    UdpSocket sender = bound(loopback_ipv4(), batched_options());
    UdpSocket receiver = bound(loopback_ipv4(), batched_options());
    const auto data = pattern(300, 1);
    const Address to = receiver.local_address();
    send_all(sender, {{to, data, 100}, {to, data, 0}, {to, data, 0}});
    ReceiveBatch batch(2, 200);
    CHECK(batch.slot_count() == 2);
    const std::size_t expected[] = {2, 1, 0, 0};
    const bool more[] = {true, true, false, false};
    for (std::size_t i = 0; i < 4; ++i) {
        CAPTURE(i);
        const auto outcome = receiver.receive(batch);
        REQUIRE(outcome.has_value());
        CHECK(outcome->datagrams.size() == expected[i]);
        CHECK(outcome->more == more[i]);
    }
}

TEST_CASE("UDP: 65,507 bytes arrive, and one more is counted as lost without stopping the others") {
    for (const Mode& mode : all_modes()) {
        CAPTURE(mode.name);
        UdpSocket sender = bound(loopback_ipv4(), mode.sender);
        UdpSocket receiver = bound(loopback_ipv4(), mode.receiver);
        ReceiveBatch batch;
        const Address to = receiver.local_address();
        const auto data = pattern(udp_payload_size_max + 1, 1);
        send_all(sender, {{to, data, 0},
                          {to, Bytes(data).first(udp_payload_size_max), 0},
                          {to, data, 0},
                          {to, Bytes(data).first(1), 0}});
        const auto arrivals = receive_count(receiver, batch, 2);
        REQUIRE(arrivals.size() == 2);
        CHECK(arrivals[0].data.size() == udp_payload_size_max);
        CHECK(arrivals[1].data.size() == 1);
        CHECK(sender.counters().datagrams_too_large == 2);
        CHECK(sender.counters().datagrams_sent == 2);
        CHECK(sender.counters().offload_failures == 0);
    }
}

TEST_CASE("UDP: a joined message is read datagram by datagram") {
    std::vector<std::uint8_t> bytes = pattern(250, 1);
    const ReceivedDatagrams joined = {.from = {}, .data = bytes, .segment_size = 100, .ecn = 0};
    CHECK(joined.count() == 3);
    CHECK(joined.datagram(0).size() == 100);
    CHECK(joined.datagram(1).data() == bytes.data() + 100);
    CHECK(joined.datagram(2).size() == 50);
    const ReceivedDatagrams single = {.from = {}, .data = bytes, .segment_size = 250, .ecn = 0};
    CHECK(single.count() == 1);
    CHECK(single.datagram(0).size() == 250);
}
