#include "bench/harness/round_trips.hpp"

#include <algorithm>

namespace stt::bench {

Waiting waiting_of(const Arguments& arguments) {
    return arguments.choice("wait", {"epoll", "spin"}) == "spin" ? Waiting::spinning
                                                                 : Waiting::asleep;
}

RoundTrips::RoundTrips(const Arguments& arguments)
    : message_size_(arguments.number("size", 64)),
      count_(arguments.number("count", 10'000)),
      warm_up_count_(count_ / 20) {
    if (message_size_ == 0 || count_ == 0) arguments.fail("a size or count of 0");
    const std::chrono::duration<double> seconds{arguments.real("seconds", 20)};
    const auto whole = std::chrono::duration_cast<Clock::duration>(seconds);
    end_ = Clock::now() + whole;
    warm_up_end_ = Clock::now() + whole / 10;
    microseconds_.reserve(count_);
}

bool RoundTrips::is_over() const noexcept {
    return microseconds_.size() >= count_ || Clock::now() > end_;
}

void RoundTrips::answered() {
    const auto now = Clock::now();
    const std::chrono::duration<double, std::micro> taken = now - asked_;
    if (warm_up_count_ > 0 && now < warm_up_end_) {
        --warm_up_count_;
    } else {
        warm_up_count_ = 0;
        microseconds_.push_back(taken.count());
    }
}

void RoundTrips::report(JsonLine& line) {
    if (microseconds_.empty()) give_up("no answer came in time");
    std::sort(microseconds_.begin(), microseconds_.end());
    const auto quantile = [&](double part) {
        const auto place =
            static_cast<std::size_t>(part * static_cast<double>(microseconds_.size()));
        return microseconds_[std::min(place, microseconds_.size() - 1)];
    };
    line.add("p50_us", quantile(0.5))
        .add("p99_us", quantile(0.99))
        .add("p999_us", quantile(0.999))
        .add("count", static_cast<double>(microseconds_.size()));
}

void report_bulk(JsonLine& line, const Meeting& meeting, Clock::time_point begin) {
    const std::chrono::duration<double> taken = Clock::now() - begin;
    line.add("bulk_gbit_per_second",
             static_cast<double>(meeting.received()) * 8e-9 / taken.count());
}

}  // namespace stt::bench
