// Whether the peer still answers, when to ask again, and when to give up. Spec protocol §12.2.
#pragma once

#include <optional>
#include <stt/time.hpp>

#include "core/connection/config.hpp"

namespace stt::connection {

// A caller that calls so late after the deadline it was given was asleep (a laptop's lid) or its
// clock jumped: silence in that time says nothing about the peer. Chosen: no loop that runs is
// late by a second, and a false alarm costs one PING.
inline constexpr Duration sleep_min = std::chrono::seconds(1);
// A receiver that was sent much and then nothing asks once, for a NAT may have forgotten it:
// after three PTOs, and at least this. Chosen: far above the pauses of a sender that has more.
inline constexpr Duration stall_min = std::chrono::milliseconds(500);
// So many frames of DATA since the last question are much. Chosen: more than what an exchange of
// short messages brings, less than the first flight of a transfer and its second.
inline constexpr unsigned stall_frames_min = 16;

// Silence of the peer, in four degrees: heard from (or not asked), silent, unreachable, given up.
// Knows times only; whoever owns it sends and tells.
class Liveness {
public:
    enum class End { none, idle, lost };

    Liveness(const ConnectionConfig& config, Instant now) noexcept;

    // Something authentic came. True: the peer had been unreachable.
    [[nodiscard]] bool on_received(Instant now) noexcept;
    // An eliciting frame left by the path in use.
    void on_eliciting_sent(Instant now) noexcept {
        if (!unanswered_since_) unanswered_since_ = now;
    }
    // A frame of DATA came: see stall_frames_min.
    void on_data_received() noexcept { ++data_frames_; }
    // This node slept, its clock jumped, or its network changed: ask at once, and do not give up
    // before the answer had time to come. `patience`: three PTOs.
    void on_woken(Instant now, Duration patience) noexcept;

    struct Outcome {
        bool is_probe_due = false;  // send a PING now
        bool has_become_silent = false;
        bool has_become_unreachable = false;
        End end = End::none;
    };
    // `patience`: three PTOs. `is_waiting`: a stream is open.
    Outcome on_timeout(Instant now, Duration patience, bool is_waiting) noexcept;
    Instant deadline(Duration patience, bool is_waiting) const noexcept;

    bool is_silent() const noexcept { return is_silent_; }
    bool is_unreachable() const noexcept { return is_unreachable_; }
    Instant last_received() const noexcept { return last_received_; }
    // When the oldest eliciting frame left that nothing has answered; null: there is none.
    std::optional<Instant> unanswered_since() const noexcept { return unanswered_since_; }

private:
    Instant silent_at(Duration patience) const noexcept;
    Instant unreachable_at(Duration patience) const noexcept;
    Instant end_at(Duration patience) const noexcept;
    std::optional<Instant> stall_at(Duration patience, bool is_waiting) const noexcept;

    Duration idle_timeout_;
    Duration silent_after_;
    Duration unreachable_after_;
    Duration resume_timeout_;
    Duration probe_interval_;
    Instant last_received_;
    Instant patient_until_;  // the session does not end before
    std::optional<Instant> unanswered_since_;
    Instant probe_at_{};  // while unreachable, the next question
    unsigned data_frames_ = 0;
    bool is_silent_ = false;
    bool is_unreachable_ = false;
    bool is_probe_wanted_ = false;
};

}  // namespace stt::connection
