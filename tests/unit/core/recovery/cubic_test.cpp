#include "core/recovery/cubic.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

constexpr std::size_t datagram = 1'200;

AckSample acked(Instant now, std::size_t bytes, Duration round_trip) {
    AckSample sample;
    sample.now = now;
    sample.bytes = bytes;
    sample.bytes_past_recovery = bytes;
    sample.is_window_limited = true;
    sample.round_trip_smoothed = round_trip;
    return sample;
}

void lose(Cubic& cubic, Instant now) {
    cubic.on_congestion_event({.now = now});
}

// Slow start to `segments`, without the samples that HyStart++ would judge.
void grow_to(Cubic& cubic, std::size_t segments) {
    while (cubic.window() < segments * datagram) {
        const std::size_t missing = segments * datagram - cubic.window();
        cubic.on_acked(
            acked(at(Duration(0)), std::min(missing, cubic.window()), milliseconds(100)));
    }
}

// RFC 9438 in segments and seconds, written down from its figures.
struct NumericModel {
    double cwnd = 0;
    double w_max = 0;
    double cwnd_prior = 0;
    double k = 0;
    double w_est = 0;

    void lose() {
        cwnd_prior = cwnd;
        w_max = cwnd < w_max ? cwnd * (1 + 0.7) / 2 : cwnd;
        cwnd *= 0.7;
        k = std::cbrt((w_max - cwnd) / 0.4);
        w_est = cwnd;
    }
    double w_cubic(double t) const { return 0.4 * std::pow(t - k, 3) + w_max; }
    void ack(double t, double rtt, double segments) {
        const double alpha = w_est < cwnd_prior ? 3 * (1 - 0.7) / (1 + 0.7) : 1;
        w_est += alpha * segments / cwnd;
        if (w_cubic(t) < w_est) {
            cwnd = std::max(cwnd, w_est);
            return;
        }
        const double target = std::min(std::max(w_cubic(t + rtt), cwnd), 1.5 * cwnd);
        cwnd += (target - cwnd) / cwnd * segments;
    }
};

// Both, over `lasting` from a loss; two segments each ACK, as many ACKs as the window allows.
void compare(std::size_t start_segments, Duration round_trip, Duration lasting, int losses) {
    Cubic cubic(datagram);
    grow_to(cubic, start_segments);
    NumericModel model;
    model.cwnd = static_cast<double>(cubic.window()) / datagram;
    Instant now = at(Duration(0));
    for (int loss = 0; loss < losses; ++loss) {
        lose(cubic, now);
        model.lose();
        std::optional<Instant> start;
        const Instant end = now + lasting;
        while (now < end) {
            const auto pairs = static_cast<Duration::rep>(std::max(model.cwnd / 2, 1.0));
            now += round_trip / pairs;
            if (!start.has_value()) start = now;
            cubic.on_acked(acked(now, 2 * datagram, round_trip));
            model.ack(std::chrono::duration<double>(now - *start).count(),
                      std::chrono::duration<double>(round_trip).count(), 2);
            REQUIRE(std::abs(static_cast<double>(cubic.window()) - model.cwnd * datagram) <
                    0.001 * model.cwnd * datagram + 1);
        }
    }
}

}  // namespace

TEST_CASE("RFC 9438 §4: the window follows the RFC's formulas over losses and time") {
    compare(200, milliseconds(100), seconds(12), 3);   // concave, then convex
    compare(20, milliseconds(10), seconds(3), 4);      // Reno-friendly
    compare(3'000, milliseconds(60), seconds(20), 2);  // long and fat
    compare(50, milliseconds(300), seconds(30), 3);
}

TEST_CASE("RFC 9438 §4.2: K seconds after a loss the window is at the plateau again") {
    Cubic cubic(datagram);
    grow_to(cubic, 400);
    lose(cubic, at(Duration(0)));
    const double k = std::cbrt(400 * 0.3 / 0.4);
    Instant now = at(Duration(0));
    double seconds_passed = 0;
    while (seconds_passed < k) {
        now += milliseconds(1);
        seconds_passed += 0.001;
        cubic.on_acked(acked(now, 4 * datagram, milliseconds(80)));
    }
    CHECK(static_cast<double>(cubic.window()) / datagram == doctest::Approx(400).epsilon(0.02));
}

TEST_CASE("RFC 9438 §4.6: a loss leaves 0.7 of the window, never under two datagrams") {
    Cubic cubic(datagram);
    grow_to(cubic, 100);
    lose(cubic, at(Duration(0)));
    CHECK(cubic.window() == 84'000);
    CHECK_FALSE(cubic.is_in_slow_start());
    for (int i = 0; i < 50; ++i) lose(cubic, at(seconds(i)));
    CHECK(cubic.window() == 2 * datagram);
}

TEST_CASE("RFC 9438 §4.7: a loss below the last plateau lowers it: fast convergence") {
    // After losses at 100 and at 70 the plateau is 59.5 and K the root of 59.5 − 49 over C.
    Cubic cubic(datagram);
    grow_to(cubic, 100);
    lose(cubic, at(Duration(0)));
    lose(cubic, at(Duration(1)));
    CHECK(cubic.window() == 49 * datagram);
    Instant now = at(Duration(1));
    const double k = std::cbrt((59.5 - 49) / 0.4);
    while (std::chrono::duration<double>(now - at(Duration(1))).count() < k) {
        now += milliseconds(5);
        cubic.on_acked(acked(now, datagram, seconds(2)));  // too slow for Reno to be ahead
    }
    CHECK(static_cast<double>(cubic.window()) / datagram < 59.5 + 3.2);  // 2 s ahead
    CHECK(static_cast<double>(cubic.window()) / datagram > 57);
}

TEST_CASE("RFC 9438 §4.8: after persistent congestion the window starts at its least") {
    Cubic cubic(datagram);
    grow_to(cubic, 100);
    lose(cubic, at(Duration(0)));
    cubic.on_persistent_congestion(at(Duration(0)));
    CHECK(cubic.window() == 2 * datagram);
    CHECK(cubic.is_in_slow_start());
    cubic.on_acked(acked(at(seconds(1)), 2 * datagram, milliseconds(100)));
    CHECK(cubic.window() == 4 * datagram);
}

TEST_CASE("RFC 9438 §4.9: a spurious event restores window, threshold and curve") {
    Cubic undone(datagram);
    Cubic never(datagram);
    for (Cubic* cubic : {&undone, &never}) {
        grow_to(*cubic, 300);
        lose(*cubic, at(Duration(0)));
        for (int i = 1; i <= 1'000; ++i)
            cubic->on_acked(acked(at(milliseconds(i)), datagram, milliseconds(50)));
    }
    lose(undone, at(milliseconds(1'000)));
    undone.on_spurious_congestion(at(milliseconds(1'001)));
    CHECK(undone.window() == never.window());
    for (int i = 1'002; i <= 3'000; ++i) {
        for (Cubic* cubic : {&undone, &never})
            cubic->on_acked(acked(at(milliseconds(i)), datagram, milliseconds(50)));
    }
    CHECK(undone.window() == never.window());
    undone.on_spurious_congestion(at(seconds(4)));  // nothing left to undo
    CHECK(undone.window() == never.window());
}

TEST_CASE("a reduction for CE is never undone") {
    Cubic cubic(datagram);
    cubic.on_congestion_event({.now = at(Duration(0)), .cause = CongestionEvent::Cause::ecn});
    cubic.on_spurious_congestion(at(Duration(1)));
    CHECK(cubic.window() == 8'400);
}

TEST_CASE("RFC 9438 §5.8: time in which the window is not used does not lift the curve") {
    Cubic busy(datagram);
    Cubic idle(datagram);
    for (Cubic* cubic : {&busy, &idle}) {
        grow_to(*cubic, 300);
        lose(*cubic, at(Duration(0)));
        cubic->on_acked(acked(at(milliseconds(1)), datagram, milliseconds(50)));
    }
    AckSample unused = acked(at(milliseconds(1)), datagram, milliseconds(50));
    unused.is_window_limited = false;
    idle.on_acked(unused);
    const std::size_t before = idle.window();
    unused.now = at(seconds(50));
    idle.on_acked(unused);
    CHECK(idle.window() == before);
    busy.on_acked(acked(at(milliseconds(2)), datagram, milliseconds(50)));
    idle.on_acked(acked(at(seconds(100) + milliseconds(2)), datagram, milliseconds(50)));
    idle.on_acked(acked(at(seconds(100) + milliseconds(3)), datagram, milliseconds(50)));
    busy.on_acked(acked(at(milliseconds(3)), datagram, milliseconds(50)));
    CHECK(static_cast<double>(idle.window()) ==
          doctest::Approx(static_cast<double>(busy.window())).epsilon(0.001));
}

TEST_CASE("RFC 9406 §4.2: growing delay ends slow start without a loss") {
    Cubic cubic(datagram);
    std::uint64_t next = 0;
    Instant now = at(Duration(0));
    for (int round = 0; round < 20; ++round) {
        const std::uint64_t end = next + 20;
        for (; next < end; ++next) {
            now += milliseconds(5);
            AckSample sample = acked(now, datagram, milliseconds(100));
            sample.round_trip = milliseconds(round < 3 ? 100 : 130);
            sample.datagram = next;
            sample.datagram_next = end;
            cubic.on_acked(sample);
        }
    }
    CHECK_FALSE(cubic.is_in_slow_start());
    // Three rounds of 20, part of one, then a quarter of that for the five of which part is one.
    CHECK(cubic.window() < 130 * datagram);
}

TEST_CASE("RFC 9438 §4.10: out of slow start without loss the curve starts at the window, K = 0") {
    Cubic cubic(datagram);
    std::uint64_t next = 0;
    Instant now = at(Duration(0));
    while (cubic.is_in_slow_start()) {
        const std::uint64_t end = next + 10;
        const bool is_first = next == 0;
        for (; next < end; ++next) {
            AckSample sample = acked(now, 12 * datagram, seconds(1));
            sample.round_trip = milliseconds(is_first ? 100 : 130);
            sample.datagram = next;
            sample.datagram_next = end;
            cubic.on_acked(sample);
        }
    }
    const auto start = static_cast<double>(cubic.window()) / datagram;
    // Whole windows two seconds apart: slow enough for Reno to stay behind. C × 6³.
    for (int i = 0; i < 3; ++i) {
        now += seconds(2);
        cubic.on_acked(acked(now, cubic.window(), Duration(0)));
    }
    CHECK(static_cast<double>(cubic.window()) / datagram - start ==
          doctest::Approx(86.4).epsilon(0.01));
}

TEST_CASE("the window never passes its cap") {
    Cubic cubic(datagram);
    for (int i = 0; i < 100; ++i)
        cubic.on_acked(acked(at(Duration(i)), std::size_t{1} << 24, milliseconds(1)));
    CHECK(cubic.window() == window_max_bytes);
    lose(cubic, at(seconds(1)));
    for (int i = 2; i < 1'000; ++i)
        cubic.on_acked(acked(at(seconds(i)), std::size_t{1} << 26, milliseconds(1)));
    CHECK(cubic.window() == window_max_bytes);
}

}  // namespace stt::recovery::testing
