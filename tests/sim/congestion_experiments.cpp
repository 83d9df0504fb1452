// Runs the experiments of docs/congestion.md and prints one JSON object a line for each result.
//
//   congestion_experiments                       all of them
//   congestion_experiments NAME...               grid, fairness, interactive, marking, lossy,
//                                                outage, series
//   congestion_experiments grid --rate 10        one rate of the grid, in Mbit/s
//   congestion_experiments grid --controller bbr one controller
//
// scripts/congestion-report makes tables and plots of what this prints.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "dumbbell.hpp"

namespace stt::sim {
namespace {

using recovery::CongestionAlgorithm;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array algorithms{CongestionAlgorithm::bbr, CongestionAlgorithm::cubic,
                                CongestionAlgorithm::new_reno, CongestionAlgorithm::background};
constexpr double datagram_size = 1'472;

constexpr std::uint64_t megabits(std::uint64_t count) {
    return count * 1'000'000 / 8;
}
double megabits_of(double bytes_per_second) {
    return bytes_per_second * 8e-6;
}
std::string text_of(CongestionAlgorithm algorithm) {
    return std::string(name_of(algorithm));
}
double seconds_of(Duration time) {
    return std::chrono::duration<double>(time).count();
}

// ---- grid

// Long enough to reach the steady state, and for twenty epochs of loss of those that lower their
// window at each; short enough for a gigabit.
struct GridTime {
    Duration warm_up;
    Duration measured;
};
GridTime grid_time(const DumbbellSpec& spec) {
    const bool is_fast = spec.rate >= megabits(1'000);
    const GridTime steady{40 * spec.round_trip + (is_fast ? milliseconds(500) : seconds(2)),
                          10 * spec.round_trip + (is_fast ? milliseconds(1'500) : seconds(5))};
    const double loss = static_cast<double>(spec.loss) / 1e6;
    if (loss == 0 || spec.flows.front().algorithm == CongestionAlgorithm::bbr) return steady;
    const double rate =
        cubic_model(static_cast<double>(spec.rate), spec.round_trip, loss, datagram_size);
    const double epochs = 20 * datagram_size / loss / rate;  // seconds
    return {steady.warm_up + milliseconds(static_cast<int>(epochs * 250)),
            std::max(steady.measured, Duration(milliseconds(static_cast<int>(epochs * 1'000))))};
}

void run_cell(CongestionAlgorithm algorithm, std::uint64_t rate_megabits, int round_trip_ms,
              double loss_percent) {
    DumbbellSpec spec;
    spec.rate = megabits(rate_megabits);
    spec.round_trip = milliseconds(round_trip_ms);
    spec.loss = static_cast<testing::PerMillion>(loss_percent * 10'000);
    spec.flows = {{.algorithm = algorithm}};
    const GridTime time = grid_time(spec);
    Dumbbell dumbbell(spec);
    dumbbell.run_for(time.warm_up);
    const Instant from = dumbbell.now();
    dumbbell.run_for(time.measured);
    const FlowMeasure flow = dumbbell.measure(0, from, dumbbell.now());
    const double model = cubic_model(static_cast<double>(spec.rate), spec.round_trip,
                                     static_cast<double>(spec.loss) / 1e6, datagram_size);
    std::printf(
        "{\"experiment\": \"grid\", \"controller\": \"%s\", \"rate\": %llu, "
        "\"round_trip\": %d, \"loss\": %.1f, \"goodput\": %.3f, \"utilisation\": %.4f, "
        "\"cubic_model\": %.3f, \"round_trip_mean\": %.2f, \"loss_seen\": %.5f}\n",
        text_of(algorithm).c_str(), static_cast<unsigned long long>(rate_megabits), round_trip_ms,
        loss_percent, megabits_of(flow.goodput), flow.goodput / static_cast<double>(spec.rate),
        megabits_of(model), flow.round_trip_ms, flow.loss);
    std::fflush(stdout);
}

void run_grid(std::uint64_t only_rate, std::string_view only_controller) {
    for (const std::uint64_t rate : {10u, 50u, 200u, 1'000u}) {
        if (only_rate != 0 && rate != only_rate) continue;
        for (const auto algorithm : algorithms) {
            if (!only_controller.empty() && text_of(algorithm) != only_controller) continue;
            for (const int round_trip : {5, 20, 40, 100, 200}) {
                for (const double loss : {0.0, 0.1, 1.0, 2.0}) {
                    run_cell(algorithm, rate, round_trip, loss);
                }
            }
        }
    }
}

// ---- two flows

void run_pair(CongestionAlgorithm first, CongestionAlgorithm second, double queue,
              std::uint64_t seed) {
    DumbbellSpec spec;
    spec.rate = megabits(50);
    spec.seed = seed;
    spec.queue_size = static_cast<std::size_t>(queue * static_cast<double>(spec.product()));
    spec.flows = {{.algorithm = first}, {.algorithm = second, .start = seconds(1)}};
    Dumbbell dumbbell(spec);
    dumbbell.run_for(seconds(20));
    const Instant from = dumbbell.now();
    dumbbell.run_for(seconds(40));
    const FlowMeasure one = dumbbell.measure(0, from, dumbbell.now());
    const FlowMeasure other = dumbbell.measure(1, from, dumbbell.now());
    std::printf(
        "{\"experiment\": \"fairness\", \"first\": \"%s\", \"second\": \"%s\", "
        "\"queue\": %.1f, \"seed\": %llu, \"goodput\": [%.3f, %.3f], \"jain\": %.4f, "
        "\"round_trip_mean\": %.2f, \"loss_seen\": [%.5f, %.5f]}\n",
        text_of(first).c_str(), text_of(second).c_str(), queue,
        static_cast<unsigned long long>(seed), megabits_of(one.goodput), megabits_of(other.goodput),
        jain_index({one.goodput, other.goodput}), one.round_trip_ms, one.loss, other.loss);
    std::fflush(stdout);
}

void run_fairness() {
    for (std::size_t first = 0; first < algorithms.size(); ++first) {
        for (std::size_t second = first; second < algorithms.size(); ++second) {
            for (const double queue : {1.0, 2.0, 4.0}) {
                const std::uint64_t seeds = first == second ? 3 : 1;
                for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
                    run_pair(algorithms[first], algorithms[second], queue, seed);
                }
            }
        }
    }
}

// ---- a bulk transfer beside a conversation

void print_latency(std::string_view name, CongestionAlgorithm algorithm, const Dumbbell& dumbbell,
                   std::size_t flow, Instant from) {
    const std::vector<Duration> times = dumbbell.latencies(flow, from, dumbbell.now());
    const double idle = seconds_of(dumbbell.spec().round_trip) * 500;
    std::printf(
        "{\"experiment\": \"interactive\", \"case\": \"%.*s\", \"controller\": \"%s\", "
        "\"round_trip\": %.1f, \"messages\": %zu, \"added_median\": %.2f, "
        "\"added_p99\": %.2f, \"added_max\": %.2f}\n",
        static_cast<int>(name.size()), name.data(), text_of(algorithm).c_str(),
        seconds_of(dumbbell.spec().round_trip) * 1e3, times.size(), percentile(times, 0.5) - idle,
        percentile(times, 0.99) - idle, percentile(times, 1) - idle);
    std::fflush(stdout);
}

void run_interactive() {
    for (const auto algorithm : algorithms) {
        DumbbellSpec spec;
        spec.rate = megabits(50);
        spec.flows = {{.algorithm = algorithm, .has_interactive = true}};
        Dumbbell same(spec);
        same.run_for(seconds(3));
        Instant from = same.now();
        same.run_for(seconds(20));
        print_latency("same session", algorithm, same, 0, from);

        spec.flows = {{.algorithm = algorithm},
                      {.algorithm = algorithm, .has_bulk = false, .has_interactive = true}};
        Dumbbell beside(spec);
        beside.run_for(seconds(3));
        from = beside.now();
        beside.run_for(seconds(20));
        print_latency("another session", algorithm, beside, 1, from);
    }
}

// ---- an active queue

void run_marking() {
    for (const bool marks : {false, true}) {
        for (const auto algorithm : algorithms) {
            DumbbellSpec spec;
            spec.rate = megabits(50);
            spec.queue_size = 4 * spec.product();
            spec.discipline = testing::QueueDiscipline::codel;
            spec.marks = marks;
            spec.flows = {{.algorithm = algorithm}};
            Dumbbell dumbbell(spec);
            dumbbell.run_for(seconds(5));
            const Instant from = dumbbell.now();
            dumbbell.run_for(seconds(20));
            const FlowMeasure flow = dumbbell.measure(0, from, dumbbell.now());
            std::printf(
                "{\"experiment\": \"marking\", \"marks\": %s, \"controller\": \"%s\", "
                "\"goodput\": %.3f, \"round_trip_mean\": %.2f, \"loss_seen\": %.5f}\n",
                marks ? "true" : "false", text_of(algorithm).c_str(), megabits_of(flow.goodput),
                flow.round_trip_ms, flow.loss);
            std::fflush(stdout);
        }
    }
}

// ---- the lossy path: 200 Mbit/s, 40 ms, losses in both directions

void run_lossy() {
    for (const auto algorithm : algorithms) {
        for (const double loss : {0.5, 1.0, 2.0, 3.0, 5.0}) {
            DumbbellSpec spec;
            spec.rate = megabits(200);
            spec.loss = static_cast<testing::PerMillion>(loss * 10'000);
            spec.flows = {{.algorithm = algorithm}};
            Dumbbell dumbbell(spec);
            dumbbell.run_for(seconds(10));
            const Instant start{};
            const FlowMeasure all = dumbbell.measure(0, start, dumbbell.now());
            const FlowMeasure steady =
                dumbbell.measure(0, dumbbell.now() - seconds(7), dumbbell.now());
            std::printf(
                "{\"experiment\": \"lossy\", \"controller\": \"%s\", \"loss\": %.1f, "
                "\"goodput\": %.2f, \"goodput_steady\": %.2f}\n",
                text_of(algorithm).c_str(), loss, megabits_of(all.goodput),
                megabits_of(steady.goodput));
            std::fflush(stdout);
        }
    }
}

// ---- nothing passes for five seconds

void run_outage() {
    for (const auto algorithm : algorithms) {
        DumbbellSpec spec;
        spec.rate = megabits(50);
        spec.flows = {{.algorithm = algorithm}};
        Dumbbell dumbbell(spec);
        dumbbell.run_for(seconds(5));
        dumbbell.cut(seconds(5));
        dumbbell.run_for(seconds(5));
        const Instant back = dumbbell.now();
        dumbbell.run_for(seconds(10));
        const std::uint64_t before = [&] {
            std::uint64_t delivered = 0;
            for (const FlowSample& sample : dumbbell.samples(0)) {
                if (sample.at <= back) delivered = sample.delivered;
            }
            return delivered;
        }();
        double first = -1;  // seconds until something arrives, and until 80 % of the rate
        double full = -1;
        const auto& samples = dumbbell.samples(0);
        for (std::size_t i = 25; i < samples.size(); ++i) {
            if (samples[i].at <= back) continue;
            const double passed = seconds_of(samples[i].at - back);
            if (first < 0 && samples[i].delivered > before) first = passed;
            const double recent =
                static_cast<double>(samples[i].delivered - samples[i - 25].delivered) /
                seconds_of(samples[i].at - samples[i - 25].at);
            if (full < 0 && first >= 0 && recent >= 0.8 * static_cast<double>(spec.rate)) {
                full = passed;
            }
        }
        std::printf(
            "{\"experiment\": \"outage\", \"controller\": \"%s\", \"first_byte\": %.3f, "
            "\"full_rate\": %.3f}\n",
            text_of(algorithm).c_str(), first, full);
        std::fflush(stdout);
    }
}

// ---- what is plotted

void print_series(std::string_view name, std::string_view title, const Dumbbell& dumbbell) {
    for (std::size_t flow = 0; flow < dumbbell.flow_count(); ++flow) {
        std::printf(
            "{\"experiment\": \"series\", \"name\": \"%.*s\", \"title\": \"%.*s\", "
            "\"flow\": %zu, \"controller\": \"%s\", \"samples\": [",
            static_cast<int>(name.size()), name.data(), static_cast<int>(title.size()),
            title.data(), flow, text_of(dumbbell.spec().flows[flow].algorithm).c_str());
        const char* separator = "";
        const Instant start = dumbbell.samples(0).front().at;
        for (const FlowSample& sample : dumbbell.samples(flow)) {
            // Seconds, bytes, bytes, milliseconds.
            std::printf("%s[%.3f, %llu, %zu, %.2f]", separator, seconds_of(sample.at - start),
                        static_cast<unsigned long long>(sample.delivered), sample.window,
                        seconds_of(sample.round_trip) * 1e3);
            separator = ", ";
        }
        std::printf("]}\n");
    }
    std::fflush(stdout);
}

void run_series() {
    for (const auto algorithm : algorithms) {
        DumbbellSpec spec;
        spec.rate = megabits(50);
        spec.flows = {{.algorithm = algorithm}};
        Dumbbell alone(spec);
        alone.run_for(seconds(20));
        print_series("alone-" + text_of(algorithm), "50 Mbit/s, 40 ms, queue of one product",
                     alone);

        spec.flows = {{.algorithm = algorithm}, {.algorithm = algorithm, .start = seconds(5)}};
        Dumbbell pair(spec);
        pair.run_for(seconds(40));
        print_series("pair-" + text_of(algorithm), "two flows on 50 Mbit/s, 40 ms", pair);
    }
    DumbbellSpec spec;
    spec.rate = megabits(50);
    spec.queue_size = 2 * spec.product();
    spec.flows = {{.algorithm = CongestionAlgorithm::cubic},
                  {.algorithm = CongestionAlgorithm::bbr, .start = seconds(5)},
                  {.algorithm = CongestionAlgorithm::background, .start = seconds(10)}};
    Dumbbell mixed(spec);
    mixed.run_for(seconds(40));
    print_series("mixed", "CUBIC, BBR and background on 50 Mbit/s, 40 ms, queue of two products",
                 mixed);
    for (const auto algorithm : {CongestionAlgorithm::bbr, CongestionAlgorithm::cubic}) {
        DumbbellSpec lossy;
        lossy.rate = megabits(200);
        lossy.loss = 10'000;
        lossy.flows = {{.algorithm = algorithm}};
        Dumbbell dumbbell(lossy);
        dumbbell.run_for(seconds(15));
        print_series("lossy-" + text_of(algorithm), "200 Mbit/s, 40 ms, 1 % lost each way",
                     dumbbell);
    }
}

int run(int count, char** words) {
    std::vector<std::string> names;
    std::uint64_t rate = 0;
    std::string controller;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--rate" && i + 1 < count) {
            rate = std::strtoull(words[++i], nullptr, 10);
        } else if (word == "--controller" && i + 1 < count) {
            controller = words[++i];
        } else {
            names.push_back(word);
        }
    }
    if (names.empty()) {
        names = {"lossy", "fairness", "interactive", "marking", "outage", "series", "grid"};
    }
    for (const std::string& name : names) {
        if (name == "grid") {
            run_grid(rate, controller);
        } else if (name == "fairness") {
            run_fairness();
        } else if (name == "interactive") {
            run_interactive();
        } else if (name == "marking") {
            run_marking();
        } else if (name == "lossy") {
            run_lossy();
        } else if (name == "outage") {
            run_outage();
        } else if (name == "series") {
            run_series();
        } else {
            std::fprintf(stderr, "congestion_experiments: no experiment '%s'\n", name.c_str());
            return 2;
        }
    }
    return 0;
}

}  // namespace
}  // namespace stt::sim

int main(int count, char** words) {
    return stt::sim::run(count, words);
}
