// The second controller, and what both have in common.
#include "core/recovery/congestion.hpp"

#include <doctest/doctest.h>

#include "core/recovery/new_reno.hpp"
#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

AckSample acked(std::size_t bytes) {
    AckSample sample;
    sample.bytes = bytes;
    sample.bytes_past_recovery = bytes;
    sample.is_window_limited = true;
    return sample;
}

}  // namespace

TEST_CASE("protocol §10.4 (a): every controller starts with ten datagrams and keeps two") {
    for (const auto algorithm : {CongestionAlgorithm::cubic, CongestionAlgorithm::new_reno,
                                 CongestionAlgorithm::background}) {
        const auto controller = make_congestion_controller(algorithm, 1'200);
        CAPTURE(controller->name());
        CHECK(controller->window() == 12'000);
        CHECK(controller->is_in_slow_start());
        CHECK_FALSE(controller->pacing_rate().has_value());
        for (int i = 0; i < 100; ++i) controller->on_congestion_event({.now = at(seconds(i))});
        CHECK(controller->window() == 2'400);
        controller->set_datagram_size(1'472);
        CHECK(controller->window() == 2'944);
        AckSample unused = acked(1'200);
        unused.is_window_limited = false;
        for (int i = 0; i < 100; ++i) controller->on_acked(unused);
        CHECK(controller->window() == 2'944);
        AckSample recovering = acked(1'200);
        recovering.bytes_past_recovery = 0;
        for (int i = 0; i < 100; ++i) controller->on_acked(recovering);
        CHECK(controller->window() == 2'944);
    }
}

TEST_CASE("RFC 9002 §7.3: NewReno doubles, halves at a loss, then adds a datagram a window") {
    NewReno reno(1'200);
    reno.on_acked(acked(12'000));
    CHECK(reno.window() == 24'000);
    reno.on_congestion_event({});
    CHECK(reno.window() == 12'000);
    CHECK_FALSE(reno.is_in_slow_start());
    for (int i = 0; i < 9; ++i) reno.on_acked(acked(1'200));
    CHECK(reno.window() == 12'000);
    reno.on_acked(acked(1'200));
    CHECK(reno.window() == 13'200);
    for (int i = 0; i < 3; ++i) reno.on_acked(acked(5'000));
    CHECK(reno.window() == 14'400);  // and 1,800 towards the next
    reno.on_acked(acked(12'600));
    CHECK(reno.window() == 15'600);
    reno.on_persistent_congestion(at(Duration(0)));
    CHECK(reno.window() == 2'400);
    CHECK(reno.is_in_slow_start());
}

TEST_CASE("NewReno undoes a spurious event once, and none for CE") {
    NewReno reno(1'200);
    reno.on_congestion_event({});
    reno.on_spurious_congestion(at(Duration(0)));
    CHECK(reno.window() == 12'000);
    CHECK(reno.is_in_slow_start());
    reno.on_congestion_event({.cause = CongestionEvent::Cause::ecn});
    reno.on_spurious_congestion(at(Duration(0)));
    CHECK(reno.window() == 6'000);
}

TEST_CASE("a rate sample without an interval is no rate") {
    CHECK(RateSample{}.bytes_per_second() == 0);
    RateSample sample;
    sample.bytes = 1'000'000;
    sample.interval = milliseconds(500);
    CHECK(sample.bytes_per_second() == 2'000'000);
}

}  // namespace stt::recovery::testing
