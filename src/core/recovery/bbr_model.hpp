// What BBR knows of its path: how much it carries, how long it is. draft-ietf-ccwg-bbr §5.5.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <stt/time.hpp>

#include "core/recovery/congestion.hpp"

namespace stt::recovery {

// A bound on bytes or on bytes a second that does not bind.
inline constexpr std::uint64_t unbounded = std::numeric_limits<std::uint64_t>::max();

// Bytes that a rate delivers in a time. Integers throughout, so that a run is the same on every
// machine; both are clamped (100 GB/s, 100 s) so that no product overflows.
std::uint64_t bytes_in(std::uint64_t bytes_per_second, Duration time) noexcept;

// Measures the path from ACKs and losses; decides nothing. A value.
class BbrModel {
public:
    // An ACK begins with this. `is_probing`: the sender is asking for more than the model says
    // (startup, refill, up), so losses say nothing about the path as it was.
    void on_acked(const AckSample& sample, bool is_probing, std::uint64_t window,
                  std::uint64_t datagram_size) noexcept;
    // And ends with this.
    void on_ack_done(const AckSample& sample) noexcept;
    void on_lost(const LossSample& sample) noexcept;
    // CE marks; like a loss that is beyond chance.
    void on_marked() noexcept;

    // ---- rounds: from sending a frame to its acknowledgement
    bool is_round_start() const noexcept { return is_round_start_; }
    std::uint64_t round() const noexcept { return round_count_; }
    std::uint64_t delivered() const noexcept { return delivered_; }  // bytes, in all
    // A new round begins with what is sent from now on.
    void start_round() noexcept { next_round_delivered_ = delivered_; }

    // ---- bandwidth, bytes a second
    std::uint64_t bandwidth_max() const noexcept;
    // The greatest of the last two probing cycles, or less where losses say so.
    std::uint64_t bandwidth() const noexcept;
    std::uint64_t bandwidth_latest() const noexcept { return bandwidth_latest_; }
    void advance_bandwidth_filter() noexcept;

    // ---- round trip
    Duration round_trip() const noexcept { return round_trip_; }  // zero before a sample
    bool is_probe_due() const noexcept { return is_probe_due_; }
    // The path was drained on purpose: the least seen stands for another interval.
    void on_round_trip_probed(Instant now) noexcept { probed_at_ = now; }
    void forget_round_trip() noexcept;

    // ---- data volume, bytes
    std::uint64_t product() const noexcept { return bytes_in(bandwidth(), round_trip_); }
    std::uint64_t product_max() const noexcept { return bytes_in(bandwidth_max(), round_trip_); }
    // ACKs that come in bunches let so much more be in flight.
    std::uint64_t extra_acked() const noexcept;
    std::uint64_t volume_latest() const noexcept { return volume_latest_; }
    // inflight_shortterm of the draft.
    std::uint64_t volume_shortterm() const noexcept { return shortterm_.volume; }

    // ---- loss
    // Bytes lost and delivered since the round of losses began, and in how many batches.
    struct RoundLoss {
        std::uint64_t lost = 0;
        std::uint64_t delivered = 0;
        unsigned events = 0;
        bool is_marked = false;
    };
    // Of the round that has just ended; only meaningful when is_loss_round_start().
    const RoundLoss& round_loss() const noexcept { return round_loss_before_; }
    unsigned loss_events() const noexcept { return round_loss_.events; }
    bool is_loss_round_start() const noexcept { return is_loss_round_start_; }

    struct ShortTerm {
        std::uint64_t bandwidth = unbounded;
        std::uint64_t volume = unbounded;
    };
    const ShortTerm& shortterm() const noexcept { return shortterm_; }
    void raise_shortterm(const ShortTerm& to) noexcept;
    void reset_shortterm() noexcept { shortterm_ = {}; }
    void reset_signals() noexcept;
    void set_full(bool is_full) noexcept { is_full_ = is_full; }
    void restart_aggregation(Instant now) noexcept;

    static constexpr Duration round_trip_window = std::chrono::seconds(10);  // MinRTTFilterLen
    static constexpr Duration probe_interval = std::chrono::seconds(5);      // ProbeRTTInterval
    // A round trip at most this part longer than the least found no queue that a probe would empty:
    // the next is put off, but not for longer than this since the least was measured.
    static constexpr int calm_part = 32;
    static constexpr Duration calm_max = std::chrono::seconds(30);
    static constexpr unsigned loss_threshold_percent = 2;  // LossThresh
    static constexpr unsigned beta_percent = 70;
    static constexpr unsigned beta_marked_percent = 85;  // RFC 8511: a mark is a gentler sign
    // Chance loss above this is taken for congestion after all. Parts of 10,000.
    static constexpr std::uint64_t chance_loss_max = 500;
    // Of what was sent while the path was asked for no more than it carries: parts of 10,000.
    std::uint64_t chance_loss() const noexcept;
    // Bytes of `all` that chance takes, and three times its deviation.
    std::uint64_t loss_by_chance(std::uint64_t all, std::uint64_t datagram_size) const noexcept;
    // Lost of `all` was more than any chance takes, three deviations included.
    static bool is_beyond_chance(std::uint64_t lost, std::uint64_t all,
                                 std::uint64_t datagram_size) noexcept;
    // Bytes that may be lost of `all` before a probe has gone too far: LossThresh over chance.
    std::uint64_t loss_allowed(std::uint64_t all, std::uint64_t datagram_size) const noexcept;

private:
    void update_rounds(const AckSample& sample) noexcept;
    void update_bandwidth(const RateSample& rate) noexcept;
    void adapt_shortterm(std::uint64_t window, std::uint64_t datagram_size) noexcept;
    void update_chance_loss(std::uint64_t datagram_size) noexcept;
    void update_aggregation(const AckSample& sample, std::uint64_t window) noexcept;
    void update_round_trip(const AckSample& sample) noexcept;

    std::uint64_t delivered_ = 0;  // the path's total
    std::uint64_t next_round_delivered_ = 0;
    std::uint64_t round_count_ = 0;
    bool is_round_start_ = false;

    // Of this probing cycle and of the last.
    std::uint64_t bandwidth_now_ = 0;
    std::uint64_t bandwidth_before_ = 0;
    std::uint64_t bandwidth_latest_ = 0;
    std::uint64_t volume_latest_ = 0;
    ShortTerm shortterm_;

    std::uint64_t loss_round_delivered_ = 0;
    bool is_loss_round_start_ = false;
    RoundLoss round_loss_;
    RoundLoss round_loss_before_;
    // Of the last thousand datagrams or two that no probe sent.
    std::uint64_t calm_lost_ = 0;
    std::uint64_t calm_delivered_ = 0;

    Duration round_trip_{0};
    Instant round_trip_at_{};
    Duration probed_round_trip_{0};
    Instant probed_at_{};
    Instant measured_at_{};  // of the least, for how long a probe may be put off
    bool is_probe_due_ = false;

    // The greatest of ten rounds, a place for each.
    static constexpr std::size_t extra_acked_rounds = 10;  // ExtraAckedFilterLen
    std::array<std::uint64_t, extra_acked_rounds> extra_acked_{};
    std::optional<Instant> aggregation_start_;
    std::uint64_t aggregation_delivered_ = 0;
    bool is_full_ = false;
};

}  // namespace stt::recovery
