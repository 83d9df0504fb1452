// A controller for transfers that shall disturb nobody: it grows only while the queue is short.
// LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus), after RFC 6817.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/recovery/congestion.hpp"

namespace stt::recovery {

// The round trip less the least one of ten minutes is the queue. Its delay is kept at
// delay_target: whoever fills the queue further, loss-based or not, makes this flow shrink.
// Once in a while it falls silent, so that it sees the path without its own queue; else each new
// flow would take the queue of those before it for the path.
class Background final : public CongestionController {
public:
    explicit Background(std::size_t datagram_size) noexcept;

    std::string_view name() const noexcept override { return "background"; }
    std::size_t window() const noexcept override { return window_; }
    bool is_in_slow_start() const noexcept override { return window_ < threshold_; }
    void on_acked(const AckSample& sample) override;
    void on_congestion_event(const CongestionEvent& event) override;
    void on_persistent_congestion(Instant now) override;
    void on_spurious_congestion(Instant now) override;
    void set_datagram_size(std::size_t size) override;

    Duration base_round_trip() const noexcept;  // max() before a sample
    // The least of the last four samples, less the base.
    Duration queue_delay() const noexcept;
    bool is_slowed_down() const noexcept { return slowed_until_.has_value(); }

    static constexpr Duration delay_target = std::chrono::milliseconds(25);
    static constexpr std::size_t gain_divisor_max = 16;
    static constexpr int slowdown_interval = 9;  // times the last one's length: a tenth at most

private:
    void measure(const AckSample& sample) noexcept;
    bool update_slowdown(const AckSample& sample) noexcept;
    void begin_slowdown(const AckSample& sample) noexcept;
    void grow_slow_start(const AckSample& sample) noexcept;
    void adapt_once_a_round(const AckSample& sample) noexcept;
    void plan_slowdown(Instant at) noexcept { slowdown_at_ = at; }
    std::size_t gain_divisor() const noexcept;
    std::size_t window_min() const noexcept { return window_min_datagrams * datagram_size_; }

    std::size_t datagram_size_;
    std::size_t window_;
    std::size_t threshold_ = window_max_bytes;
    std::size_t slow_start_remainder_ = 0;  // bytes × divisor not yet added
    bool is_first_slow_start_ = true;

    static constexpr std::size_t history_minutes = 10;
    static constexpr std::size_t filter_samples = 4;
    std::array<Duration, history_minutes> minutes_;  // the least of each, the newest first
    Instant minute_started_at_{};
    std::array<Duration, filter_samples> samples_;
    std::size_t sample_count_ = 0;

    std::optional<std::uint64_t> round_end_;  // a datagram number

    std::optional<Instant> slowdown_at_;
    std::optional<Instant> slowed_until_;       // the window is two datagrams until then
    std::optional<Instant> slowdown_began_at_;  // until the window is what it was

    std::size_t window_before_ = 0;
    std::size_t threshold_before_ = 0;
    bool can_undo_ = false;
};

}  // namespace stt::recovery
