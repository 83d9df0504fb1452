// The progress of transfers, for a person.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async.hpp"
#include "console.hpp"
#include "transfer/counters.hpp"

namespace stt::cli {

struct ProgressView {
    std::uint64_t done = 0;
    std::optional<std::uint64_t> total{};  // unknown while the sender still counts
    double rate = 0;                       // bytes a second that really moved, of late
    std::uint64_t files_done = 0;
    std::uint64_t files_total = 0;
};

// One line of exactly `columns` columns or fewer, with a bar if there is room for one.
std::string render_bar(const ProgressView& view, unsigned columns);

// The same facts without a bar, for logs.
std::string render_line(const ProgressView& view);

// The rate over the last seconds.
class RateMeter {
public:
    using Clock = std::chrono::steady_clock;
    // `moved` is a total that only grows.
    double update(Clock::time_point now, std::uint64_t moved);

private:
    struct Sample {
        Clock::time_point time;
        std::uint64_t moved;
    };
    std::deque<Sample> samples_;
};

// Shows the sum of some transfers until stop(): as a bar on a terminal, as a line every
// few seconds elsewhere.
class ProgressDisplay : public std::enable_shared_from_this<ProgressDisplay> {
public:
    static std::shared_ptr<ProgressDisplay> start(Console& console,
                                                  const asio::any_io_executor& executor);

    void add(std::shared_ptr<const Counters> counters);
    void remove(const std::shared_ptr<const Counters>& counters);
    void stop();

private:
    ProgressDisplay(Console& console, const asio::any_io_executor& executor)
        : console_(console), timer_(executor) {}
    asio::awaitable<void> run();
    void show();

    Console& console_;
    asio::steady_timer timer_;
    bool stopped_ = false;
    bool is_terminal_ = Console::output_is_terminal();
    RateMeter meter_;
    std::deque<std::shared_ptr<const Counters>> active_;
};

}  // namespace stt::cli
