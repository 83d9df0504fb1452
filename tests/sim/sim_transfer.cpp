// Carries bytes in both directions at once over networks drawn from seeds.
//
//   sim_transfer                       the default range of seeds
//   sim_transfer --seeds FROM:TO       seeds from FROM to below TO
//   sim_transfer --seed N [--trace]    one seed; with every datagram and event
//   sim_transfer --seed N --qlog NAME  one seed; what each side saw in NAME.client.sqlog and
//                                      NAME.server.sqlog
//   sim_transfer ... --bytes N         bytes each way, instead of 10,000,000
//
// A failing seed is printed with the command that replays it exactly.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "core/trace/qlog_writer.hpp"
#include "transfer.hpp"

namespace stt::sim {
namespace {

struct Options {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    std::uint64_t bytes = 10'000'000;
    bool is_traced = false;
    bool is_verbose = false;
    std::string qlog;
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
    const char* from_environment = std::getenv("STT_SIM_SEEDS");
    const char* range = from_environment != nullptr ? from_environment : STT_SIM_SEEDS_DEFAULT;
    if (!parse_range(range, options)) return false;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--trace") {
            options.is_traced = true;
        } else if (word == "--verbose") {
            options.is_verbose = true;
        } else if (word == "--seeds" && i + 1 < count) {
            if (!parse_range(words[++i], options)) return false;
        } else if (word == "--seed" && i + 1 < count) {
            options.first = std::strtoull(words[++i], nullptr, 10);
            options.end = options.first + 1;
        } else if (word == "--qlog" && i + 1 < count) {
            options.qlog = words[++i];
        } else if (word == "--bytes" && i + 1 < count) {
            options.bytes = std::strtoull(words[++i], nullptr, 10);
        } else {
            return false;
        }
    }
    // A file holds one run.
    return options.qlog.empty() || options.end - options.first == 1;
}

// The qlog of one side; nothing when no name was given.
class QlogFile {
public:
    QlogFile(const std::string& name, trace::QlogOptions::VantagePoint point) {
        if (name.empty()) return;
        const bool is_client = point == trace::QlogOptions::VantagePoint::client;
        file_.reset(
            std::fopen((name + (is_client ? ".client" : ".server") + ".sqlog").c_str(), "wb"));
        if (file_ == nullptr) return;
        trace::QlogOptions options;
        options.vantage_point = point;
        options.title = "sim_transfer";
        options.has_peers = true;
        options.has_texts = true;
        writer_.emplace(options, [file = file_.get()](std::string_view record) {
            std::fwrite(record.data(), 1, record.size(), file);
        });
    }
    trace::Sink* sink() { return writer_ ? &*writer_ : nullptr; }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> file_;
    std::optional<trace::QlogWriter> writer_;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool run_seed(std::uint64_t seed, const Options& options) {
    const Conditions conditions = draw_conditions(seed, options.bytes);
    if (options.is_traced) std::fputs(describe(conditions).c_str(), stdout);
    const auto start = std::chrono::steady_clock::now();
    QlogFile client_log(options.qlog, trace::QlogOptions::VantagePoint::client);
    QlogFile server_log(options.qlog, trace::QlogOptions::VantagePoint::server);
    if (!options.qlog.empty() && (client_log.sink() == nullptr || server_log.sink() == nullptr)) {
        std::printf("%s: cannot be written\n", options.qlog.c_str());
        return false;
    }
    const TransferOutcome outcome =
        run_transfer(seed, conditions, options.is_traced, {client_log.sink(), server_log.sink()});
    if (options.is_traced || options.is_verbose) {
        std::printf("seed %llu: trace %016llx, %llu datagrams, %.3f s of virtual time, %.3f s\n",
                    static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(outcome.trace_hash),
                    static_cast<unsigned long long>(outcome.datagrams),
                    static_cast<double>(outcome.virtual_time.count()) / 1e6, seconds_since(start));
    }
    if (!outcome.failure) return true;
    std::printf("seed %llu failed: %s\n%s%s", static_cast<unsigned long long>(seed),
                outcome.failure->c_str(), describe(conditions).c_str(), replay_line);
    std::fflush(stdout);
    return false;
}

int run(int count, char** words) {
    Options options;
    if (!parse(count, words, options)) {
        std::fputs(
            "usage: sim_transfer [--seeds FROM:TO | --seed N] [--trace] [--qlog NAME] "
            "[--bytes N]\n",
            stderr);
        return 2;
    }
    std::signal(SIGABRT, print_replay);
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t failed = 0;
    for (std::uint64_t seed = options.first; seed < options.end; ++seed) {
        std::snprintf(replay_line, sizeof replay_line,
                      "replay: %s --seed %llu --bytes %llu --trace\n", words[0],
                      static_cast<unsigned long long>(seed),
                      static_cast<unsigned long long>(options.bytes));
        if (!run_seed(seed, options)) ++failed;
    }
    std::printf("sim_transfer: %llu seeds, %llu failed, %llu bytes each way, %.1f s\n",
                static_cast<unsigned long long>(options.end - options.first),
                static_cast<unsigned long long>(failed),
                static_cast<unsigned long long>(options.bytes), seconds_since(start));
    return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace stt::sim

int main(int count, char** words) {
    return stt::sim::run(count, words);
}
