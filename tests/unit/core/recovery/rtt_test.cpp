#include "core/recovery/rtt.hpp"

#include <doctest/doctest.h>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

TEST_CASE("RFC 9002 §6.2.2: before a sample the round trip is 333 ms, a probe timeout 1,024 ms") {
    const RttEstimator rtt;
    CHECK_FALSE(rtt.has_sample());
    CHECK(rtt.smoothed() == milliseconds(333));
    CHECK(rtt.probe_timeout() == microseconds(333'000 + 4 * 166'500 + 25'000));
}

TEST_CASE("RFC 9002 §5.3: the first sample sets the average and half of it the variation") {
    RttEstimator rtt;
    rtt.on_sample(milliseconds(100), milliseconds(10));
    CHECK(rtt.latest() == milliseconds(100));
    CHECK(rtt.minimum() == milliseconds(100));
    CHECK(rtt.smoothed() == milliseconds(100));
    CHECK(rtt.variation() == milliseconds(50));
    CHECK(rtt.probe_timeout() == milliseconds(100 + 200 + 25));
}

TEST_CASE("RFC 9002 §5.3: later samples move the average by an eighth, without the delay") {
    RttEstimator rtt;
    rtt.on_sample(milliseconds(100), Duration(0));
    rtt.on_sample(milliseconds(160), milliseconds(20));
    // adjusted 140: variation (3 × 50 + 40) / 4, average (7 × 100 + 140) / 8.
    CHECK(rtt.variation() == microseconds(47'500));
    CHECK(rtt.smoothed() == milliseconds(105));
    CHECK(rtt.minimum() == milliseconds(100));
}

TEST_CASE("protocol §10.2 (a): of a reported delay at most 25 ms is believed") {
    RttEstimator honest;
    RttEstimator lying;
    for (RttEstimator* rtt : {&honest, &lying}) rtt->on_sample(milliseconds(100), Duration(0));
    honest.on_sample(milliseconds(200), milliseconds(25));
    lying.on_sample(milliseconds(200), seconds(3'600));
    CHECK(lying.smoothed() == honest.smoothed());
}

TEST_CASE("RFC 9002 §5.3: a delay never takes a sample below the minimum") {
    RttEstimator rtt;
    rtt.on_sample(milliseconds(100), Duration(0));
    rtt.on_sample(milliseconds(110), milliseconds(20));
    CHECK(rtt.smoothed() == microseconds(101'250));  // 110 counted, not 90
    rtt.on_sample(milliseconds(90), milliseconds(20));
    CHECK(rtt.minimum() == milliseconds(90));  // the minimum takes no delay off
}

TEST_CASE("RFC 9002 §6.1.2: the loss delay is 9/8 of the greater of average and latest") {
    RttEstimator rtt;
    rtt.on_sample(milliseconds(80), Duration(0));
    CHECK(rtt.loss_delay() == milliseconds(90));
    rtt.on_sample(milliseconds(160), Duration(0));
    CHECK(rtt.loss_delay() == milliseconds(180));
    rtt.on_sample(milliseconds(8), Duration(0));
    CHECK(rtt.loss_delay() == 9 * rtt.smoothed() / 8 + microseconds(1));  // rounded up
}

TEST_CASE("RFC 9002 §6.1.2: no timer waits under a millisecond") {
    RttEstimator rtt;
    for (int i = 0; i < 100; ++i) rtt.on_sample(microseconds(50), Duration(0));
    CHECK(rtt.smoothed() == microseconds(50));  // no drift by rounding
    CHECK(rtt.loss_delay() == milliseconds(1));
    CHECK(rtt.probe_timeout() == microseconds(50) + milliseconds(1) + milliseconds(25));
}

TEST_CASE("RFC 9002 §5.2: persistent congestion starts the minimum anew") {
    RttEstimator rtt;
    rtt.on_sample(milliseconds(20), Duration(0));
    rtt.on_persistent_congestion();
    rtt.on_sample(milliseconds(90), Duration(0));
    CHECK(rtt.minimum() == milliseconds(90));
}

TEST_CASE("a sample of no time at all counts as a microsecond") {
    RttEstimator rtt;
    rtt.on_sample(Duration(0), Duration(0));
    CHECK(rtt.smoothed() == microseconds(1));
}

}  // namespace stt::recovery::testing
