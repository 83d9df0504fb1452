#include "core/recovery/background.hpp"

#include <algorithm>

namespace stt::recovery {

namespace {

constexpr Duration minute = std::chrono::minutes(1);

}  // namespace

Background::Background(std::size_t datagram_size) noexcept
    : datagram_size_(datagram_size), window_(window_initial_datagrams * datagram_size) {
    minutes_.fill(Duration::max());
    samples_.fill(Duration::max());
}

void Background::set_datagram_size(std::size_t size) {
    datagram_size_ = size;
    window_ = std::max(window_, window_min());
}

Duration Background::base_round_trip() const noexcept {
    return *std::min_element(minutes_.begin(), minutes_.end());
}

Duration Background::queue_delay() const noexcept {
    const Duration latest = *std::min_element(samples_.begin(), samples_.end());
    return latest == Duration::max() ? Duration::zero() : latest - base_round_trip();
}

void Background::measure(const AckSample& sample) noexcept {
    if (!sample.round_trip.has_value()) return;
    if (sample_count_ == 0) minute_started_at_ = sample.now;
    if (sample.now - minute_started_at_ >= minute) {
        std::rotate(minutes_.begin(), minutes_.end() - 1, minutes_.end());
        minutes_.front() = Duration::max();
        minute_started_at_ = sample.now;
    }
    minutes_.front() = std::min(minutes_.front(), *sample.round_trip);
    samples_[sample_count_++ % filter_samples] = *sample.round_trip;
}

// A long queue on a short path would be won by who adds most datagrams a second: the
// shorter the path, the smaller the step.
std::size_t Background::gain_divisor() const noexcept {
    const Duration base = std::max(base_round_trip(), Duration(1));
    if (base >= 2 * delay_target) return 1;
    const auto ratio = static_cast<std::size_t>((2 * delay_target + base - Duration(1)) / base);
    return std::min(ratio, gain_divisor_max);
}

void Background::on_acked(const AckSample& sample) {
    measure(sample);
    if (sample_count_ == 0 || update_slowdown(sample)) return;
    if (sample.bytes_past_recovery == 0) return;
    if (is_in_slow_start()) {
        grow_slow_start(sample);
    } else {
        adapt_once_a_round(sample);
    }
    window_ = std::clamp(window_, window_min(), window_max_bytes);
}

// True while the window stays as it is.
bool Background::update_slowdown(const AckSample& sample) noexcept {
    if (slowed_until_.has_value()) {
        if (sample.now < *slowed_until_) return true;
        slowed_until_.reset();
    }
    if (slowdown_began_at_.has_value()) {
        if (is_in_slow_start()) return false;
        const Duration length = sample.now - *slowdown_began_at_;
        slowdown_began_at_.reset();
        plan_slowdown(sample.now + slowdown_interval * length);
    }
    if (!slowdown_at_.has_value() || sample.now < *slowdown_at_) return false;
    begin_slowdown(sample);
    return true;
}

void Background::begin_slowdown(const AckSample& sample) noexcept {
    slowdown_at_.reset();
    slowdown_began_at_ = sample.now;
    slowed_until_ = sample.now + 2 * sample.round_trip_smoothed;
    threshold_ = window_;
    window_ = window_min();
    slow_start_remainder_ = 0;
    can_undo_ = false;
}

void Background::grow_slow_start(const AckSample& sample) noexcept {
    // Well before the target: what is under way will still add to the queue.
    if (is_first_slow_start_ && queue_delay() > delay_target * 3 / 4) {
        is_first_slow_start_ = false;
        threshold_ = window_;
        plan_slowdown(sample.now + 2 * sample.round_trip_smoothed);
        return;
    }
    if (!sample.is_window_limited) return;
    const std::size_t divisor = gain_divisor();
    slow_start_remainder_ += sample.bytes_past_recovery;
    window_ += slow_start_remainder_ / divisor;
    slow_start_remainder_ %= divisor;
    window_ = std::min(window_, std::max(threshold_, window_min()));
}

// A datagram over the divisor more while the queue is short; else less in proportion to
// the excess, by half at most.
void Background::adapt_once_a_round(const AckSample& sample) noexcept {
    if (!round_end_.has_value()) round_end_ = sample.datagram_next;
    if (sample.datagram < *round_end_) return;
    round_end_ = sample.datagram_next;
    const Duration delay = queue_delay();
    if (delay <= delay_target) {
        if (sample.is_window_limited) window_ += datagram_size_ / gain_divisor();
        return;
    }
    const auto excess = static_cast<std::size_t>((delay - delay_target).count());
    const auto target = static_cast<std::size_t>(delay_target.count());
    const std::size_t less =
        window_ <= window_max_bytes && excess < target ? window_ * excess / target : window_;
    window_ -= std::min(less, window_ / 2);
    threshold_ = window_;  // no slow start back up
}

void Background::on_congestion_event(const CongestionEvent& event) {
    can_undo_ = event.cause == CongestionEvent::Cause::loss && !slowed_until_.has_value();
    window_before_ = window_;
    threshold_before_ = threshold_;
    if (is_first_slow_start_) {
        is_first_slow_start_ = false;
        plan_slowdown(event.now);
    }
    window_ = std::max(window_ / 2, window_min());
    threshold_ = window_;
    round_end_.reset();
}

void Background::on_persistent_congestion(Instant /*now*/) {
    can_undo_ = false;
    window_ = window_min();
    minutes_.fill(Duration::max());  // the path may be another
    samples_.fill(Duration::max());
}

void Background::on_spurious_congestion(Instant /*now*/) {
    if (!can_undo_) return;
    can_undo_ = false;
    window_ = std::max({window_, window_before_, window_min()});
    threshold_ = threshold_before_;
}

}  // namespace stt::recovery
