#include "core/recovery/cubic.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace stt::recovery {

namespace {

using Seconds = std::chrono::duration<double>;
constexpr double never = std::numeric_limits<double>::infinity();
constexpr double window_max = static_cast<double>(window_max_bytes);
// RFC 9438 §4.3: grows as Reno would on average with this decrease.
constexpr double reno_increase = 3.0 * (1.0 - Cubic::decrease) / (1.0 + Cubic::decrease);
// RFC 9438 §4.2: a round trip does not raise the window by more than half.
constexpr double target_growth_max = 1.5;

}  // namespace

Cubic::Cubic(std::size_t datagram_size) noexcept
    : datagram_size_(static_cast<double>(datagram_size)) {
    state_.window = static_cast<double>(window_initial_datagrams) * datagram_size_;
    state_.threshold = never;
}

std::size_t Cubic::window() const noexcept {
    return static_cast<std::size_t>(state_.window + 0.5);
}

bool Cubic::is_in_slow_start() const noexcept {
    return state_.window < state_.threshold;
}

double Cubic::window_min() const noexcept {
    return static_cast<double>(window_min_datagrams) * datagram_size_;
}

void Cubic::set_datagram_size(std::size_t size) {
    datagram_size_ = static_cast<double>(size);
    state_.window = std::max(state_.window, window_min());
}

void Cubic::on_acked(const AckSample& sample) {
    if (state_.threshold == never) {
        // Rounds and their delays go on while the window is not used up, too.
        state_.hystart.on_acked(sample.datagram, sample.datagram_next, sample.round_trip);
        if (state_.hystart.phase() == HyStart::Phase::finished) {
            state_.threshold = state_.window;
            state_.is_plateau_own = true;
        }
    }
    if (!sample.is_window_limited) {
        if (!limited_since_.has_value()) limited_since_ = sample.now;
        return;
    }
    if (limited_since_.has_value()) {
        // RFC 9438 §5.8: time in which the window was not used is no time for W_cubic.
        if (state_.epoch_start.has_value()) *state_.epoch_start += sample.now - *limited_since_;
        limited_since_.reset();
    }
    if (sample.bytes_past_recovery == 0) return;
    if (is_in_slow_start()) {
        grow_slow_start(sample);
    } else {
        grow_avoidance(sample);
    }
    state_.window = std::min(state_.window, window_max);
}

void Cubic::grow_slow_start(const AckSample& sample) {
    const std::size_t growth = state_.threshold == never
                                   ? state_.hystart.growth(sample.bytes_past_recovery)
                                   : sample.bytes_past_recovery;
    state_.window += static_cast<double>(growth);
}

void Cubic::begin_epoch(Instant now) {
    state_.epoch_start = now;
    state_.window_reno = state_.window;
    if (state_.is_plateau_own || state_.window_max <= state_.window) {
        // RFC 9438 §4.8, §4.10: no W_max to return to.
        state_.is_plateau_own = false;
        state_.window_max = state_.window;
        state_.window_before = state_.window;
        state_.k_seconds = 0;
        return;
    }
    state_.k_seconds = std::cbrt((state_.window_max - state_.window) / datagram_size_ / scale);
}

double Cubic::cubic_window(double seconds) const noexcept {
    const double from_plateau = seconds - state_.k_seconds;
    return scale * from_plateau * from_plateau * from_plateau * datagram_size_ + state_.window_max;
}

void Cubic::grow_avoidance(const AckSample& sample) {
    if (!state_.epoch_start.has_value()) begin_epoch(sample.now);
    const double acked = static_cast<double>(sample.bytes_past_recovery);
    const double elapsed = Seconds(sample.now - *state_.epoch_start).count();
    const double ahead = elapsed + Seconds(sample.round_trip_smoothed).count();

    const double increase = state_.window_reno < state_.window_before ? reno_increase : 1.0;
    state_.window_reno += increase * acked * datagram_size_ / state_.window;
    state_.window_reno = std::min(state_.window_reno, window_max);

    if (cubic_window(elapsed) < state_.window_reno) {  // RFC 9438 §4.3
        state_.window = std::max(state_.window, state_.window_reno);
        return;
    }
    const double target =
        std::clamp(cubic_window(ahead), state_.window, target_growth_max * state_.window);
    state_.window += (target - state_.window) * std::min(acked / state_.window, 1.0);
}

void Cubic::on_congestion_event(const CongestionEvent& event) {
    undo_ = state_;
    can_undo_ = event.cause == CongestionEvent::Cause::loss;
    state_.hystart.finish();
    state_.window_before = state_.window;
    // RFC 9438 §4.7: lost below the last plateau, so somebody new wants a share.
    state_.window_max =
        state_.window < state_.window_max ? state_.window * (1.0 + decrease) / 2.0 : state_.window;
    state_.threshold = std::max(state_.window * decrease, window_min());
    state_.window = state_.threshold;
    state_.epoch_start.reset();
    state_.is_plateau_own = false;
}

void Cubic::on_persistent_congestion(Instant /*now*/) {
    can_undo_ = false;
    state_.window = window_min();
    state_.epoch_start.reset();
    state_.is_plateau_own = true;
}

void Cubic::on_spurious_congestion(Instant /*now*/) {
    if (!can_undo_) return;
    can_undo_ = false;
    const double window = std::max(state_.window, undo_.window);
    state_ = undo_;
    state_.window = std::max(window, window_min());
}

}  // namespace stt::recovery
