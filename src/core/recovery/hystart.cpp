#include "core/recovery/hystart.hpp"

#include <algorithm>

namespace stt::recovery {

void HyStart::on_acked(std::uint64_t datagram, std::uint64_t datagram_next,
                       const std::optional<Duration>& round_trip) noexcept {
    if (phase_ == Phase::finished) return;
    if (!round_end_.has_value()) round_end_ = datagram_next;
    // A datagram sent after the round began: its sample is the next round's.
    if (datagram >= *round_end_) begin_round(datagram_next);
    if (phase_ == Phase::finished || !round_trip.has_value()) return;
    round_minimum_ = std::min(round_minimum_, *round_trip);
    ++round_samples_;
    judge_round();
}

void HyStart::begin_round(std::uint64_t datagram_next) noexcept {
    round_end_ = datagram_next;
    round_minimum_before_ = round_minimum_;
    round_minimum_ = Duration::max();
    round_samples_ = 0;
    // The round in which the phase began counts, however little of it was left.
    if (phase_ == Phase::conservative && ++conservative_rounds_ >= conservative_rounds_max) {
        phase_ = Phase::finished;
    }
}

void HyStart::judge_round() noexcept {
    if (round_samples_ < round_samples_min) return;
    if (phase_ == Phase::conservative) {
        if (round_minimum_ < conservative_baseline_) phase_ = Phase::slow_start;  // it was jitter
        return;
    }
    if (round_minimum_before_ == Duration::max()) return;
    const Duration threshold = std::clamp<Duration>(round_minimum_before_ / delay_divisor,
                                                    delay_threshold_min, delay_threshold_max);
    if (round_minimum_ < round_minimum_before_ + threshold) return;
    phase_ = Phase::conservative;
    conservative_baseline_ = round_minimum_;
    conservative_rounds_ = 0;
}

std::size_t HyStart::growth(std::size_t acked) const noexcept {
    return phase_ == Phase::conservative ? acked / conservative_growth_divisor : acked;
}

}  // namespace stt::recovery
