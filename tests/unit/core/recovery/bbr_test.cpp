// BBR over a fluid path, state by state. draft-ietf-ccwg-bbr.
#include "core/recovery/bbr.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/unit/core/recovery/fluid_path.hpp"

namespace stt::recovery::testing {

namespace {

using Phase = Bbr::Phase;

// 10 MB/s, 50 ms: 500,000 bytes fill it.
constexpr std::uint64_t rate = 10'000'000;
constexpr Duration round_trip = milliseconds(50);
constexpr std::uint64_t product = 500'000;

struct Flow {
    Bbr bbr{1'200};
    FluidPath path{bbr, rate, round_trip};

    // Whether the phase was reached.
    bool reach(Phase phase, Duration limit = seconds(20)) {
        return path.run_until([&] { return bbr.phase() == phase; }, limit);
    }
};

bool is_near(std::uint64_t value, std::uint64_t wanted, std::uint64_t percent) {
    const std::uint64_t distance = value > wanted ? value - wanted : wanted - value;
    return distance * 100 <= wanted * percent;
}

}  // namespace

TEST_CASE("BBR §5.3: startup fills the pipe, drain empties the queue, then the cycle begins") {
    Flow flow;
    CHECK(flow.bbr.phase() == Phase::startup);
    CHECK(flow.bbr.is_in_slow_start());
    CHECK_FALSE(flow.bbr.pacing_rate().has_value());
    REQUIRE(flow.reach(Phase::drain));
    CHECK(flow.path.now() < at(seconds(2)));
    CHECK(is_near(flow.bbr.model().bandwidth(), rate, 5));
    CHECK(flow.path.queue() > 0);
    // Down is over at once: the queue is empty already.
    REQUIRE(flow.reach(Phase::probe_cruise));
    CHECK(flow.path.in_flight() <= product * 12 / 10);
    REQUIRE(flow.reach(Phase::probe_refill));
    REQUIRE(flow.reach(Phase::probe_up));
    REQUIRE(flow.reach(Phase::probe_down));
    CHECK(is_near(flow.bbr.model().bandwidth(), rate, 5));
    CHECK(is_near(static_cast<std::uint64_t>(flow.bbr.model().round_trip().count()), 50'000, 5));
}

TEST_CASE(
    "BBR §5.6.2: the first flight leaves at the pace of its window, whatever is measured first") {
    Bbr bbr(1'200);
    AckSample sample;
    sample.now = at(milliseconds(50));
    sample.bytes = 60;  // of a frame that was all there was to send
    sample.delivered = 60;
    sample.round_trip = milliseconds(50);
    sample.round_trip_smoothed = milliseconds(50);
    bbr.on_acked(sample);
    REQUIRE(bbr.pacing_rate().has_value());
    const std::uint64_t rate_of_window = 10 * 1'200 * 20;
    CHECK(is_near(*bbr.pacing_rate(), rate_of_window * 277 / 100, 1));
}

TEST_CASE("BBR: what is lost by chance does not end startup while the rate still grows") {
    Flow flow;
    flow.path.lose_percent = 4;
    REQUIRE(flow.reach(Phase::drain));
    CHECK(is_near(flow.bbr.model().bandwidth(), rate, 5));
    // More than chance can be ends it at once.
    Flow worse;
    worse.path.lose_percent = 20;
    REQUIRE(worse.reach(Phase::probe_cruise));
    CHECK(worse.bbr.model().bandwidth() < rate / 2);
}

TEST_CASE("BBR §5.6.2: the rate is the bandwidth times the phase's gain, less a hundredth") {
    Flow flow;
    REQUIRE(flow.reach(Phase::probe_cruise));
    const auto expected = [&](std::uint64_t gain) {
        return flow.bbr.model().bandwidth() * gain / 100 * 99 / 100;
    };
    CHECK(is_near(flow.bbr.pacing_rate().value(), expected(100), 1));
    REQUIRE(flow.reach(Phase::probe_up));
    flow.path.run_for(milliseconds(2));
    CHECK(is_near(flow.bbr.pacing_rate().value(), expected(125), 1));
    REQUIRE(flow.reach(Phase::probe_down));
    flow.path.run_for(milliseconds(2));
    CHECK(is_near(flow.bbr.pacing_rate().value(), expected(90), 1));
}

TEST_CASE("BBR §5.3.3: it probes at least every three seconds, and never in lockstep") {
    Flow flow;
    flow.path.round_trip = milliseconds(80);  // 63 rounds are longer than three seconds
    REQUIRE(flow.reach(Phase::probe_cruise));
    std::set<Duration::rep> waits;
    for (int i = 0; i < 12; ++i) {
        REQUIRE(flow.reach(Phase::probe_down));
        Instant began = flow.path.now();
        const auto is_over = [&] {
            return flow.bbr.phase() == Phase::probe_refill ||
                   flow.bbr.phase() == Phase::probe_round_trip;
        };
        REQUIRE(flow.path.run_until(is_over, seconds(20)));
        while (flow.bbr.phase() == Phase::probe_round_trip) {
            // Behind it the time begins anew.
            REQUIRE(flow.reach(Phase::probe_cruise));
            began = flow.path.now();
            REQUIRE(flow.path.run_until(is_over, seconds(20)));
        }
        const Duration wait = flow.path.now() - began;
        CHECK(wait >= milliseconds(1'900));
        CHECK(wait <= milliseconds(3'500));  // and the rest of a round
        waits.insert(wait / milliseconds(1));
    }
    CHECK(waits.size() >= 10);
}

TEST_CASE("BBR §5.3.4: behind a queue the round trip is probed every five seconds, for 200 ms") {
    Flow flow;
    flow.path.run_for(seconds(1));
    flow.path.other_traffic = 40'000;  // 4 ms
    REQUIRE(flow.reach(Phase::probe_round_trip));
    const Instant began = flow.path.now();
    CHECK(flow.bbr.is_holding_back());
    CHECK(flow.bbr.window() <= product * 6 / 10);
    const std::uint64_t bandwidth = flow.bbr.model().bandwidth();
    REQUIRE(flow.reach(Phase::probe_cruise));
    CHECK(flow.path.now() - began >= milliseconds(200));
    CHECK(flow.path.now() - began <= milliseconds(400));
    CHECK(flow.bbr.window() >= product);
    CHECK(is_near(flow.bbr.model().bandwidth(), bandwidth, 3));  // it was not forgotten
    flow.path.other_traffic = 80'000;
    REQUIRE(flow.reach(Phase::probe_round_trip));
    CHECK(flow.path.now() - began >= milliseconds(4'500));
}

TEST_CASE("BBR: while no queue is met the round trip is not probed, but for every half minute") {
    Flow flow;
    REQUIRE(flow.reach(Phase::probe_round_trip, seconds(60)));
    CHECK(flow.path.now() >= at(seconds(30)));
    CHECK(flow.path.now() <= at(seconds(40)));
    // A queue that comes is seen within the interval.
    Flow other;
    other.path.run_for(seconds(12));
    other.path.other_traffic = 40'000;
    REQUIRE(other.reach(Phase::probe_round_trip));
    CHECK(other.path.now() <= at(seconds(18)));
}

TEST_CASE("BBR: after the path shrank to a third, the least round trip is found again") {
    Flow flow;
    flow.path.run_for(seconds(43));
    flow.path.rate = rate * 3 / 10;
    flow.path.run_for(seconds(47));
    CHECK(flow.bbr.model().round_trip() <= milliseconds(53));
}

TEST_CASE("BBR: round trips that are ever a little lower put no probe off for longer") {
    BbrModel model;
    AckSample sample;
    sample.round_trip = milliseconds(60);
    Instant due{};
    for (int ms = 0; ms < 60'000 && due == Instant{}; ms += 50) {
        sample.now = at(milliseconds(ms));
        sample.delivered = static_cast<std::uint64_t>(ms) * 1'000;
        *sample.round_trip -= microseconds(5);
        model.on_acked(sample, false, 100'000, 1'200);
        if (model.is_probe_due()) due = sample.now;
    }
    CHECK(due > at(seconds(30)));
    CHECK(due < at(seconds(36)));
}

TEST_CASE("BBR: the least round trip is forgotten ten seconds after it was last seen") {
    BbrModel model;
    AckSample sample;
    const auto run = [&](Duration round_trip, Duration from, Duration until) {
        for (Duration time = from; time < until; time += milliseconds(50)) {
            sample.now = at(time);
            sample.round_trip = round_trip;
            sample.delivered += 10'000;
            model.on_acked(sample, false, 100'000, 1'200);
        }
    };
    run(milliseconds(50), seconds(0), seconds(1));
    run(milliseconds(51), seconds(1), seconds(12));
    // Behind a queue the probe is due after five seconds, and finds nothing lower.
    run(milliseconds(82), seconds(12), seconds(21));
    CHECK(model.round_trip() == milliseconds(50));
    run(milliseconds(82), seconds(21), seconds(24));
    CHECK(model.round_trip() == milliseconds(82));
}

TEST_CASE("BBR §5.5: a path that grew is found within a few probes, one that shrank as well") {
    Flow flow;
    flow.path.queue_max = product;
    flow.path.run_for(seconds(6));
    flow.path.rate = 2 * rate;
    flow.path.run_for(seconds(15));
    CHECK(is_near(flow.bbr.model().bandwidth(), 2 * rate, 10));
    flow.path.rate = rate / 2;
    flow.path.run_for(seconds(15));
    CHECK(is_near(flow.bbr.model().bandwidth(), rate / 2, 10));
}

TEST_CASE("BBR §5.5.10: a shallow queue bounds the volume at what the probe found safe") {
    Flow flow;
    flow.path.queue_max = product / 10;
    flow.path.run_for(seconds(20));
    CHECK(flow.bbr.volume_longterm() < product * 14 / 10);
    CHECK(flow.bbr.volume_longterm() >= product * 7 / 10);
    const std::uint64_t delivered = flow.path.delivered();
    const std::uint64_t lost = flow.path.lost();
    flow.path.run_for(seconds(10));
    CHECK(flow.path.delivered() - delivered >= 10 * rate * 85 / 100);
    CHECK((flow.path.lost() - lost) * 100 < (flow.path.delivered() - delivered) * 2);
}

TEST_CASE("BBR: loss by chance is told apart from congestion; the rate stays") {
    for (const std::uint64_t percent : {1u, 2u, 3u}) {
        CAPTURE(percent);
        Flow flow;
        flow.path.queue_max = product;
        flow.path.lose_percent = percent;
        flow.path.run_for(seconds(10));
        const std::uint64_t delivered = flow.path.delivered();
        flow.path.run_for(seconds(10));
        CHECK(flow.path.delivered() - delivered >= 10 * rate * 85 / 100);
        CHECK(is_near(flow.bbr.model().chance_loss(), percent * 100, 20));
    }
}

TEST_CASE("BBR: what is lost beyond chance bounds the rate until the next probe") {
    Flow flow;
    REQUIRE(flow.reach(Phase::probe_cruise));
    flow.path.run_for(milliseconds(200));
    flow.path.lose_percent = 20;
    flow.path.run_for(milliseconds(160));
    CHECK(flow.bbr.model().bandwidth() < rate * 95 / 100);
    CHECK(flow.bbr.model().volume_shortterm() != unbounded);
    flow.path.lose_percent = 0;
    REQUIRE(flow.reach(Phase::probe_refill));
    CHECK(flow.bbr.model().volume_shortterm() == unbounded);
}

TEST_CASE("BBR: no more than a twentieth is ever taken for chance") {
    Flow flow;
    flow.path.lose_percent = 30;
    flow.path.run_for(seconds(20));
    CHECK(flow.bbr.model().chance_loss() <= 500);
}

TEST_CASE("BBR: a mark ends startup, and bounds what cruises, more gently than a loss") {
    Flow flow;
    flow.path.is_marking = true;
    REQUIRE(flow.reach(Phase::drain));
    REQUIRE(flow.reach(Phase::probe_cruise));
    CHECK(flow.bbr.volume_longterm() != unbounded);
    flow.path.run_for(seconds(10));
    CHECK(flow.path.queue() < product / 2);
    CHECK(flow.path.delivered() > 9 * rate * 7 / 10);
}

TEST_CASE("BBR §5.4.1: after idle it goes on at the bandwidth that it knows, without a gain") {
    Flow flow;
    REQUIRE(flow.reach(Phase::probe_up));
    flow.path.app_rate = 0;
    flow.path.run_for(seconds(3));
    CHECK(flow.path.in_flight() == 0);
    flow.path.app_rate = UINT64_MAX;
    flow.path.run_for(milliseconds(10));
    CHECK(is_near(flow.bbr.pacing_rate().value(), flow.bbr.model().bandwidth(), 3));
    flow.path.run_for(seconds(3));
    CHECK(is_near(flow.bbr.model().bandwidth(), rate, 5));
}

TEST_CASE("BBR §4.1: an application that sends little does not lower the bandwidth") {
    Flow flow;
    REQUIRE(flow.reach(Phase::probe_cruise));
    flow.path.app_rate = rate / 20;
    flow.path.run_for(seconds(30));
    CHECK(is_near(flow.bbr.model().bandwidth(), rate, 5));
}

TEST_CASE("RFC 9002 §7.6: persistent congestion leaves two datagrams, and ACKs bring BBR back") {
    Flow flow;
    REQUIRE(flow.reach(Phase::probe_cruise));
    flow.path.run_for(milliseconds(100));
    flow.bbr.on_persistent_congestion(flow.path.now());
    CHECK(flow.bbr.window() == 2'400);
    flow.path.run_for(seconds(2));
    CHECK(flow.bbr.window() >= product);
    CHECK(is_near(flow.bbr.model().bandwidth(), rate, 10));
}

TEST_CASE("BBR §5.5.11: a loss that proves spurious takes back what it did") {
    Flow flow;
    flow.path.queue_max = product / 10;
    REQUIRE(flow.reach(Phase::probe_up));
    flow.path.run_for(milliseconds(60));
    REQUIRE(flow.bbr.phase() == Phase::probe_up);
    const std::uint64_t before = flow.bbr.volume_longterm();
    const Instant now = flow.path.now();
    flow.bbr.on_lost({now, 100'000, 400'000, flow.path.delivered(), product, 60'000});
    flow.bbr.on_lost({now, 100'000, 300'000, flow.path.delivered(), product, 160'000});
    flow.bbr.on_congestion_event({now, CongestionEvent::Cause::loss, now, 300'000});
    CHECK(flow.bbr.phase() == Phase::probe_down);
    CHECK(flow.bbr.volume_longterm() < before);
    flow.bbr.on_spurious_congestion(now);
    CHECK(flow.bbr.phase() == Phase::probe_up);
    CHECK(flow.bbr.volume_longterm() == before);
    flow.bbr.on_spurious_congestion(now);  // once
    CHECK(flow.bbr.phase() == Phase::probe_up);
}

TEST_CASE("protocol §10.3: BBR's window follows what was delivered, not what was claimed") {
    Bbr bbr(1'200);
    // ACKs of a peer that claims far too soon: the rate is that of sending, not of claiming.
    AckSample sample;
    for (int i = 1; i <= 1'000; ++i) {
        sample.now = at(milliseconds(i));
        sample.bytes = 1'200;
        sample.bytes_past_recovery = 1'200;
        sample.is_window_limited = true;
        sample.round_trip = milliseconds(1);
        sample.delivered += 1'200;
        sample.rate.bytes = 1'200;
        sample.rate.interval = milliseconds(1);
        sample.rate.delivered_before = sample.delivered - 1'200;
        bbr.on_acked(sample);
    }
    // 1,200 bytes a millisecond: the product of it is one datagram.
    CHECK(bbr.window() <= 100'000);
    CHECK(bbr.pacing_rate().value() <= 1'200'000 * 3);
}

TEST_CASE("BBR keeps its bounds whatever it is told") {
    Random random(7);
    for (int run = 0; run < 50; ++run) {
        Bbr bbr(1'200);
        AckSample sample;
        Instant now = at(Duration(0));
        for (int step = 0; step < 2'000; ++step) {
            now += Duration(static_cast<Duration::rep>(random.below(50'000)));
            sample.now = now;
            sample.bytes = random.below(4) == 0 ? 0 : random.below(200'000);
            sample.bytes_past_recovery = sample.bytes;
            sample.in_flight = random.below(10'000'000);
            sample.is_window_limited = random.one_in(2);
            sample.round_trip.reset();
            if (!random.one_in(4)) {
                sample.round_trip = Duration(static_cast<Duration::rep>(random.below(2'000'000)));
            }
            sample.delivered += sample.bytes;
            sample.rate.delivered_before = random.below(sample.delivered + 1);
            sample.rate.bytes = random.below(std::uint64_t{1} << random.below(60));
            sample.rate.interval = Duration(static_cast<Duration::rep>(random.below(1'000'000)));
            sample.rate.in_flight = random.below(std::uint64_t{1} << random.below(60));
            sample.rate.lost = random.below(100'000);
            sample.rate.is_app_limited = random.one_in(3);
            bbr.on_acked(sample);
            if (random.one_in(5)) {
                bbr.on_lost({now, random.below(100'000), 0, sample.delivered,
                             random.below(1'000'000), random.below(200'000)});
            }
            if (random.one_in(10)) {
                bbr.on_congestion_event(
                    {now,
                     random.one_in(2) ? CongestionEvent::Cause::loss : CongestionEvent::Cause::ecn,
                     now, random.below(1'000'000)});
            }
            if (random.one_in(200)) bbr.on_persistent_congestion(now);
            if (random.one_in(100)) bbr.on_spurious_congestion(now);
            if (random.one_in(100)) bbr.set_datagram_size(1'200 + random.below(300));
            if (random.one_in(20)) bbr.on_sent(now, 1'200, 1'200);
            REQUIRE(bbr.window() >= 2'400);
            REQUIRE(bbr.window() <= window_max_bytes);
            if (bbr.pacing_rate()) REQUIRE(*bbr.pacing_rate() > 0);
        }
    }
}

}  // namespace stt::recovery::testing
