// Round-trip time. RFC 9002 §5, with the terms of Spec protocol §10.1.
#pragma once

#include <chrono>
#include <stt/time.hpp>

namespace stt::recovery {

// Longest time by which a receiver holds an ACK back. Spec protocol §10.2.
inline constexpr Duration ack_delay_max = std::chrono::milliseconds(25);
// RFC 9002 §6.2.2: assumed before the first sample.
inline constexpr Duration round_trip_initial = std::chrono::milliseconds(333);
// RFC 9002 §6.1.2: what timers are assumed to resolve.
inline constexpr Duration timer_granularity = std::chrono::milliseconds(1);

// The round-trip time of one path. A value; kept in nanoseconds inside, because
// an eighth of a loopback's 50 µs would otherwise be rounded away.
class RttEstimator {
public:
    RttEstimator() noexcept = default;

    // `latest`: from sending the newest frame acknowledged to its ACK; under 1 µs counts as 1 µs.
    // `ack_delay`: as the peer reports it; taken off up to ack_delay_max, and never so far that
    // the sample would fall below the minimum. The time of a handshake's round trip is
    // a sample with no delay.
    void on_sample(Duration latest, Duration ack_delay) noexcept;
    // The minimum starts anew at the next sample (RFC 9002 §5.2).
    void on_persistent_congestion() noexcept { is_minimum_stale_ = true; }

    bool has_sample() const noexcept { return has_sample_; }
    Duration latest() const noexcept { return rounded(latest_); }
    Duration minimum() const noexcept { return rounded(minimum_); }  // initial before a sample
    Duration smoothed() const noexcept { return rounded(smoothed_); }
    Duration variation() const noexcept { return rounded(variation_); }

    // RFC 9002 §6.2.1: how long after an eliciting frame silence is a probe timeout; no backoff.
    Duration probe_timeout() const noexcept;
    // RFC 9002 §6.1.2: 9/8 of the greater of smoothed and latest, at least timer_granularity.
    Duration loss_delay() const noexcept;
    // RFC 9002 §7.6.1: losses that span more than this are persistent congestion.
    Duration persistent_congestion_duration() const noexcept { return 3 * probe_timeout(); }

private:
    using Fine = std::chrono::nanoseconds;
    static Duration rounded(Fine value) noexcept { return std::chrono::ceil<Duration>(value); }

    Fine latest_ = round_trip_initial;
    Fine minimum_ = round_trip_initial;
    Fine smoothed_ = round_trip_initial;
    Fine variation_ = round_trip_initial / 2;
    bool has_sample_ = false;
    bool is_minimum_stale_ = true;
};

}  // namespace stt::recovery
