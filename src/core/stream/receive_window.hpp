#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stt/time.hpp>

namespace stt::stream {

// Credit that a receiver gives, for a stream or for the session. Spec protocol §9.1, §9.2.
//
// Credits are absolute limits. The window grows, up to its cap, to what comes in `ahead` round
// trips while the application keeps up, and what waits behind a gap: so a peer that doubles its
// rate each round trip does not come to the limit, though that reaches it half a round trip late,
// and though the application cannot read on before what was lost has come. But never to more than a
// multiple of what was read in all: who leaves the first byte out gets none of it.
class ReceiveWindow {
public:
    ReceiveWindow(std::uint64_t window_initial, std::uint64_t window_max) noexcept
        : window_initial_(window_initial),
          window_(std::min(window_initial, window_max)),
          window_max_(window_max),
          limit_(window_initial) {}

    // Offsets below may be used by the peer.
    std::uint64_t limit() const noexcept { return limit_; }
    std::uint64_t window() const noexcept { return window_; }

    struct Progress {
        std::uint64_t highest = 0;   // the peer has used offsets below
        std::uint64_t readable = 0;  // bytes that wait in order for the application
        std::uint64_t read = 0;      // the application has read offsets below
    };
    // After bytes were received or read. True when the limit was raised, and must be told.
    bool on_progress(Instant now, Duration rtt, const Progress& progress) noexcept {
        measure(now, rtt, progress);
        if (limit_ - std::min(progress.read, limit_) >= window_ / 2) return false;
        return raise_to(progress.read + window_);
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
    static constexpr std::uint64_t ahead = 8;
    // Bytes of window for each that was read. Chosen: while the rate doubles, and for two round
    // trips nothing can be read, 19 are needed.
    static constexpr std::uint64_t earned = 32;

    // Once a round trip, and not before the application has read what it could at the last time.
    void measure(Instant now, Duration rtt, const Progress& progress) noexcept {
        const std::uint64_t in_order = progress.read + progress.readable;
        if (progress.highest == 0) return;
        if (!measured_at_) {
            measured_at_ = now;
            measured_in_order_ = in_order;
        }
        const Duration elapsed = now - *measured_at_;
        if (elapsed < std::max(rtt, Duration(1)) || progress.read < measured_in_order_) return;
        const double in_round_trip = static_cast<double>(progress.highest - measured_highest_) *
                                     static_cast<double>(rtt.count()) /
                                     static_cast<double>(elapsed.count());
        widen(std::min(
            ahead * static_cast<std::uint64_t>(in_round_trip) + progress.highest - in_order,
            window_initial_ + earned * std::min(progress.read, window_max_ / earned + 1)));
        measured_at_ = now;
        measured_highest_ = progress.highest;
        measured_in_order_ = in_order;
    }

    std::uint64_t window_initial_;
    std::uint64_t window_;
    std::uint64_t window_max_;
    std::uint64_t limit_;
    std::optional<Instant> measured_at_;
    std::uint64_t measured_highest_ = 0;
    std::uint64_t measured_in_order_ = 0;
};

}  // namespace stt::stream
