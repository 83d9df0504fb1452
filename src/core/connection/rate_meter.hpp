#pragma once

#include <cstdint>
#include <stt/time.hpp>

namespace stt::connection {

// Bytes a second over about the last second: of the second under way, and of as much of the one
// before as is missing.
class RateMeter {
public:
    void add(Instant now, std::uint64_t bytes) noexcept {
        advance(now);
        current_ += bytes;
    }
    std::uint64_t bytes_per_second(Instant now) const noexcept {
        RateMeter at_now = *this;
        at_now.advance(now);
        const auto passed = static_cast<std::uint64_t>((now - at_now.start_).count());
        constexpr auto whole = static_cast<std::uint64_t>(interval.count());
        // 2^64 / 10^6 bytes in a second would overflow: 18 TB.
        return at_now.current_ + at_now.before_ * (whole - passed) / whole;
    }

private:
    static constexpr Duration interval = std::chrono::seconds(1);

    void advance(Instant now) noexcept {
        const Duration passed = now - start_;
        if (passed < interval) return;
        before_ = passed < 2 * interval ? current_ : 0;
        current_ = 0;
        start_ += interval * (passed / interval);
    }

    Instant start_{};
    std::uint64_t current_ = 0;
    std::uint64_t before_ = 0;
};

}  // namespace stt::connection
