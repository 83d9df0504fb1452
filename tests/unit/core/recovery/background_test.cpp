// The controller that yields. draft-irtf-iccrg-ledbat-plus-plus, RFC 6817.
#include "core/recovery/background.hpp"

#include <doctest/doctest.h>

#include "tests/unit/core/recovery/fluid_path.hpp"

namespace stt::recovery::testing {

namespace {

constexpr std::uint64_t rate = 10'000'000;
constexpr Duration round_trip = milliseconds(50);
constexpr std::uint64_t product = 500'000;

struct Flow {
    Background background{1'200};
    FluidPath path{background, rate, round_trip};
};

}  // namespace

TEST_CASE("LEDBAT++ §4.1: the first slow start ends before the queue reaches its target") {
    Flow flow;
    CHECK(flow.background.is_in_slow_start());
    REQUIRE(flow.path.run_until([&] { return !flow.background.is_in_slow_start(); }, seconds(5)));
    CHECK(flow.background.queue_delay() < Background::delay_target);
    CHECK(flow.background.window() >= product);
}

TEST_CASE("LEDBAT++ §4.2: the queue stays at its target, and the path in use") {
    Flow flow;
    flow.path.run_for(seconds(10));
    const std::uint64_t delivered = flow.path.delivered();
    Duration worst{0};
    flow.path.each_step = [&] { worst = std::max(worst, flow.background.queue_delay()); };
    flow.path.run_for(seconds(20));
    CHECK(flow.path.delivered() - delivered >= 20 * rate * 80 / 100);
    CHECK(worst <= Background::delay_target * 3 / 2);
}

TEST_CASE("LEDBAT++ §4.2: whoever fills the queue drives it out") {
    Flow flow;
    flow.path.run_for(seconds(10));
    flow.path.other_traffic = product;  // 50 ms of somebody else's queue
    flow.path.run_for(seconds(5));
    CHECK(flow.background.window() <= 50'000);
    flow.path.other_traffic = 0;
    flow.path.run_for(seconds(30));
    CHECK(flow.background.window() > 50'000);
}

TEST_CASE("LEDBAT++ §4.4: now and then it falls silent, so that the path is seen empty") {
    Flow flow;
    std::vector<Instant> slowdowns;
    bool was_slow = false;
    Duration slow{0};
    flow.path.each_step = [&] {
        const bool is_slow = flow.background.is_slowed_down();
        if (is_slow && !was_slow) {
            slowdowns.push_back(flow.path.now());
            CHECK(flow.background.window() == 2'400);
        }
        if (is_slow) slow += milliseconds(1);
        was_slow = is_slow;
    };
    flow.path.run_for(seconds(60));
    CHECK(slowdowns.size() >= 3);
    CHECK(slow < seconds(6));
    CHECK(slowdowns.front() < at(seconds(3)));
}

TEST_CASE("LEDBAT++ §4.1: the shorter the path, the smaller the step") {
    const auto growth = [](Duration base) {
        Background background(1'200);
        FluidPath path(background, rate, base);
        path.run_until([&] { return background.window() >= 24'000; }, seconds(10));
        return path.now() - at(Duration(0));
    };
    // In round trips: a path of 100 ms doubles each, one of 10 ms adds a fifth.
    CHECK(growth(milliseconds(100)) / milliseconds(100) <
          growth(milliseconds(10)) / milliseconds(10));
}

TEST_CASE("background halves at a loss, and takes that back when it was none") {
    Background background(1'200);
    AckSample sample;
    sample.now = at(milliseconds(1));
    sample.bytes = sample.bytes_past_recovery = 120'000;
    sample.is_window_limited = true;
    sample.round_trip = milliseconds(100);
    background.on_acked(sample);
    const std::size_t before = background.window();
    background.on_congestion_event({at(milliseconds(2)), CongestionEvent::Cause::loss, {}, 0});
    CHECK(background.window() == before / 2);
    background.on_spurious_congestion(at(milliseconds(3)));
    CHECK(background.window() == before);
    background.on_congestion_event({at(milliseconds(4)), CongestionEvent::Cause::ecn, {}, 0});
    background.on_spurious_congestion(at(milliseconds(5)));
    CHECK(background.window() == before / 2);
    background.on_persistent_congestion(at(milliseconds(6)));
    CHECK(background.window() == 2'400);
}

}  // namespace stt::recovery::testing
