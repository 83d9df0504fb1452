// RTT, congestion, pacing, MTU and ECN of one path. Spec protocol §10.5, §11.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stt/time.hpp>

#include "core/recovery/congestion.hpp"
#include "core/recovery/delivery_rate.hpp"
#include "core/recovery/ecn.hpp"
#include "core/recovery/pacer.hpp"
#include "core/recovery/path_mtu.hpp"
#include "core/recovery/rtt.hpp"
#include "core/recovery/sent_log.hpp"

namespace stt::recovery {

// Where the backoff of probe timeouts ends (but never under one timeout). Two datagrams in this
// time congest nothing, and a path that comes back after seconds is found within this.
inline constexpr Duration probe_timeout_max = std::chrono::seconds(2);
// On a WebSocket TCP repeats what is missing, and its queue delays everything: only after so long
// is it of use to ask. Spec protocol §10.5 (b).
inline constexpr Duration reliable_probe_timeout_min = std::chrono::seconds(1);

// On a WebSocket so much more may be in flight than its rate and twice its shortest round trip
// hold: the queue of TCP takes as much as it is given, and what is urgent would stand behind that
// for seconds. Chosen: the time is under what a person notices, and the size is the least that a
// socket should be given at once.
inline constexpr Duration reliable_queue_time = std::chrono::milliseconds(100);
inline constexpr std::size_t reliable_window_min = 256u << 10;

struct PathConfig {
    // A WebSocket: the socket's back-pressure is the window, and there is no pacing. What is lost
    // on it all the same shows a bridge behind it, and makes it a path like any other. Spec
    // protocol §10.5 (b).
    bool is_reliable = false;
    // While it is reliable, in the place of the next.
    std::size_t message_size_ceiling = datagram_size_base;
    CongestionAlgorithm algorithm = CongestionAlgorithm::cubic;
    std::size_t datagram_size_ceiling = datagram_size_ceiling_ipv4;
};

// Bytes of eliciting frames that may be sent now.
struct SendAllowance {
    std::size_t bytes = 0;
    // Data is not worth a transmission below this; see burst_full and burst_time.
    std::size_t bytes_min = 0;
    // Set when only pacing holds back a full datagram, or `bytes_min`: ask again then. An ACK may
    // come earlier.
    std::optional<Instant> release;
};

// What datagrams of usual sizes fill of a burst of 64 KiB, at least. Where the rate has one in a
// millisecond and two are under way, the next waits until it is whole: each costs both ends a
// system call and an ACK, and all of them in pieces half as much again. What waits, waits less than
// a millisecond, or for an ACK of those two.
inline constexpr std::size_t burst_full = 64'000;
// At lower rates, as long as this has two datagrams or more, the same with what it has: who slept
// and woke for each datagram would spend a third of a processor on 100 Mbit/s. Chosen: half of what
// a burst may be (Spec protocol §10.4), so that waking late loses nothing of the rate.
inline constexpr Duration burst_time = std::chrono::microseconds(500);

// Of streams that take turns each has at least a frame, and more where the rate carries it in this
// time: frames of one stream that lie together cost both ends one event, one call of the
// application's and one range instead of as many as there are. Chosen: with a hundred streams a
// turn comes within a millisecond; and more than a quarter of a burst gains nothing.
inline constexpr Duration stream_turn_time = std::chrono::microseconds(8);
inline constexpr std::size_t stream_turn_max = 16'384;

// The state of a path that loss detection does not share with other paths. Owned and
// fed by LossDetection; the connection reads it, and calls what is marked so.
class PathRecovery {
public:
    explicit PathRecovery(const PathConfig& config);

    bool is_reliable() const noexcept { return config_.is_reliable; }
    const RttEstimator& rtt() const noexcept { return rtt_; }
    const PathMtu& mtu() const noexcept { return mtu_; }
    const CongestionController& controller() const noexcept { return *controller_; }
    std::size_t bytes_in_flight() const noexcept { return in_flight_; }
    std::uint64_t datagrams_sent() const noexcept { return datagram_next_; }
    std::uint64_t delivered() const noexcept { return rate_.delivered(); }
    unsigned probe_timeouts() const noexcept { return probe_timeouts_; }  // since an ACK
    const EcnValidation& ecn() const noexcept { return ecn_; }
    std::uint64_t pacing_rate() const noexcept { return pacer_.rate(); }  // bytes a second
    // Of the newest sample: bytes a second; 0 before there was one.
    std::uint64_t delivery_rate() const noexcept { return delivery_rate_; }
    std::uint64_t congestion_events() const noexcept { return epoch_; }
    // Datagrams may be sent with ECT(0).
    bool may_mark() const noexcept { return !config_.is_reliable && ecn_.may_mark(); }

    // The connection's calls.
    // What window and pacing allow. Less than mtu().current(): wait.
    // Probes after a timeout, and frames that elicit nothing, need no allowance.
    SendAllowance allowance(Instant now) const noexcept;
    // Bytes that may be under way at once.
    std::size_t window() const noexcept;
    // Bytes of one stream before the next has its turn; less than a frame: one frame.
    std::size_t stream_turn() const noexcept;
    // When pacing lets a datagram of `size` leave, where the window has room for it; null: now,
    // or not by waiting.
    std::optional<Instant> release(Instant now, std::size_t size) const noexcept;
    // The allowance was not used up because nothing was there to send.
    void on_app_limited() noexcept { rate_.on_app_limited(in_flight_); }
    // A round trip measured otherwise: of the handshake.
    void on_round_trip(Instant now, Duration sample) noexcept;

private:
    friend class LossDetection;

    // One ACK's or timeout's news of this path while it is gathered.
    struct Gathered {
        std::size_t in_flight_before = 0;  // bytes
        std::size_t acked_bytes = 0;
        std::size_t acked_bytes_past_recovery = 0;
        bool has_acked = false;
        bool has_acked_eliciting = false;
        std::uint64_t newest_datagram = 0;  // acknowledged
        Instant newest_sent_at{};
        std::uint64_t marked = 0;
        std::optional<Duration> round_trip;
        std::size_t lost_bytes = 0;               // of congestion
        std::uint32_t lost_in_new_epoch = 0;      // frames
        Instant lost_newest_sent_at{};            // of those in a new epoch
        std::uint64_t lost_newest_in_flight = 0;  // when the newest of all lost was sent
        std::uint64_t lost_newest_lost = 0;
        std::uint64_t congestion_marks = 0;  // CE
        bool is_persistent = false;
        bool has_spurious = false;
    };

    bool is_in_recovery(Instant sent_at) const noexcept {
        return recovery_started_at_.has_value() && sent_at <= *recovery_started_at_;
    }
    void on_frame_sent(Instant now, SentFrame& frame) noexcept;
    void on_datagram_sent(Instant now, std::size_t eliciting_size) noexcept;
    void on_acked(Instant now, const SentFrame& frame) noexcept;
    void on_lost(Instant now, const SentFrame& frame, bool is_congestion) noexcept;
    std::uint32_t epoch_of_loss(const SentFrame& frame) const noexcept;
    void on_ecn(std::uint64_t newly_marked,
                const std::optional<wire::EcnCounts>& increase) noexcept;
    // Something was lost on it: a WebSocket is none that ends at the peer.
    void stop_being_reliable() noexcept;
    void on_probe_timeout(Instant now) noexcept;
    std::optional<Instant> probe_deadline() const noexcept;
    // Tells the controller what was gathered.
    void settle(Instant now) noexcept;
    std::size_t reliable_window() const noexcept;
    std::size_t burst_min() const noexcept;
    void begin_epoch(Instant now, Instant sent_at, CongestionEvent::Cause cause) noexcept;
    AckSample sample(Instant now) noexcept;
    void update_pacing(Instant now) noexcept;

    PathConfig config_;
    RttEstimator rtt_;
    std::optional<Instant> first_sample_at_;
    std::unique_ptr<CongestionController> controller_;
    Pacer pacer_;
    PathMtu mtu_;
    EcnValidation ecn_;
    DeliveryRate rate_;
    std::uint64_t delivery_rate_ = 0;
    std::uint64_t reliable_rate_ = 0;  // of a reliable path: the largest of late, bytes a second

    std::size_t in_flight_ = 0;
    std::uint64_t datagram_next_ = 0;
    std::uint64_t window_used_until_ = 0;  // datagram number + 1 up to which the window was used
    std::size_t eliciting_outstanding_ = 0;
    Instant eliciting_sent_at_{};
    Instant probe_timed_out_at_{};
    unsigned probe_timeouts_ = 0;

    std::optional<std::uint64_t> largest_acked_;  // sequence, of frames of this path
    std::uint64_t largest_acked_datagram_ = 0;
    std::optional<Instant> loss_time_;
    std::uint64_t scan_from_ = 0;         // no frame of this path below it is outstanding
    std::optional<Instant> lose_all_at_;  // Spec protocol §10.5: one PTO after another was taken

    std::optional<Instant> recovery_started_at_;
    std::uint32_t epoch_ = 0;
    std::uint32_t epoch_losses_ = 0;  // frames of this epoch, less those that proved spurious
    bool epoch_has_marks_ = false;    // CE in it: not to be undone

    Gathered gathered_;
};

}  // namespace stt::recovery
