#include <fmt/format.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>

#include "async.hpp"
#include "console.hpp"
#include "interrupt.hpp"
#include "network.hpp"
#include "options.hpp"
#include "seed_file.hpp"

namespace stt::cli {
namespace {

double milliseconds(Duration duration) {
    return static_cast<double>(duration.count()) / 1000;
}

// What the round trips so far were.
struct Summary {
    unsigned sent = 0;
    unsigned received = 0;
    Duration shortest = Duration::max();
    Duration longest{};
    Duration sum{};

    void add(Duration rtt) {
        ++received;
        shortest = std::min(shortest, rtt);
        longest = std::max(longest, rtt);
        sum += rtt;
    }
    void print(Console& console) const {
        if (received == 0) return;
        console.say(fmt::format("{} of {} answered, min/avg/max {:.3f}/{:.3f}/{:.3f} ms", received,
                                sent, milliseconds(shortest), milliseconds(sum) / received,
                                milliseconds(longest)));
    }
};

class Pinger {
public:
    Pinger(asio::io_context& context, const PingOptions& options, Target target, const Seed& seed)
        : options_(options),
          target_(std::move(target)),
          interrupt_(context),
          pause_(context),
          node_(context, seed, node_config(options.common)) {
        interrupt_.set_handler([this] { on_interrupt(); });
    }

    asio::awaitable<void> run() {
        auto session = co_await connect(node_, target_, options_.common);
        if (!session) {
            fail(session.error());
        } else {
            session_ = *session;
            console_.say(fmt::format("handshake with {} ({}){}: {:.3f} ms", to_string(target_),
                                     session_.peer_address().to_string(), transport_note(session_),
                                     milliseconds(session_.statistics().handshake)));
            co_await ping_all();
            summary_.print(console_);
            if (options_.common.verbosity > 0) print_statistics(session_.statistics());
            session_.close();
        }
        co_await node_.close();
        interrupt_.cancel();
    }

    ExitCode exit_code() const {
        return interrupt_.happened() ? interrupt_.exit_code() : exit_code_;
    }

private:
    asio::awaitable<void> ping_all() {
        while (summary_.sent < options_.count && !interrupt_.happened()) {
            ++summary_.sent;
            const auto rtt = co_await session_.ping();
            if (!rtt) {
                if (interrupt_.happened()) co_return;
                fail({ExitCode::network,
                      fmt::format("the session with {} ended: {}", to_string(target_),
                                  end_reason(session_, rtt.error()))});
                co_return;
            }
            summary_.add(*rtt);
            console_.say(fmt::format("{}: {:.3f} ms", summary_.sent, milliseconds(*rtt)));
            if (summary_.sent == options_.count) co_return;
            pause_.expires_after(std::chrono::duration_cast<std::chrono::microseconds>(
                std::chrono::duration<double>(options_.interval_seconds)));
            co_await pause_.async_wait(as_result);
        }
    }

    void print_statistics(const SessionStatistics& statistics) {
        console_.say(fmt::format("round trip: smoothed {:.3f} ms, variation {:.3f} ms",
                                 milliseconds(statistics.rtt_smoothed),
                                 milliseconds(statistics.rtt_variation)));
        console_.say(fmt::format("datagrams: {} bytes, {} sent, {} received",
                                 statistics.datagram_size, statistics.datagrams_sent,
                                 statistics.datagrams_received));
        console_.say(fmt::format("frames: {} sent, {} received, {} lost, {} dropped",
                                 statistics.frames_sent, statistics.frames_received,
                                 statistics.frames_lost, statistics.frames_dropped));
        for (const DropCount& drop : statistics.drops) {
            console_.say(fmt::format("  dropped: {} {}", drop.count, drop.reason));
        }
        console_.say(fmt::format("congestion: {}, window {} bytes", statistics.controller,
                                 statistics.congestion_window));
    }

    void fail(const Problem& problem) {
        console_.error(problem.text);
        exit_code_ = problem.code;
    }

    void on_interrupt() {
        // During the handshake there is nobody to take leave of.
        if (!session_.is_open()) std::_Exit(static_cast<int>(interrupt_.exit_code()));
        pause_.cancel();
        session_.close(256, "interrupted");
    }

    const PingOptions& options_;
    Target target_;
    Console console_;
    Interrupt interrupt_;
    asio::steady_timer pause_;
    Node node_;
    Session session_;
    Summary summary_;
    ExitCode exit_code_ = ExitCode::ok;
};

}  // namespace

ExitCode run_ping(const PingOptions& options) {
    Console console;
    auto target = parse_target(options.target, options.common);
    if (!target) {
        console.error(target.error().text);
        return target.error().code;
    }
    const auto seed = read_seed_file(options.common.seed_file);
    if (!seed) {
        console.error(seed.error().text);
        return seed.error().code;
    }
    asio::io_context context(1);
    Pinger pinger(context, options, *std::move(target), *seed);
    asio::co_spawn(context, pinger.run(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    return pinger.exit_code();
}

}  // namespace stt::cli
