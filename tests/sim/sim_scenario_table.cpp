// Runs the scenarios and prints what they show.
//
//   sim_scenario_table                 a line for each; the exit code is 1 when one fails
//   sim_scenario_table --markdown      the tables of docs/scenarios.md
//   sim_scenario_table --only NAME     one scenario
//   sim_scenario_table --seeds N       runs of each, with seeds from 1; 3 unless given
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "scenario.hpp"

namespace stt::sim {
namespace {

struct Options {
    bool is_markdown = false;
    std::string only;
    std::uint64_t seeds = 3;
};

// All runs of one scenario: the first failure, or else the run in the middle by time.
struct Row {
    const Scenario* scenario;
    Measured middle;
    std::uint64_t failed_seed = 0;
};

Row run_row(const Scenario& scenario, std::uint64_t seeds) {
    std::vector<Measured> runs;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Measured measured = scenario.run(seed);
        if (measured.failure) return {&scenario, std::move(measured), seed};
        runs.push_back(std::move(measured));
    }
    std::sort(runs.begin(), runs.end(),
              [](const Measured& a, const Measured& b) { return a.took < b.took; });
    return {&scenario, runs[runs.size() / 2], 0};
}

std::string in_milliseconds(const std::optional<Duration>& time) {
    if (!time) return "–";
    return std::to_string((time->count() + 500) / 1'000) + " ms";
}

std::string in_mbit(double bytes_a_second) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f Mbit/s", bytes_a_second / 125'000);
    return text;
}

// What it got of the line, with the handshake.
std::string utilisation(const Measured& measured) {
    if (!measured.took || measured.rate == 0 || measured.bytes < 100'000) return "–";
    const double seconds = static_cast<double>(measured.took->count()) / 1e6;
    const double share =
        static_cast<double>(measured.bytes) / seconds / static_cast<double>(measured.rate);
    return std::to_string(static_cast<int>(share * 100 + 0.5)) + " %";
}

std::string goodput(const Measured& measured) {
    if (!measured.took || measured.bytes < 100'000) return "–";
    return in_mbit(static_cast<double>(measured.bytes) * 1e6 /
                   static_cast<double>(measured.took->count()));
}

void print_row(const Row& row, bool is_markdown) {
    const Measured& measured = row.middle;
    std::string result = "pass";
    if (measured.failure) {
        result = "FAIL: " + *measured.failure + " (seed " + std::to_string(row.failed_seed) + ')';
    }
    const char* format = is_markdown ? "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n"
                                     : "%s: %s; %s: %s; handshake %s, took %s, %s, %s %s\n";
    std::printf(format, row.scenario->name.c_str(), row.scenario->network.c_str(),
                row.scenario->criterion.c_str(), result.c_str(),
                in_milliseconds(measured.handshake).c_str(), in_milliseconds(measured.took).c_str(),
                goodput(measured).c_str(), utilisation(measured).c_str(), measured.remark.c_str());
    std::fflush(stdout);
}

int run(const Options& options) {
    bool has_failed = false;
    for (const ScenarioGroup& group : all_scenarios()) {
        if (options.is_markdown) {
            std::printf(
                "\n## %s\n\n| scenario | network | criterion | result | handshake | took | "
                "goodput | of the line | |\n|---|---|---|---|---|---|---|---|---|\n",
                group.title.c_str());
        }
        for (const Scenario& scenario : group.scenarios) {
            if (!options.only.empty() && scenario.name != options.only) continue;
            const Row row = run_row(scenario, options.seeds);
            has_failed = has_failed || row.middle.failure.has_value();
            print_row(row, options.is_markdown);
        }
    }
    return has_failed ? 1 : 0;
}

}  // namespace
}  // namespace stt::sim

int main(int count, char** words) {
    stt::sim::Options options;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--markdown") {
            options.is_markdown = true;
        } else if (word == "--only" && i + 1 < count) {
            options.only = words[++i];
        } else if (word == "--seeds" && i + 1 < count) {
            options.seeds = std::max(1ULL, std::strtoull(words[++i], nullptr, 10));
        } else {
            std::fputs("usage: sim_scenario_table [--markdown] [--only NAME] [--seeds N]\n",
                       stderr);
            return 2;
        }
    }
    return stt::sim::run(options);
}
