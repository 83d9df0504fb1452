#include "core/connection/reconnect.hpp"

#include <algorithm>

namespace stt::connection {

void Reconnections::set_due(SessionHandle former, Reconnection& one,
                            const std::optional<Instant>& at) {
    if (one.due_at) timers_.erase({*one.due_at, former});
    one.due_at = at;
    if (at) timers_.insert({*at, former});
}

void Reconnections::set_phase(Reconnection& one, Phase phase) {
    if (one.phase != Phase::waiting) --busy_count_;
    if (phase != Phase::waiting) ++busy_count_;
    one.phase = phase;
}

void Reconnections::begin(Instant now, SessionHandle former) {
    Reconnection& one = reconnections_[former];
    one.backoff = policy_.backoff_first;
    set_due(former, one, now + policy_.first_delay);
}

void Reconnections::on_tried(SessionHandle former, AttemptId attempt) {
    Reconnection& one = reconnections_.at(former);
    set_due(former, one, std::nullopt);
    set_phase(one, Phase::trying);
    one.attempt = attempt;
    by_attempt_[attempt] = former;
}

void Reconnections::wait(Instant now, SessionHandle former, Reconnection& one, Duration delay) {
    if (one.phase == Phase::trying) by_attempt_.erase(one.attempt);
    set_phase(one, Phase::waiting);
    // A delay of nothing would be tried for ever at one moment.
    set_due(former, one, now + std::max(delay, Duration(std::chrono::milliseconds(1))));
}

void Reconnections::postpone(Instant now, SessionHandle former) {
    wait(now, former, reconnections_.at(former), policy_.backoff_first);
}

void Reconnections::on_failed(Instant now, SessionHandle former) {
    Reconnection& one = reconnections_.at(former);
    wait(now, former, one, one.backoff);
    one.backoff = std::min(2 * one.backoff, policy_.backoff_max);
}

void Reconnections::on_response(Instant now, SessionHandle former, SessionHandle new_session,
                                Duration handshake, Duration round_trip) {
    Reconnection& one = reconnections_.at(former);
    by_attempt_.erase(one.attempt);
    set_phase(one, Phase::asking);
    one.new_session = new_session;
    one.handshake = handshake;
    one.question_interval = std::max(round_trip, reconnect_question_interval_min);
    one.question_count = 0;
    set_due(former, one, now);
}

void Reconnections::on_asked(Instant now, SessionHandle former) {
    Reconnection& one = reconnections_.at(former);
    ++one.question_count;
    set_due(former, one, now + one.question_interval);
}

void Reconnections::hurry(Instant now) {
    for (auto& [former, one] : reconnections_) {
        if (one.phase != Phase::waiting) continue;
        one.backoff = policy_.backoff_first;
        set_due(former, one, now);
    }
}

std::optional<Reconnections::Reconnection> Reconnections::end(SessionHandle former) {
    const auto found = reconnections_.find(former);
    if (found == reconnections_.end()) return std::nullopt;
    const Reconnection ended = found->second;
    set_due(former, found->second, std::nullopt);
    if (ended.phase == Phase::trying) by_attempt_.erase(ended.attempt);
    if (ended.phase != Phase::waiting) --busy_count_;
    reconnections_.erase(found);
    return ended;
}

const Reconnections::Reconnection* Reconnections::find(SessionHandle former) const noexcept {
    const auto found = reconnections_.find(former);
    return found == reconnections_.end() ? nullptr : &found->second;
}

std::optional<SessionHandle> Reconnections::owner_of(AttemptId attempt) const noexcept {
    const auto found = by_attempt_.find(attempt);
    if (found == by_attempt_.end()) return std::nullopt;
    return found->second;
}

std::optional<SessionHandle> Reconnections::poll_due(Instant now) {
    if (timers_.empty() || timers_.begin()->first > now) return std::nullopt;
    const SessionHandle former = timers_.begin()->second;
    timers_.erase(timers_.begin());
    return former;
}

}  // namespace stt::connection
