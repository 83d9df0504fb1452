#include "core/connection/liveness.hpp"

#include <algorithm>
#include <utility>

namespace stt::connection {

Liveness::Liveness(const ConnectionConfig& config, Instant now) noexcept
    : idle_timeout_(config.idle_timeout),
      silent_after_(config.silent_after),
      unreachable_after_(config.unreachable_after),
      resume_timeout_(config.resume_timeout),
      probe_interval_(std::max(config.probe_interval_max, Duration(1'000))),
      last_received_(now),
      patient_until_(now) {}

bool Liveness::on_received(Instant now) noexcept {
    last_received_ = now;
    unanswered_since_.reset();
    is_silent_ = false;
    return std::exchange(is_unreachable_, false);
}

void Liveness::on_woken(Instant now, Duration patience) noexcept {
    is_probe_wanted_ = true;
    probe_at_ = now;
    patient_until_ = std::max(patient_until_, now + std::max(unreachable_after_, patience));
    // What was asked before the sleep may have been answered to nobody.
    if (unanswered_since_ && !is_unreachable_) unanswered_since_ = now;
}

Instant Liveness::silent_at(Duration patience) const noexcept {
    return *unanswered_since_ + std::max(silent_after_, patience);
}

Instant Liveness::unreachable_at(Duration patience) const noexcept {
    return *unanswered_since_ + std::max(unreachable_after_, patience);
}

// While questions are open, silence ends the session only after it was found unreachable.
Instant Liveness::end_at(Duration patience) const noexcept {
    if (!unanswered_since_) return std::max(last_received_ + idle_timeout_, patient_until_);
    return std::max({last_received_ + resume_timeout_, unreachable_at(patience), patient_until_});
}

std::optional<Instant> Liveness::stall_at(Duration patience, bool is_waiting) const noexcept {
    if (!is_waiting || unanswered_since_ || data_frames_ < stall_frames_min) return std::nullopt;
    return last_received_ + std::max(stall_min, patience);
}

Liveness::Outcome Liveness::on_timeout(Instant now, Duration patience, bool is_waiting) noexcept {
    Outcome outcome;
    if (unanswered_since_ && !is_silent_ && now >= silent_at(patience)) {
        is_silent_ = true;
        outcome.has_become_silent = true;
    }
    if (unanswered_since_ && !is_unreachable_ && now >= unreachable_at(patience)) {
        is_unreachable_ = true;
        outcome.has_become_unreachable = true;
        // Who slept past the end still has the time for a new handshake.
        patient_until_ = std::max(patient_until_, now + std::max(unreachable_after_, patience));
        probe_at_ = now;
    }
    if (now >= end_at(patience)) {
        outcome.end = unanswered_since_ ? End::lost : End::idle;
        return outcome;
    }
    if (const auto stalled = stall_at(patience, is_waiting); stalled && now >= *stalled) {
        data_frames_ = 0;
        outcome.is_probe_due = true;
    }
    if (is_unreachable_ && now >= probe_at_) {
        probe_at_ = now + probe_interval_;
        outcome.is_probe_due = true;
    }
    if (std::exchange(is_probe_wanted_, false)) outcome.is_probe_due = true;
    return outcome;
}

Instant Liveness::deadline(Duration patience, bool is_waiting) const noexcept {
    Instant earliest = end_at(patience);
    if (unanswered_since_ && !is_unreachable_) {
        earliest = std::min(earliest, unreachable_at(patience));
    }
    if (unanswered_since_ && !is_silent_) earliest = std::min(earliest, silent_at(patience));
    if (is_unreachable_) earliest = std::min(earliest, probe_at_);
    if (const auto stalled = stall_at(patience, is_waiting)) {
        earliest = std::min(earliest, *stalled);
    }
    return earliest;
}

}  // namespace stt::connection
