// BBR, version 3: sends at the rate that the path delivers. draft-ietf-ccwg-bbr.
//
// Where this differs from the draft, and why: docs/design/decisions. The draft's names:
// bandwidth is bw, round trip min_rtt, volume inflight, product bdp.
#pragma once

#include <optional>

#include "core/recovery/bbr_model.hpp"
#include "core/recovery/congestion.hpp"

namespace stt::recovery {

class Bbr final : public CongestionController {
public:
    enum class Phase : std::uint8_t {
        startup,
        drain,
        probe_down,
        probe_cruise,
        probe_refill,
        probe_up,
        probe_round_trip,
    };

    explicit Bbr(std::size_t datagram_size) noexcept;

    std::string_view name() const noexcept override { return "bbr"; }
    std::size_t window() const noexcept override { return static_cast<std::size_t>(window_); }
    bool is_in_slow_start() const noexcept override { return phase_ == Phase::startup; }
    std::string_view state() const noexcept override;
    std::optional<std::uint64_t> pacing_rate() const noexcept override;
    bool is_holding_back() const noexcept override { return phase_ == Phase::probe_round_trip; }
    void on_sent(Instant now, std::size_t bytes, std::size_t in_flight) override;
    void on_acked(const AckSample& sample) override;
    void on_lost(const LossSample& sample) override;
    void on_congestion_event(const CongestionEvent& event) override;
    void on_persistent_congestion(Instant now) override;
    void on_spurious_congestion(Instant now) override;
    void set_datagram_size(std::size_t size) override;

    Phase phase() const noexcept { return phase_; }
    const BbrModel& model() const noexcept { return model_; }
    // inflight_longterm of the draft: the most that a probe found to be safe.
    std::uint64_t volume_longterm() const noexcept { return volume_longterm_; }

    static constexpr std::uint64_t window_pipe_datagrams = 4;               // MinPipeCwnd
    static constexpr Duration probe_time = std::chrono::milliseconds(200);  // ProbeRTTDuration

private:
    // What the ACKs of now tell of: of a probe that begins, is felt, or is over.
    enum class AckPhase : std::uint8_t { none, refilling, starting, feedback, stopping };

    bool is_probing_bandwidth() const noexcept;
    bool is_accelerating() const noexcept;
    std::uint64_t pacing_gain_percent() const noexcept;
    std::uint64_t window_gain_percent() const noexcept;

    // Phases.
    bool is_held_back(const RateSample& rate) const noexcept;
    void check_full_bandwidth(const AckSample& sample) noexcept;
    void reset_full_bandwidth(std::uint64_t bandwidth = 0) noexcept;
    void check_startup_done(const AckSample& sample) noexcept;
    void fill_startup() noexcept;
    void update_cycle(const AckSample& sample) noexcept;
    void update_probe_up(const AckSample& sample) noexcept;
    void start_down(Instant now) noexcept;
    void start_refill() noexcept;
    void start_up(Instant now) noexcept;
    bool is_time_to_probe(Instant now) const noexcept;
    void check_probe_round_trip(const AckSample& sample) noexcept;
    void leave_probe_round_trip(Instant now) noexcept;

    // The long-term bound.
    void adapt_longterm(const AckSample& sample) noexcept;
    void raise_longterm(const AckSample& sample) noexcept;
    void raise_longterm_slope() noexcept;
    bool is_volume_too_high(std::uint64_t lost, std::uint64_t in_flight) const noexcept;
    void handle_volume_too_high(Instant now, std::uint64_t volume, bool is_app_limited) noexcept;
    std::uint64_t volume_with_headroom() const noexcept;

    // What is sent.
    std::uint64_t quantum() const noexcept;
    std::uint64_t volume_at(std::uint64_t bandwidth, std::uint64_t gain_percent) const noexcept;
    std::uint64_t volume_quantized(std::uint64_t volume) const noexcept;
    std::uint64_t volume_target() const noexcept;
    std::uint64_t probe_round_trip_window() const noexcept;
    std::uint64_t window_pipe() const noexcept { return window_pipe_datagrams * datagram_size_; }
    void set_pacing_rate(std::uint64_t gain_percent) noexcept;
    void set_window(const AckSample& sample) noexcept;
    void bound_window() noexcept;

    std::uint64_t datagram_size_;
    BbrModel model_;
    Phase phase_ = Phase::startup;
    std::uint64_t window_;
    std::uint64_t window_saved_ = 0;  // from before the window was cut on purpose
    std::uint64_t pacing_rate_ = 0;   // 0: not yet
    std::uint64_t volume_longterm_ = unbounded;

    // Whether asking for more still brings more.
    bool is_full_ = false;      // the pipe was full once
    bool is_full_now_ = false;  // and is, in this probe
    std::uint64_t full_bandwidth_ = 0;
    unsigned full_rounds_ = 0;

    // The cycle.
    AckPhase ack_phase_ = AckPhase::none;
    bool is_sampling_ = false;  // losses of now come of a probe
    Instant cycle_started_at_{};
    Duration probe_wait_{};
    std::uint64_t probed_round_ = 0;  // rounds are counted from it to the next probe
    unsigned up_rounds_ = 0;
    std::uint64_t up_acked_ = 0;
    std::uint64_t up_bytes_per_datagram_ = unbounded;  // acknowledged for each that is added

    std::optional<Instant> probe_round_trip_until_;
    bool is_probe_round_done_ = false;
    bool is_restarting_ = false;  // from idle
    bool is_recovering_ = false;  // in startup: a loss was seen in an earlier round
    std::uint64_t recovering_round_ = 0;

    struct Undo {
        Phase phase = Phase::startup;
        BbrModel::ShortTerm shortterm;
        std::uint64_t volume_longterm = unbounded;
        bool is_full = false;
    };
    Undo undo_candidate_;
    std::optional<Undo> undo_;
};

}  // namespace stt::recovery
