// HyStart++: leaving slow start when the delay grows. RFC 9406.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/time.hpp>

namespace stt::recovery {

// The state machine of RFC 9406 §4.2 for the first slow start of a path. A value.
class HyStart {
public:
    enum class Phase : std::uint8_t { slow_start, conservative, finished };

    // An ACK: the newest datagram that it acknowledges, the number of the next one to be sent
    // (by these rounds are told apart), and its round-trip sample, if it gave one.
    void on_acked(std::uint64_t datagram, std::uint64_t datagram_next,
                  const std::optional<Duration>& round_trip) noexcept;
    // Loss or CE ended slow start.
    void finish() noexcept { phase_ = Phase::finished; }

    Phase phase() const noexcept { return phase_; }
    // By how much `acked` bytes let the window grow in this phase; L is infinite, because
    // sending is paced (RFC 9406 §4.2).
    std::size_t growth(std::size_t acked) const noexcept;

    // RFC 9406 §4.3.
    static constexpr Duration delay_threshold_min = std::chrono::milliseconds(4);
    static constexpr Duration delay_threshold_max = std::chrono::milliseconds(16);
    static constexpr int delay_divisor = 8;
    static constexpr unsigned round_samples_min = 8;
    static constexpr std::size_t conservative_growth_divisor = 4;
    static constexpr unsigned conservative_rounds_max = 5;

private:
    void begin_round(std::uint64_t datagram_next) noexcept;
    void judge_round() noexcept;

    Phase phase_ = Phase::slow_start;
    std::optional<std::uint64_t> round_end_;  // a datagram number
    Duration round_minimum_ = Duration::max();
    Duration round_minimum_before_ = Duration::max();
    Duration conservative_baseline_ = Duration::max();
    unsigned round_samples_ = 0;
    unsigned conservative_rounds_ = 0;
};

}  // namespace stt::recovery
