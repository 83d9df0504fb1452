#include "core/recovery/loss.hpp"

#include <doctest/doctest.h>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

TEST_CASE("protocol §10.1 (a): what is acknowledged is reported once, with its cargo") {
    Sender sender;
    for (int i = 0; i < 3; ++i) sender.send(at(milliseconds(i)));
    CHECK(sender.path().bytes_in_flight() == 3'600);
    const AckOutcome outcome = sender.ack(at(milliseconds(50)), {{0, 1}});
    CHECK(sequences(outcome.acked) == Sequences{0, 1});
    CHECK(outcome.acked[1].cargo.offset == 1'000);
    CHECK(outcome.lost.empty());
    CHECK(sender.path().bytes_in_flight() == 1'200);

    CHECK(sender.ack(at(milliseconds(51)), {{0, 1}}).acked.empty());
    CHECK(sequences(sender.ack(at(milliseconds(52)), {{0, 2}}).acked) == Sequences{2});
    CHECK(sender.ack(at(milliseconds(53)), {{0, 0}}).acked.empty());  // an old one, overtaken
    CHECK(sender.path().bytes_in_flight() == 0);
    CHECK_FALSE(sender.loss.deadline().has_value());
}

TEST_CASE("protocol §10.1 (a): a frame is lost when one three datagrams later is acknowledged") {
    Sender sender;
    for (int i = 0; i < 4; ++i) sender.send(at(Duration(0)));
    CHECK(sender.ack(at(milliseconds(50)), {{2, 2}}).lost.empty());
    const AckOutcome outcome = sender.ack(at(milliseconds(50)), {{3, 3}});
    CHECK(sequences(outcome.lost) == Sequences{0});
    CHECK(outcome.lost[0].was_lost);
}

TEST_CASE("protocol §10.1 (a): three frames of one datagram later is no loss") {
    Sender sender;
    sender.send(at(Duration(0)), 1);  // 0
    sender.send(at(Duration(0)), 8);  // 1 to 8
    sender.send(at(Duration(0)), 8);  // 9 to 16
    CHECK(sender.ack(at(milliseconds(50)), {{1, 16}}).lost.empty());
    sender.send(at(milliseconds(50)), 1);
    CHECK(sequences(sender.ack(at(milliseconds(51)), {{17, 17}}).lost) == Sequences{0});
}

TEST_CASE("protocol §10.1 (a): all frames of a lost datagram are lost") {
    Sender sender;
    sender.send(at(Duration(0)), 3);
    for (int i = 0; i < 3; ++i) sender.send(at(Duration(0)));
    CHECK(sequences(sender.ack(at(milliseconds(50)), {{5, 5}}).lost) == Sequences{0, 1, 2});
}

TEST_CASE("RFC 9002 §6.1.2: a frame is lost 9/8 of a round trip after it was sent") {
    Sender sender;
    sender.send(at(milliseconds(0)));
    sender.send(at(milliseconds(5)));
    CHECK(sender.ack(at(milliseconds(85)), {{1, 1}}).lost.empty());  // round trip 80 ms
    CHECK(sender.loss.deadline() == at(milliseconds(90)));
    CHECK(sender.loss.on_timeout(at(microseconds(89'999))).lost.empty());
    const TimeoutOutcome outcome = sender.loss.on_timeout(at(milliseconds(90)));
    CHECK(sequences(outcome.lost) == Sequences{0});
    CHECK(outcome.probes == 0);
    CHECK_FALSE(sender.loss.deadline().has_value());
}

TEST_CASE("RFC 9002 §6.1: nothing is lost unless something later was acknowledged") {
    Sender sender;
    for (int i = 0; i < 10; ++i) sender.send(at(Duration(0)));
    sender.ack(at(milliseconds(40)), {{0, 0}});
    CHECK(sender.loss.on_timeout(at(seconds(100))).lost.empty());
}

TEST_CASE("RFC 9002 §6.2: probe timeouts double until something is acknowledged") {
    Sender sender;
    sender.send(at(milliseconds(0)));
    sender.ack(at(milliseconds(100)), {{0, 0}});
    sender.send(at(milliseconds(100)));
    // 100 + 4 × 50 + 25.
    CHECK(sender.loss.deadline() == at(milliseconds(425)));
    CHECK(sender.loss.on_timeout(at(milliseconds(424))).probes == 0);

    const TimeoutOutcome first = sender.loss.on_timeout(at(milliseconds(425)));
    CHECK(first.probes == 2);
    CHECK(first.path == 1);
    CHECK(first.lost.empty());
    sender.send(at(milliseconds(425)));
    CHECK(sender.loss.deadline() == at(milliseconds(425 + 650)));
    CHECK(sender.loss.on_timeout(at(milliseconds(1'075))).probes == 2);
    sender.send(at(milliseconds(1'075)));
    CHECK(sender.loss.deadline() == at(milliseconds(1'075 + 1'300)));
    CHECK(sender.path().probe_timeouts() == 2);

    const AckOutcome outcome = sender.ack(at(milliseconds(1'175)), {{3, 3}});
    CHECK(sequences(outcome.lost) == Sequences{1, 2});  // by time
    CHECK(sender.path().probe_timeouts() == 0);
}

TEST_CASE("RFC 9002 §6.2.4: a probe timeout names the oldest datagrams in flight, and loses none") {
    Sender sender;
    sender.send(at(milliseconds(0)));
    sender.ack(at(milliseconds(100)), {{0, 0}});
    const std::uint64_t first = sender.send(at(milliseconds(100)), 2);
    sender.send_silent(at(milliseconds(101)));
    sender.send(at(milliseconds(101)));
    sender.send(at(milliseconds(102)));
    const std::size_t in_flight = sender.path().bytes_in_flight();
    const TimeoutOutcome outcome = sender.loss.on_timeout(at(seconds(1)));
    CHECK(outcome.lost.empty());
    CHECK(sequences(outcome.oldest) == Sequences{first, first + 1, first + 3});
    CHECK(sender.path().bytes_in_flight() == in_flight);
    CHECK(sender.loss.on_timeout(at(seconds(1))).oldest.empty());  // not due again
}

TEST_CASE("protocol §10.1 (a): probe timeouts stop doubling at two seconds, or at one timeout") {
    Sender sender;
    sender.send(at(milliseconds(0)));
    sender.ack(at(milliseconds(100)), {{0, 0}});
    sender.send(at(milliseconds(100)));
    Instant now = at(milliseconds(100));
    for (int i = 0; i < 8; ++i) {
        now = sender.loss.deadline().value();
        sender.loss.on_timeout(now);
        sender.send(now);
    }
    CHECK(*sender.loss.deadline() - now == seconds(2));

    Sender slow;  // a path of ten seconds
    slow.send(at(milliseconds(0)));
    slow.ack(at(seconds(10)), {{0, 0}});
    slow.send(at(seconds(10)));
    const Duration once = *slow.loss.deadline() - at(seconds(10));
    CHECK(once > seconds(10));
    now = *slow.loss.deadline();
    slow.loss.on_timeout(now);
    slow.send(now);
    CHECK(*slow.loss.deadline() - now == once);
}

TEST_CASE("a probe timeout that nothing could answer does not come again at once") {
    Sender sender;
    sender.send(at(Duration(0)));
    Instant now = at(seconds(3'600));  // the machine slept
    for (int i = 0; i < 20; ++i) {
        CHECK(sender.loss.on_timeout(now).probes == 2);
        REQUIRE(sender.loss.deadline().has_value());
        CHECK(*sender.loss.deadline() > now);
        CHECK(*sender.loss.deadline() - now <= probe_timeout_max);
        now = *sender.loss.deadline();
    }
    CHECK(*sender.loss.deadline() - now <= probe_timeout_max);
}

TEST_CASE("protocol §10.4 (d): what elicits no ACK is not in flight and has no probe timeout") {
    Sender sender;
    sender.send_silent(at(Duration(0)));
    CHECK(sender.path().bytes_in_flight() == 0);
    CHECK_FALSE(sender.loss.deadline().has_value());
    sender.send(at(Duration(0)));
    sender.send_silent(at(Duration(0)));
    const AckOutcome outcome = sender.ack(at(milliseconds(10)), {{0, 2}});
    CHECK(sequences(outcome.acked) == Sequences{1, 2});  // 0 was let go: nothing waited on it
}

TEST_CASE("RFC 9002 §5.1: only an ACK that newly covers its largest gives a sample") {
    Sender sender;
    sender.send(at(milliseconds(0)));
    sender.send(at(milliseconds(10)));
    sender.send(at(milliseconds(20)));
    CHECK(sender.ack(at(milliseconds(110)), {{1, 1}}).round_trip_of == PathNumber{1});
    CHECK(sender.rtt().latest() == milliseconds(100));
    CHECK_FALSE(sender.ack(at(milliseconds(120)), {{0, 1}}).round_trip_of.has_value());
    CHECK(sender.rtt().latest() == milliseconds(100));
    CHECK(sender.ack(at(milliseconds(130)), {{0, 2}}, milliseconds(4)).round_trip_of.has_value());
    CHECK(sender.rtt().latest() == milliseconds(110));
}

TEST_CASE("RFC 9002 §5.1: an ACK of nothing that elicits one gives no sample") {
    Sender sender;
    sender.send(at(milliseconds(0)));
    sender.send_silent(at(milliseconds(10)));
    CHECK_FALSE(sender.ack(at(milliseconds(500)), {{1, 1}}).round_trip_of.has_value());
    CHECK_FALSE(sender.rtt().has_sample());
}

TEST_CASE("protocol §10.3 (b): an ACK of what was never sent is error 1 and changes nothing") {
    Sender sender;
    sender.send(at(Duration(0)));
    const SentFrame after_skip = eliciting(2);
    sender.loss.on_datagram_sent(at(Duration(0)), {.path = 1, .size = 1'200}, {&after_skip, 1});
    for (const OwnedAck& ack : {OwnedAck{{0, 3}}, OwnedAck{{0, 2}}, OwnedAck{{1, 1}},
                                OwnedAck{{UINT64_MAX, UINT64_MAX}}}) {
        const auto outcome = sender.loss.on_ack(at(milliseconds(1)), ack.get());
        REQUIRE_FALSE(outcome.has_value());
        CHECK(outcome.error().code == ErrorCode::protocol);
        CHECK(sender.path().bytes_in_flight() == 2'400);
    }
    CHECK(sender.ack(at(milliseconds(1)), {{2, 2}, {0, 0}}).acked.size() == 2);
}

TEST_CASE("a frame acknowledged after it was declared lost is reported as acknowledged late") {
    Sender sender;
    for (int i = 0; i < 5; ++i) sender.send(at(Duration(0)));
    CHECK(sequences(sender.ack(at(milliseconds(20)), {{1, 4}}).lost) == Sequences{0});
    const AckOutcome outcome = sender.ack(at(milliseconds(30)), {{0, 4}});
    REQUIRE(sequences(outcome.acked) == Sequences{0});
    CHECK(outcome.acked[0].was_lost);
    CHECK(outcome.lost.empty());
    CHECK(sender.path().bytes_in_flight() == 0);
}

TEST_CASE("an ACK whose ranges cover 60,000 settled frames costs no walk over them") {
    constexpr std::uint64_t count = 60'000;
    // Of one datagram: so the first frame stays open below the others.
    LossDetection loss;
    loss.add_path(1, {});
    loss.take_path(at(Duration(0)), 1);
    std::vector<SentFrame> frames;
    for (std::uint64_t i = 0; i < count; ++i) frames.push_back(eliciting(i));
    loss.on_datagram_sent(at(Duration(0)), {.path = 1, .size = 1'200}, frames);
    CHECK(Sender::accepted(loss.on_ack(at(seconds(1)), OwnedAck{{1, count - 1}}.get()))
              .acked.size() == count - 1);
    // Steps over settled frames would be 6 × 10^9 here: minutes.
    const auto started = std::chrono::steady_clock::now();
    for (int i = 0; i < 100'000; ++i) {
        CHECK(Sender::accepted(loss.on_ack(at(seconds(1)), OwnedAck{{1, count - 1}}.get()))
                  .acked.empty());
    }
    CHECK(std::chrono::steady_clock::now() - started < seconds(10));
    CHECK(Sender::accepted(loss.on_ack(at(seconds(1)), OwnedAck{{0, 0}}.get())).acked.size() == 1);
}

TEST_CASE("an ACK of more than 256 ranges is read to the 256th") {
    Sender sender;
    std::vector<wire::SequenceRange> ranges;
    for (std::uint64_t i = 0; i < 1'000; ++i) sender.send(at(Duration(0)));
    for (std::uint64_t i = 0; i < 400; ++i) ranges.push_back({999 - 2 * i, 999 - 2 * i});
    const AckOutcome outcome =
        Sender::accepted(sender.loss.on_ack(at(milliseconds(9)), OwnedAck(ranges).get()));
    CHECK(outcome.acked.size() == ack_ranges_read_max);
}

TEST_CASE("protocol §6: a full log takes no more, and a probe pushes the oldest out as lost") {
    Sender sender;
    while (sender.loss.has_room(1)) sender.send(at(Duration(0)));
    for (std::uint64_t i = 0; i < skip_run_max + 2; ++i) sender.send(at(milliseconds(1)));
    const std::size_t in_flight = sender.path().bytes_in_flight();
    REQUIRE(sender.loss.deadline().has_value());
    CHECK(*sender.loss.deadline() <= at(milliseconds(1)));
    const TimeoutOutcome outcome = sender.loss.on_timeout(at(milliseconds(1)));
    CHECK(sequences(outcome.lost) == Sequences{0, 1});
    CHECK(sender.path().bytes_in_flight() == in_flight);
    CHECK(in_flight == sent_frames_max * 1'200);
}

}  // namespace stt::recovery::testing
