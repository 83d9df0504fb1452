// Spreads what the window allows over the round trip. Spec protocol §10.4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/time.hpp>

namespace stt::recovery {

inline constexpr std::size_t pacing_burst_datagrams = 10;
inline constexpr Duration pacing_burst_time = std::chrono::milliseconds(1);
inline constexpr std::size_t pacing_burst_bytes_max = 65'536;

// A token bucket. Tokens are bytes × microseconds × (bytes a second), exact
// integers: the long-run rate is the rate set, at one byte a second as at a terabyte.
class Pacer {
public:
    // A full bucket of `datagram_size` × 10 bytes, and no rate: nothing is held back until
    // set_rate().
    explicit Pacer(std::size_t datagram_size) noexcept;

    // Bytes a second, up to 10^12 (more counts as that), at least 1.
    void set_rate(Instant now, std::uint64_t bytes_per_second) noexcept;
    void set_datagram_size(std::size_t size) noexcept { datagram_size_ = size; }

    // Bytes that may leave now: at most burst_max().
    std::size_t budget(Instant now) const noexcept;
    // What left, window-bound or not; a bucket overdrawn (by probes) owes at most one burst.
    void on_sent(Instant now, std::size_t bytes) noexcept;
    // When `bytes` (clipped to burst_max()) may leave; null: now.
    std::optional<Instant> next_release(Instant now, std::size_t bytes) const noexcept;

    // max(10 datagrams, 1 ms of the rate), never over 64 KiB.
    std::size_t burst_max() const noexcept;
    // What the rate carries in `time`, which is milliseconds at most; 0 before a rate is set.
    std::size_t bytes_in(Duration time) const noexcept;
    std::uint64_t rate() const noexcept { return rate_; }  // 0: none set

private:
    std::int64_t tokens_at(Instant now) const noexcept;
    void refill(Instant now) noexcept;

    std::size_t datagram_size_;
    std::uint64_t rate_ = 0;
    std::int64_t tokens_;  // bytes × 10^6
    Instant refilled_at_{};
};

// 1.25 × window / round trip (RFC 9002 §7.7), 2 × in slow start so that pacing does not slow its
// doubling. Bytes a second. A round trip under 1 µs counts as that; there is no
// other floor: on a loopback of 50 µs the smallest window, two datagrams, still gives
// 60 MB/s, and each doubling of the window doubles it.
std::uint64_t pacing_rate_of(std::size_t window, Duration round_trip,
                             bool is_in_slow_start) noexcept;

}  // namespace stt::recovery
