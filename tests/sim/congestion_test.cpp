// What the controllers must achieve over a simulated bottleneck. docs/congestion.md has the
// whole table, made by congestion_experiments.
#include <doctest/doctest.h>

#include "dumbbell.hpp"

namespace stt::sim {

namespace {

using recovery::CongestionAlgorithm;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t megabits(std::uint64_t count) {
    return count * 1'000'000 / 8;
}

double goodput(DumbbellSpec spec, CongestionAlgorithm algorithm, Duration warm_up,
               Duration measured) {
    spec.flows = {{.algorithm = algorithm}};
    Dumbbell dumbbell(spec);
    dumbbell.run_for(warm_up);
    const Instant from = dumbbell.now();
    dumbbell.run_for(measured);
    return dumbbell.measure(0, from, dumbbell.now()).goodput;
}

// Goodputs of two flows that began a second apart.
std::vector<double> shares(CongestionAlgorithm one, CongestionAlgorithm other, double queue,
                           std::uint64_t rate = megabits(20)) {
    DumbbellSpec spec;
    spec.rate = rate;
    spec.queue_size = static_cast<std::size_t>(queue * static_cast<double>(spec.product()));
    spec.flows = {{.algorithm = one}, {.algorithm = other, .start = seconds(1)}};
    Dumbbell dumbbell(spec);
    dumbbell.run_for(seconds(20));
    const Instant from = dumbbell.now();
    dumbbell.run_for(seconds(40));
    return {dumbbell.measure(0, from, dumbbell.now()).goodput,
            dumbbell.measure(1, from, dumbbell.now()).goodput};
}

}  // namespace

TEST_CASE("protocol §10.4: BBR carries 150 Mbit/s over 200 with 40 ms and 1 % lost each way") {
    DumbbellSpec spec;
    spec.rate = megabits(200);
    spec.loss = 10'000;
    // From the first byte on, startup and all.
    CHECK(goodput(spec, CongestionAlgorithm::bbr, Duration(0), seconds(5)) >=
          static_cast<double>(megabits(150)));
}

TEST_CASE("protocol §10.4: BBR uses nine tenths of what chance loss leaves of a path") {
    for (const int round_trip : {5, 40, 200}) {
        for (const testing::PerMillion loss : {0u, 10'000u, 20'000u}) {
            CAPTURE(round_trip);
            CAPTURE(loss);
            DumbbellSpec spec;
            spec.rate = megabits(20);
            spec.round_trip = milliseconds(round_trip);
            spec.loss = loss;
            const double ideal = static_cast<double>(spec.rate) * (1 - loss / 1e6);
            CHECK(goodput(spec, CongestionAlgorithm::bbr, seconds(6), seconds(10)) >= 0.9 * ideal);
        }
    }
}

TEST_CASE("protocol §9.2 (b): no credit holds back the start of a flow on a long path") {
    for (const auto algorithm : {CongestionAlgorithm::bbr, CongestionAlgorithm::cubic}) {
        CAPTURE(name_of(algorithm));
        DumbbellSpec spec;
        spec.rate = megabits(100);
        spec.round_trip = milliseconds(50);
        CHECK(goodput(spec, algorithm, Duration(0), seconds(1)) >= 0.6 * megabits(100));
    }
}

TEST_CASE("BBR: who stops for credit in each round trip leaves startup all the same") {
    DumbbellSpec spec;
    spec.rate = megabits(100);
    spec.round_trip = milliseconds(50);
    spec.receive_window_max = 2 << 20;  // 3.3 products, told in steps of half
    spec.flows = {{.algorithm = CongestionAlgorithm::bbr}};
    Dumbbell dumbbell(spec);
    dumbbell.run_for(seconds(2));
    const Instant from = dumbbell.now();
    dumbbell.run_for(seconds(5));
    const FlowMeasure flow = dumbbell.measure(0, from, dumbbell.now());
    CHECK(flow.goodput >= 0.9 * megabits(100));
    CHECK(flow.loss < 0.001);
}

TEST_CASE("a flow's send buffer follows the window of its path") {
    DumbbellSpec spec;
    spec.rate = megabits(400);
    spec.round_trip = milliseconds(100);
    spec.receive_window_max = connection::ConnectionConfig{}.stream_window_max;
    spec.send_buffer_max = connection::ConnectionConfig{}.send_buffer_max;
    CHECK(goodput(spec, CongestionAlgorithm::bbr, seconds(2), seconds(3)) >= 0.9 * megabits(400));
}

TEST_CASE("RFC 9438 §5.1: CUBIC reaches what its response function says, within a tenth") {
    for (const testing::PerMillion loss : {0u, 1'000u, 10'000u}) {
        CAPTURE(loss);
        DumbbellSpec spec;
        spec.rate = megabits(20);
        spec.loss = loss;
        const double model =
            cubic_model(static_cast<double>(spec.rate), spec.round_trip, loss / 1e6, 1'472);
        CHECK(goodput(spec, CongestionAlgorithm::cubic, seconds(10), seconds(60)) >= 0.9 * model);
    }
}

TEST_CASE("protocol §10.4: two flows of one controller share alike") {
    for (const auto algorithm :
         {CongestionAlgorithm::bbr, CongestionAlgorithm::cubic, CongestionAlgorithm::new_reno}) {
        CAPTURE(name_of(algorithm));
        CHECK(jain_index(shares(algorithm, algorithm, 2)) >= 0.95);
    }
    // Its steps are small: at 20 Mbit/s a minute is not enough, measured 0.92.
    const auto background = CongestionAlgorithm::background;
    CHECK(jain_index(shares(background, background, 4, megabits(50))) >= 0.95);
}

TEST_CASE("protocol §10.4: background leaves the path to others; BBR and CUBIC share it") {
    const auto cubic = shares(CongestionAlgorithm::background, CongestionAlgorithm::cubic, 2);
    CHECK(cubic[0] < 0.1 * cubic[1]);
    const auto bbr = shares(CongestionAlgorithm::background, CongestionAlgorithm::bbr, 2);
    CHECK(bbr[0] < 0.25 * bbr[1]);
    CHECK(jain_index(shares(CongestionAlgorithm::cubic, CongestionAlgorithm::bbr, 2)) >= 0.85);
}

TEST_CASE("protocol §10.4: a bulk stream adds less than a round trip to one that talks") {
    DumbbellSpec spec;
    spec.rate = megabits(20);
    // The default. One that fills the queue to its end adds what the queue holds.
    spec.flows = {
        {.algorithm = connection::ConnectionConfig{}.congestion, .has_interactive = true}};
    Dumbbell dumbbell(spec);
    dumbbell.run_for(seconds(3));
    const Instant from = dumbbell.now();
    dumbbell.run_for(seconds(20));
    const auto times = dumbbell.latencies(0, from, dumbbell.now());
    REQUIRE(times.size() > 900);
    CHECK(percentile(times, 1) - 20 < 40);  // half a round trip is the way
}

TEST_CASE("protocol §10.1: a path that was gone for five seconds is in full use soon after") {
    DumbbellSpec spec;
    spec.rate = megabits(20);
    spec.flows = {{.algorithm = CongestionAlgorithm::bbr}};
    Dumbbell dumbbell(spec);
    dumbbell.run_for(seconds(5));
    dumbbell.cut(seconds(5));
    dumbbell.run_for(seconds(5));
    dumbbell.run_for(milliseconds(3'500));  // a probe each two seconds, then a few round trips
    const Instant from = dumbbell.now();
    dumbbell.run_for(seconds(3));
    CHECK(dumbbell.measure(0, from, dumbbell.now()).goodput >=
          0.85 * static_cast<double>(spec.rate));
}

}  // namespace stt::sim
