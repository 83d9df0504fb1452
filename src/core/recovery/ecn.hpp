// Explicit congestion notification: the marks, and whether a path keeps them.
#pragma once

#include <cstdint>
#include <optional>

#include "core/wire/control.hpp"

namespace stt::recovery {

// The two ECN bits of an IP header, with their values there (RFC 3168 §5).
enum class EcnMark : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

// Judges from the peer's ACKs whether the path keeps our ECT(0) marks
// (RFC 9000 §13.4.2). Once failed it stays failed: the path's frames go unmarked.
class EcnValidation {
public:
    // Frames that may be marked now. Stops after `frames_unproven_max` marked
    // frames of which none was acknowledged, so that a path that drops what is marked
    // costs a bounded number of frames.
    bool may_mark() const noexcept { return !has_failed_ && (is_proven_ || !is_exhausted()); }
    bool has_failed() const noexcept { return has_failed_; }
    bool is_proven() const noexcept { return is_proven_; }

    void on_marked_frames_sent(std::uint64_t count) noexcept { marked_sent_ += count; }
    // A probe timeout while nothing marked was ever acknowledged: marks are given up.
    void on_probe_timeout() noexcept {
        has_failed_ = has_failed_ || (!is_proven_ && marked_sent_ > 0);
    }

    // An ACK that newly acknowledges `newly_marked` frames sent with ECT(0), and what the
    // counts rose by since the last ACK that raised the largest; null for an ACK without counts.
    // Returns how many of them came back marked CE: 0 also when the counts are not credible.
    std::uint64_t on_ack(std::uint64_t newly_marked,
                         const std::optional<wire::EcnCounts>& increase) noexcept;

    static constexpr std::uint64_t frames_unproven_max = 32;

private:
    bool is_exhausted() const noexcept { return marked_sent_ >= frames_unproven_max; }

    std::uint64_t marked_sent_ = 0;
    bool is_proven_ = false;
    bool has_failed_ = false;
};

}  // namespace stt::recovery
