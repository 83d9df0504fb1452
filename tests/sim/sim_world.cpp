// Whole worlds drawn from seeds: nodes, translators, lines, faults and an adversary.
//
//   sim_world                       the default range of seeds
//   sim_world --seeds FROM:TO       seeds from FROM to below TO
//   sim_world --seed N [--trace]    one seed; with every datagram and event
//   sim_world ... --verbose         a line for each seed
//   sim_world ... --twice           each seed runs twice, and must leave the same trace
//
// The first failing seed ends the run; it is printed with the command that replays it exactly.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "world.hpp"

namespace stt::sim {
namespace {

struct Options {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    bool is_traced = false;
    bool is_verbose = false;
    bool is_twice = false;
};

// For an abort in the middle of a seed: an STT_CHECK, or a sanitizer.
char replay_line[256];

void print_replay(int /*signal*/) {
    static_cast<void>(!write(STDERR_FILENO, replay_line, std::strlen(replay_line)));
}

bool parse_range(const char* text, Options& options) {
    char* end = nullptr;
    options.first = std::strtoull(text, &end, 10);
    if (*end != ':') return false;
    options.end = std::strtoull(end + 1, &end, 10);
    return *end == '\0';
}

bool parse(int count, char** words, Options& options) {
    if (!parse_range(STT_SIM_WORLDS_DEFAULT, options)) return false;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--trace") {
            options.is_traced = true;
        } else if (word == "--verbose") {
            options.is_verbose = true;
        } else if (word == "--twice") {
            options.is_twice = true;
        } else if (word == "--seeds" && i + 1 < count) {
            if (!parse_range(words[++i], options)) return false;
        } else if (word == "--seed" && i + 1 < count) {
            options.first = std::strtoull(words[++i], nullptr, 10);
            options.end = options.first + 1;
        } else {
            return false;
        }
    }
    return true;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// What all seeds together came to.
struct Totals {
    std::uint64_t frames = 0;
    std::uint64_t reconnections = 0;
};

bool run_seed(std::uint64_t seed, const Options& options, Totals& totals) {
    const WorldPlan plan = draw_world(seed);
    if (options.is_traced) std::fputs(describe(plan).c_str(), stdout);
    const auto start = std::chrono::steady_clock::now();
    WorldOutcome outcome = run_world(seed, plan, options.is_traced);
    totals.frames += outcome.frames_checked;
    totals.reconnections += outcome.reconnections;
    if (options.is_traced || options.is_verbose) {
        std::printf("seed %llu: trace %016llx, %llu datagrams, %.3f s of virtual time, %.3f s\n",
                    static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(outcome.trace_hash),
                    static_cast<unsigned long long>(outcome.datagrams),
                    static_cast<double>(outcome.virtual_time.count()) / 1e6, seconds_since(start));
    }
    if (options.is_twice && !outcome.failure &&
        run_world(seed, plan, false).trace_hash != outcome.trace_hash) {
        outcome.failure = "the same seed left two traces";
    }
    if (!outcome.failure) return true;
    std::printf("seed %llu failed: %s\n%s%s", static_cast<unsigned long long>(seed),
                outcome.failure->c_str(), describe(plan).c_str(), replay_line);
    std::fflush(stdout);
    return false;
}

int run(int count, char** words) {
    Options options;
    if (!parse(count, words, options)) {
        std::fputs(
            "usage: sim_world [--seeds FROM:TO | --seed N] [--trace] [--verbose] [--twice]\n",
            stderr);
        return 2;
    }
    std::signal(SIGABRT, print_replay);
    const auto start = std::chrono::steady_clock::now();
    Totals totals;
    for (std::uint64_t seed = options.first; seed < options.end; ++seed) {
        std::snprintf(replay_line, sizeof replay_line, "replay: %s --seed %llu --trace\n", words[0],
                      static_cast<unsigned long long>(seed));
        if (!run_seed(seed, options, totals)) return 1;
    }
    std::printf(
        "sim_world: seeds %llu to below %llu, none failed, %llu frames, "
        "%llu reconnections, %.1f s\n",
        static_cast<unsigned long long>(options.first),
        static_cast<unsigned long long>(options.end),
        static_cast<unsigned long long>(totals.frames),
        static_cast<unsigned long long>(totals.reconnections), seconds_since(start));
    return 0;
}

}  // namespace
}  // namespace stt::sim

int main(int count, char** words) {
    return stt::sim::run(count, words);
}
