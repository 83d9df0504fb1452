// Which sessions are being replaced by new ones, how far that is, and when to try again.
// Spec protocol §12.2.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <stt/time.hpp>
#include <utility>

#include "core/connection/attempts.hpp"
#include "core/connection/endpoint_types.hpp"

namespace stt::connection {

// The former session is asked so often, a round trip of the handshake apart, before the new one
// takes its place. Chosen: with one lost datagram in four, nine sessions in ten that live answer.
inline constexpr unsigned reconnect_questions = 3;
// Never less than this apart: a peer in the same machine may need a moment to run at all.
inline constexpr Duration reconnect_question_interval_min = std::chrono::milliseconds(10);

// Knows times and numbers only; whoever owns it sends and tells. Each operation takes O(log n).
class Reconnections {
public:
    explicit Reconnections(const ReconnectPolicy& policy) noexcept : policy_(policy) {}

    enum class Phase {
        waiting,  // for its next try
        trying,   // HELLOs are out
        asking,   // RESPONSE came: whether the former session lives after all
    };
    struct Reconnection {
        Phase phase = Phase::waiting;
        std::optional<Instant> due_at;
        Duration backoff{};             // after the next failure
        AttemptId attempt = 0;          // while trying
        SessionHandle new_session = 0;  // while asking
        Duration handshake{};
        Duration question_interval{};
        unsigned question_count = 0;
    };

    // `former` is unreachable.
    void begin(Instant now, SessionHandle former);
    // Its try has begun: HELLOs leave.
    void on_tried(SessionHandle former, AttemptId attempt);
    // There is no room for a try now.
    void postpone(Instant now, SessionHandle former);
    // The try, or the session that it made, came to nothing.
    void on_failed(Instant now, SessionHandle former);
    // The try made a session. The first question is due at once.
    void on_response(Instant now, SessionHandle former, SessionHandle new_session,
                     Duration handshake, Duration round_trip);
    // The former session was asked; what follows is due after a question's interval.
    void on_asked(Instant now, SessionHandle former);
    // Nobody was there to hear the answers.
    void ask_anew(SessionHandle former) { reconnections_.at(former).question_count = 0; }
    // Whoever waits for a try has it at once.
    void hurry(Instant now);
    // Over, whatever the outcome. Returns how far it was; null: there was none.
    std::optional<Reconnection> end(SessionHandle former);

    // Null: there is none.
    const Reconnection* find(SessionHandle former) const noexcept;
    // Whose try this is; null: the application's.
    std::optional<SessionHandle> owner_of(AttemptId attempt) const noexcept;
    bool has_room() const noexcept { return busy_count_ < policy_.try_count_max; }
    std::size_t count() const noexcept { return reconnections_.size(); }

    // One for which something is due; its due_at stays to be read, and is told no more.
    std::optional<SessionHandle> poll_due(Instant now);
    std::optional<Instant> poll_timeout() const noexcept {
        if (timers_.empty()) return std::nullopt;
        return timers_.begin()->first;
    }

private:
    void set_due(SessionHandle former, Reconnection& one, const std::optional<Instant>& at);
    void wait(Instant now, SessionHandle former, Reconnection& one, Duration delay);
    void set_phase(Reconnection& one, Phase phase);

    ReconnectPolicy policy_;
    std::map<SessionHandle, Reconnection> reconnections_;
    std::map<AttemptId, SessionHandle> by_attempt_;
    std::set<std::pair<Instant, SessionHandle>> timers_;
    std::size_t busy_count_ = 0;  // that do not wait
};

}  // namespace stt::connection
