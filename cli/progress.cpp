#include "progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <utility>

#include "terminal_text.hpp"

namespace stt::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto bar_interval = 100ms;
constexpr auto line_interval = 5s;
constexpr auto rate_window = 3s;
constexpr unsigned bar_width_min = 8;
constexpr unsigned bar_width_max = 40;

double share_of(const ProgressView& view) {
    if (!view.total || *view.total == 0) return 1;
    return std::min(1.0, static_cast<double>(view.done) / static_cast<double>(*view.total));
}

// Eighths of a column, so that the bar moves smoothly.
std::string bar_of(double share, unsigned width) {
    constexpr std::array<const char*, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const auto filled = static_cast<unsigned>(share * width * 8);
    std::string bar = "▕";
    for (unsigned i = 0; i < width; ++i) {
        const unsigned rest = filled > i * 8 ? filled - i * 8 : 0;
        bar += rest >= 8 ? "█" : rest == 0 ? " " : eighths[rest];
    }
    return bar.append("▏");
}

std::string time_left(const ProgressView& view) {
    if (view.rate < 1) return "-";
    const std::uint64_t left = *view.total - std::min(view.done, *view.total);
    return format_duration(std::chrono::duration<double>(static_cast<double>(left) / view.rate));
}

}  // namespace

std::string render_line(const ProgressView& view) {
    if (!view.total) {
        return fmt::format("{}  {}  {}", format_size(view.done), format_rate(view.rate),
                           format_count(view.files_done, "file", "files"));
    }
    return fmt::format("{:3.0f}%  {} of {}  {}  {} left", share_of(view) * 100,
                       format_size(view.done), format_size(*view.total), format_rate(view.rate),
                       time_left(view));
}

std::string render_bar(const ProgressView& view, unsigned columns) {
    std::string text = render_line(view);
    // The last column stays free: some terminals begin a new line after it.
    const unsigned room = columns > 0 ? columns - 1 : 0;
    if (text.size() > room) return text.substr(0, room);
    const auto rest = static_cast<unsigned>(room - text.size());
    // Two ends and two spaces.
    if (!view.total || rest < bar_width_min + 4) return text;
    const std::string bar = bar_of(share_of(view), std::min(bar_width_max, rest - 4));
    return fmt::format("{}  {}{}", text.substr(0, 4), bar, text.substr(4));
}

double RateMeter::update(Clock::time_point now, std::uint64_t moved) {
    samples_.push_back({now, moved});
    while (samples_.size() > 2 && now - samples_[1].time >= rate_window) samples_.pop_front();
    const Sample& first = samples_.front();
    const double seconds = std::chrono::duration<double>(now - first.time).count();
    if (seconds <= 0) return 0;
    return static_cast<double>(moved - std::min(moved, first.moved)) / seconds;
}

std::shared_ptr<ProgressDisplay> ProgressDisplay::start(Console& console,
                                                        const asio::any_io_executor& executor) {
    const std::shared_ptr<ProgressDisplay> display(new ProgressDisplay(console, executor));
    asio::co_spawn(executor, display->run(), asio::detached);
    return display;
}

void ProgressDisplay::add(std::shared_ptr<const Counters> counters) {
    active_.push_back(std::move(counters));
}

void ProgressDisplay::remove(const std::shared_ptr<const Counters>& counters) {
    std::erase(active_, counters);
    if (active_.empty()) console_.clear_bar();
}

void ProgressDisplay::stop() {
    stopped_ = true;
    timer_.cancel();
    console_.clear_bar();
}

asio::awaitable<void> ProgressDisplay::run() {
    const std::shared_ptr<ProgressDisplay> self = shared_from_this();
    while (!stopped_) {
        if (is_terminal_) {
            timer_.expires_after(bar_interval);
        } else {
            timer_.expires_after(line_interval);
        }
        co_await timer_.async_wait(as_result);
        if (!stopped_ && !active_.empty()) show();
    }
}

void ProgressDisplay::show() {
    ProgressView view;
    std::uint64_t total = 0;
    std::uint64_t moved = 0;
    bool total_is_known = true;
    for (const auto& counters : active_) {
        const std::uint64_t done = counters->bytes_done;
        view.done += done;
        moved += done - std::min<std::uint64_t>(done, counters->bytes_skipped);
        view.files_done += counters->files_done;
        view.files_total += counters->files_total;
        total += counters->bytes_total;
        total_is_known = total_is_known && counters->total_is_known;
    }
    if (total_is_known) view.total = total;
    view.rate = meter_.update(RateMeter::Clock::now(), moved);
    if (is_terminal_) {
        console_.draw_bar(render_bar(view, Console::columns()));
    } else {
        console_.say(render_line(view));
    }
}

}  // namespace stt::cli
