#include "core/recovery/rtt.hpp"

#include <algorithm>

namespace stt::recovery {

void RttEstimator::on_sample(Duration latest, Duration ack_delay) noexcept {
    latest_ = std::max(latest, Duration(1));
    minimum_ = is_minimum_stale_ ? latest_ : std::min(minimum_, latest_);
    is_minimum_stale_ = false;
    if (!has_sample_) {
        has_sample_ = true;
        smoothed_ = latest_;
        variation_ = latest_ / 2;
        return;
    }
    // A delay that would bring the sample below the minimum is a lie or a mistake (RFC 9002 §5.3).
    const Fine delay = std::clamp(ack_delay, Duration::zero(), ack_delay_max);
    const Fine adjusted = latest_ >= minimum_ + delay ? latest_ - delay : latest_;
    // The variation takes the smoothed value from before this sample: RFC 9002 §A.7.
    variation_ = (3 * variation_ + std::chrono::abs(smoothed_ - adjusted)) / 4;
    smoothed_ = (7 * smoothed_ + adjusted) / 8;
}

Duration RttEstimator::probe_timeout() const noexcept {
    return rounded(smoothed_ + std::max<Fine>(4 * variation_, timer_granularity) + ack_delay_max);
}

Duration RttEstimator::loss_delay() const noexcept {
    return rounded(std::max<Fine>(9 * std::max(smoothed_, latest_) / 8, timer_granularity));
}

}  // namespace stt::recovery
