// Nine networks, from good Wi-Fi over a satellite down to the absurd, each worse than the one
// before in some way.
#include <algorithm>

#include "scenario.hpp"
#include "scene.hpp"

namespace stt::sim {
namespace {

using testing::PerMillion;

struct Rung {
    const char* name;
    std::uint64_t rate_kbit;  // each way
    std::uint64_t round_trip_ms;
    PerMillion loss;  // each way
    std::uint32_t run_length;
    std::uint64_t bytes;
    std::uint64_t limit_s;
};

constexpr PerMillion per_mille = testing::always / 1'000;
constexpr std::size_t queue_min = 32'768;

constexpr Rung rungs[] = {
    {"good Wi-Fi", 100'000, 16, 1 * per_mille, 1, 20'000'000, 10},
    {"busy Wi-Fi", 40'000, 30, 5 * per_mille, 2, 10'000'000, 20},
    {"4G", 30'000, 60, 5 * per_mille, 3, 10'000'000, 30},
    {"bad Wi-Fi", 10'000, 80, 20 * per_mille, 4, 3'000'000, 30},
    {"3G", 4'000, 150, 10 * per_mille, 4, 2'000'000, 30},
    {"satellite", 25'000, 600, 15 * per_mille, 6, 5'000'000, 120},
    {"crowded 3G", 1'000, 300, 50 * per_mille, 8, 500'000, 60},
    {"edge of coverage", 512, 500, 120 * per_mille, 16, 200'000, 120},
    {"absurd", 256, 800, 250 * per_mille, 40, 100'000, 600},
};

Measured climb(std::uint64_t seed, const Rung& rung) {
    Scene scene(seed);
    const std::uint64_t rate = rung.rate_kbit * 125;
    testing::BottleneckOptions line;
    line.rate = rate;
    line.queue_size = std::max<std::size_t>(queue_min, rate * rung.round_trip_ms / 1'000);
    testing::LinkOptions link;
    link.delay = std::chrono::microseconds(rung.round_trip_ms * 500);
    link.run = testing::loss_in_runs(rung.loss, rung.run_length);
    scene.set_line(scene.first(), line, link);
    scene.first().set_files({rung.bytes});
    scene.first().connect();
    Measured measured;
    measured.rate = rate;
    if (!scene.run(std::chrono::seconds(rung.limit_s))) {
        measured.failure = scene.failure().value_or(
            "only " + std::to_string(scene.first().received()) + " bytes in time");
        return measured;
    }
    measured.handshake = scene.first().handshake();
    measured.took = scene.first().took();
    measured.bytes = rung.bytes;
    return measured;
}

std::string in_tenths(PerMillion share) {
    const auto tenths = share / per_mille;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " %";
}

std::string describe(const Rung& rung) {
    const std::string rate = rung.rate_kbit >= 1'000
                                 ? std::to_string(rung.rate_kbit / 1'000) + " Mbit/s"
                                 : std::to_string(rung.rate_kbit) + " kbit/s";
    std::string text = rate + ", " + std::to_string(rung.round_trip_ms) + " ms round trip, " +
                       in_tenths(rung.loss) + " lost each way";
    if (rung.run_length > 1) text += " in runs of " + std::to_string(rung.run_length);
    return text;
}

}  // namespace

std::vector<Scenario> ladder_scenarios() {
    std::vector<Scenario> scenarios;
    for (const Rung& rung : rungs) {
        scenarios.push_back({rung.name, describe(rung),
                             std::to_string(rung.bytes / 1'000) + " kB within " +
                                 std::to_string(rung.limit_s) + " s",
                             [&rung](std::uint64_t seed) { return climb(seed, rung); }});
    }
    return scenarios;
}

std::vector<ScenarioGroup> all_scenarios() {
    return {{"The QUIC interop runner's cases", interop_scenarios()},
            {"The ladder", ladder_scenarios()}};
}

}  // namespace stt::sim
