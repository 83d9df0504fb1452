#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stt/time.hpp>

namespace stt::stream {

// Credit that a receiver gives, for a stream or for the session. Spec protocol §9.1, §9.2.
//
// Credits are absolute limits. The window grows, up to its cap, when it, and neither the path nor
// the application here, held the peer back: it doubles when half of it was used in less than two
// round trips; it becomes four times as large when the peer came to its end while the application
// could not read for what was missing, since all was silent then until that was sent again.
class ReceiveWindow {
public:
    ReceiveWindow(std::uint64_t window_initial, std::uint64_t window_max) noexcept
        : window_(std::min(window_initial, window_max)),
          window_max_(window_max),
          limit_(window_initial) {}

    // Offsets below may be used by the peer.
    std::uint64_t limit() const noexcept { return limit_; }
    std::uint64_t window() const noexcept { return window_; }

    // The peer has used offsets below `highest`, of which `readable` bytes wait in order, and
    // others behind a gap.
    void on_gap(std::uint64_t highest, std::uint64_t readable) noexcept {
        const std::uint64_t left = limit_ - std::min(highest, limit_);
        if (left < window_ / 8 && readable < window_ / 2) is_short_ = true;
    }

    // The application has read up to `read`. True when the limit was raised, and must be told.
    bool on_read(Instant now, Duration rtt, std::uint64_t read) noexcept {
        if (limit_ - std::min(read, limit_) >= window_ / 2) return false;
        if (is_short_) {
            window_ = std::min(4 * window_, window_max_);
        } else if (last_raise_ && now - *last_raise_ < 2 * rtt) {
            window_ = std::min(2 * window_, window_max_);
        }
        is_short_ = false;
        last_raise_ = now;
        const std::uint64_t raised = read + window_;
        if (raised <= limit_) return false;
        limit_ = raised;
        return true;
    }

    // Raises the limit at once, whatever was read. True when that must be told.
    bool raise_to(std::uint64_t limit) noexcept {
        if (limit <= limit_) return false;
        limit_ = limit;
        return true;
    }

    // Makes the window at least `window`: a session's must not strangle its streams.
    void widen(std::uint64_t window) noexcept {
        window_ = std::max(window_, std::min(window, window_max_));
    }

private:
    std::uint64_t window_;
    std::uint64_t window_max_;
    std::uint64_t limit_;
    std::optional<Instant> last_raise_;
    bool is_short_ = false;  // since the last raise
};

}  // namespace stt::stream
