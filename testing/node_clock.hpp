// What one node takes for the time.
#pragma once

#include <cstdint>
#include <stt/time.hpp>

namespace stt::testing {

// Wall time at the start of virtual time: unix milliseconds, in November 2023.
inline constexpr std::int64_t wall_start_ms = 1'700'000'000'000;

// A node's protocol clock runs at its own rate and may leap forward, never back. Its wall clock
// follows it, at an offset that may change either way. Integers only.
class NodeClock {
public:
    // Both in virtual time. Parts per million faster than virtual time; slower is negative.
    void set_rate(Instant now, std::int32_t ppm) noexcept {
        base_local_ = local(now);
        base_ = now;
        ppm_ = ppm;
    }
    void leap(Instant now, Duration time) noexcept {
        base_local_ = local(now) + time;
        base_ = now;
    }
    Instant local(Instant now) const noexcept {
        return base_local_ + Duration((now - base_).count() * (million + ppm_) / million);
    }
    // The first moment at which local() is `local_time` or later; in the past if it has passed.
    Instant virtual_time(Instant local_time) const noexcept {
        const std::int64_t ahead = (local_time - base_local_).count();
        if (ahead <= 0) return base_ + Duration(ahead);
        return base_ + Duration((ahead * million + million + ppm_ - 1) / (million + ppm_));
    }

    // Milliseconds that are added to the wall clock.
    std::int64_t wall_offset_ms = 0;

private:
    static constexpr std::int64_t million = 1'000'000;

    Instant base_{};
    Instant base_local_{};
    std::int64_t ppm_ = 0;
};

}  // namespace stt::testing
