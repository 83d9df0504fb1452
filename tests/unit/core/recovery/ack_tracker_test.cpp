#include "core/recovery/ack_tracker.hpp"

#include <doctest/doctest.h>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

// One datagram with one frame.
void receive(AckTracker& tracker, Instant now, std::uint64_t sequence, bool elicits_ack = true,
             EcnMark mark = EcnMark::not_ect) {
    tracker.on_datagram(now);
    tracker.on_received(now, sequence, elicits_ack, mark);
}

// `count` datagrams in order at even distances, each ACK sent when due. Returns the ACKs.
std::size_t acks_of_flow(AckTracker& tracker, std::size_t count, Duration distance) {
    std::size_t acks = 0;
    Instant now = at(Duration(0));
    for (std::size_t i = 0; i < count; ++i, now += distance) {
        while (tracker.deadline().has_value() && *tracker.deadline() <= now) {
            tracker.on_ack_sent(*tracker.deadline(), false);
            ++acks;
        }
        receive(tracker, now, i);
        if (tracker.is_due(now)) {
            tracker.on_ack_sent(now, false);
            ++acks;
        }
    }
    return acks;
}

}  // namespace

TEST_CASE("protocol §10.2 (a): at low rates every second datagram is acknowledged at once") {
    AckTracker tracker;
    receive(tracker, at(milliseconds(0)), 0);
    CHECK(tracker.has_unsent());
    CHECK_FALSE(tracker.is_due(at(milliseconds(1))));
    receive(tracker, at(milliseconds(1)), 1);
    CHECK(tracker.is_due(at(milliseconds(1))));
    tracker.on_ack_sent(at(milliseconds(1)), false);
    CHECK_FALSE(tracker.has_unsent());
    CHECK_FALSE(tracker.deadline().has_value());
    CHECK(acks_of_flow(tracker, 0, milliseconds(5)) == 0);
}

TEST_CASE("protocol §10.2 (a): datagrams count, not frames") {
    AckTracker tracker;
    tracker.on_datagram(at(Duration(0)));
    for (std::uint64_t i = 0; i < 8; ++i) {
        tracker.on_received(at(Duration(0)), i, true, EcnMark::not_ect);
    }
    CHECK_FALSE(tracker.is_due(at(Duration(0))));
}

TEST_CASE("protocol §10.2 (a): above 1,000 datagrams a second every tenth is acknowledged") {
    AckTracker fast;
    fast.set_round_trip(milliseconds(100));
    const std::size_t acks = acks_of_flow(fast, 10'000, microseconds(100));
    CHECK(acks >= 1'000);
    CHECK(acks <= 1'000 + 100);  // until the rate is known, every second

    AckTracker slow;
    slow.set_round_trip(milliseconds(100));
    CHECK(acks_of_flow(slow, 1'000, microseconds(1'100)) == 500);
}

TEST_CASE(
    "protocol §10.2 (a): what leaves anyway takes an ACK along, at high rates half as often") {
    // A datagram leaves for each that comes.
    const auto rides = [](AckTracker& tracker, std::size_t count, Duration distance) {
        std::size_t acks = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const Instant now = at(distance * static_cast<Duration::rep>(i));
            receive(tracker, now, i);
            CHECK_FALSE(tracker.is_due(now));
            if (!tracker.should_ride(now)) continue;
            tracker.on_ack_sent(now, false);
            ++acks;
        }
        return acks;
    };
    AckTracker slow;
    CHECK(rides(slow, 200, milliseconds(2)) == 200);
    AckTracker fast;
    const std::size_t acks = rides(fast, 10'000, microseconds(50));
    CHECK(acks >= 2'000);
    CHECK(acks <= 2'000 + 100);  // until the rate is known, every one
    // What is urgent does not wait for the others.
    receive(fast, at(milliseconds(500)), 10'000);
    CHECK_FALSE(fast.should_ride(at(milliseconds(500))));
    receive(fast, at(milliseconds(500)), 10'002);
    CHECK(fast.should_ride(at(milliseconds(500))));
}

TEST_CASE("protocol §10.2 (a): an ACK waits at most 25 ms, on a short round trip a quarter of it") {
    AckTracker tracker;
    receive(tracker, at(milliseconds(7)), 0);
    CHECK(tracker.deadline() == at(milliseconds(32)));
    CHECK_FALSE(tracker.is_due(at(microseconds(31'999))));
    CHECK(tracker.is_due(at(milliseconds(32))));
    tracker.set_round_trip(milliseconds(20));
    CHECK(tracker.deadline() == at(milliseconds(12)));
    tracker.set_round_trip(microseconds(50));
    CHECK(tracker.deadline() == at(milliseconds(8)));
    tracker.set_round_trip(seconds(2));
    CHECK(tracker.deadline() == at(milliseconds(32)));
}

TEST_CASE("protocol §10.2 (a): a gap, and what fills it, is acknowledged at once") {
    AckTracker tracker;
    receive(tracker, at(Duration(0)), 0);
    tracker.on_ack_sent(at(Duration(0)), false);
    receive(tracker, at(Duration(1)), 2);
    CHECK(tracker.is_due(at(Duration(1))));
    tracker.on_ack_sent(at(Duration(1)), false);
    receive(tracker, at(Duration(2)), 3);  // the gap is known by now
    CHECK_FALSE(tracker.is_due(at(Duration(2))));
    tracker.on_ack_sent(at(Duration(2)), false);
    receive(tracker, at(Duration(3)), 1);
    CHECK(tracker.is_due(at(Duration(3))));
}

TEST_CASE("RFC 9000 §13.2.1: a CE mark is acknowledged at once and counted for each frame") {
    AckTracker tracker;
    CHECK_FALSE(tracker.ecn_counts().has_value());
    receive(tracker, at(Duration(0)), 0, true, EcnMark::ect0);
    CHECK_FALSE(tracker.is_due(at(Duration(0))));
    tracker.on_datagram(at(Duration(1)));
    tracker.on_received(at(Duration(1)), 1, true, EcnMark::ce);
    tracker.on_received(at(Duration(1)), 2, false, EcnMark::ce);
    CHECK(tracker.is_due(at(Duration(1))));
    REQUIRE(tracker.ecn_counts().has_value());
    CHECK(tracker.ecn_counts()->ect0 == 1);
    CHECK(tracker.ecn_counts()->ect1 == 0);
    CHECK(tracker.ecn_counts()->ce == 2);
}

TEST_CASE("protocol §10.1 (b): ACKs of ACKs are never due, but go into the ranges") {
    AckTracker tracker;
    for (std::uint64_t i = 0; i < 100; ++i) receive(tracker, at(milliseconds(10)), 3 * i, false);
    CHECK_FALSE(tracker.has_unsent());
    CHECK_FALSE(tracker.deadline().has_value());
    CHECK(tracker.ranges().size() == 100);
}

TEST_CASE("a repeated sequence changes nothing") {
    AckTracker tracker;
    receive(tracker, at(Duration(0)), 5, true, EcnMark::ect0);
    tracker.on_ack_sent(at(Duration(0)), false);
    receive(tracker, at(Duration(9)), 5, true, EcnMark::ect0);
    CHECK_FALSE(tracker.has_unsent());
    CHECK(tracker.ecn_counts()->ect0 == 1);
    CHECK(tracker.delay_us(at(Duration(9))) == 9);
}

TEST_CASE("the delay is that of the largest sequence, whatever came later") {
    AckTracker tracker;
    CHECK(tracker.delay_us(at(milliseconds(5))) == 0);
    receive(tracker, at(milliseconds(10)), 7);
    receive(tracker, at(milliseconds(14)), 6);
    CHECK(tracker.delay_us(at(milliseconds(15))) == 5'000);
}

TEST_CASE("protocol §10.2 (c): over 16 ranges a PING is asked for, once a round trip") {
    AckTracker tracker;
    tracker.set_round_trip(milliseconds(40));
    for (std::uint64_t i = 0; i < 16; ++i) receive(tracker, at(Duration(0)), 2 * i);
    CHECK_FALSE(tracker.wants_ping(at(Duration(0))));
    receive(tracker, at(Duration(0)), 32);
    CHECK(tracker.wants_ping(at(Duration(0))));
    tracker.on_ack_sent(at(Duration(0)), true);
    CHECK_FALSE(tracker.wants_ping(at(milliseconds(39))));
    CHECK(tracker.wants_ping(at(milliseconds(40))));
}

TEST_CASE("protocol §10.2 (c): ranges up to the largest of an acknowledged ACK are forgotten") {
    AckTracker tracker;
    for (std::uint64_t i = 0; i < 20; ++i) receive(tracker, at(Duration(0)), 2 * i);
    tracker.on_ack_sent(at(Duration(0)), true);
    tracker.on_ack_acknowledged(30);
    REQUIRE(tracker.ranges().size() == 4);
    CHECK(tracker.ranges().back().first == 32);
    // A frame that comes after that is news all the same.
    receive(tracker, at(Duration(1)), 3);
    CHECK(tracker.is_due(at(Duration(1))));
    CHECK(tracker.ranges().back().first == 3);
}

TEST_CASE("what came late and was in no ACK yet survives the forgetting") {
    AckTracker tracker;
    receive(tracker, at(Duration(0)), 9);
    tracker.on_ack_sent(at(Duration(0)), true);
    receive(tracker, at(Duration(1)), 4);
    tracker.on_ack_acknowledged(9);
    REQUIRE(tracker.ranges().size() == 2);
    CHECK(tracker.ranges().back().first == 4);
    tracker.on_ack_sent(at(Duration(1)), true);
    tracker.on_ack_acknowledged(9);
    CHECK(tracker.ranges().empty());
}

TEST_CASE("protocol §10.4 (d): at most one padded ACK goes out each quarter round trip") {
    AckTracker tracker;
    tracker.set_round_trip(milliseconds(200));
    tracker.set_acks_are_padded(true);
    receive(tracker, at(Duration(0)), 1);
    CHECK(tracker.is_due(at(Duration(0))));
    tracker.on_ack_sent(at(Duration(0)), false);
    receive(tracker, at(milliseconds(1)), 5);  // out of order
    CHECK_FALSE(tracker.is_due(at(milliseconds(1))));
    CHECK_FALSE(tracker.should_ride(at(milliseconds(49))));
    CHECK(tracker.deadline() == at(milliseconds(50)));
    CHECK(tracker.is_due(at(milliseconds(50))));
    CHECK(tracker.should_ride(at(milliseconds(50))));
}

}  // namespace stt::recovery::testing
