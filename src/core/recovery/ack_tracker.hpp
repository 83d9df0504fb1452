// The receiver's side of acknowledgement: what to acknowledge, and when. Spec protocol §10.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stt/time.hpp>

#include "core/recovery/ecn.hpp"
#include "core/recovery/received_ranges.hpp"
#include "core/recovery/rtt.hpp"
#include "core/wire/control.hpp"

namespace stt::recovery {

// With more ranges than this an ACK carries a PING once a round trip. Spec protocol §10.2.
inline constexpr std::size_t ranges_without_ping_max = 16;
// Datagrams for which one ACK is enough, below and above datagram_rate_high a second.
inline constexpr std::size_t datagrams_per_ack_low_rate = 2;
inline constexpr std::size_t datagrams_per_ack_high_rate = 10;
inline constexpr std::size_t datagram_rate_high = 1'000;

// Order of calls: on_datagram() once for each datagram from which a session frame opened,
// before its frames; on_received() for each frame that opened (not for one that was dropped
// unacknowledged, Spec protocol §8.3). After the batch: is_due(). To send: write_ack(ranges(),
// delay_us(now), ecn_counts()), with a PING beside it when wants_ping(), then on_ack_sent().
// A datagram that leaves anyway should take an ACK along when should_ride().
class AckTracker {
public:
    void on_datagram(Instant now) noexcept;
    void on_received(Instant now, std::uint64_t sequence, bool elicits_ack, EcnMark mark);

    // Eliciting frames arrived that no ACK has covered yet.
    bool has_unsent() const noexcept { return has_unsent_; }
    // A datagram that leaves anyway should take an ACK along: half of what makes one due waits,
    // that is one datagram, or five at over 1,000 a second. It is a frame of its own, and
    // in an exchange of small messages would double what each costs. Not while padded ACKs are
    // limited.
    bool should_ride(Instant now) const noexcept;
    // An ACK must go now: two datagrams wait (ten at over 1,000 a second), or one frame was out of
    // order or marked CE, or one waited its time: min(25 ms, max(1 ms, round trip / 4)).
    // When ACKs are padded: not within a quarter round trip of the last (Spec protocol §10.4).
    bool is_due(Instant now) const noexcept;
    // When is_due() becomes true by waiting alone (may lie in the past); null when it will not.
    std::optional<Instant> deadline() const noexcept;

    // Largest first, up to 256; valid until the next call that is not const. Empty: nothing
    // to acknowledge, send no ACK. An ACK takes at most 64 (write_ack sees to it).
    std::span<const wire::SequenceRange> ranges() const noexcept { return ranges_.descending(); }
    // Since the frame with the largest sequence arrived; 0 before the first.
    std::uint64_t delay_us(Instant now) const noexcept;
    // Null while no mark was ever seen: then ACK, else ACK_ECN.
    std::optional<wire::EcnCounts> ecn_counts() const noexcept;
    // Over 16 ranges, and no ACK with a PING was sent within a round trip.
    bool wants_ping(Instant now) const noexcept;
    void on_ack_sent(Instant now, bool has_ping) noexcept;
    // A frame of ours with an ACK whose largest was `largest` is acknowledged: ranges up to that
    // are forgotten, save what arrived late and was not in an ACK yet.
    void on_ack_acknowledged(std::uint64_t largest) noexcept;

    // The smoothed round trip of the path in use; 333 ms are assumed before.
    void set_round_trip(Duration smoothed) noexcept { round_trip_ = smoothed; }
    // Whether the padding policy pads an ACK's frame. Spec protocol §10.4, §12.1.
    void set_acks_are_padded(bool are_padded) noexcept { acks_are_padded_ = are_padded; }

private:
    bool is_held_back(Instant now) const noexcept {
        return acks_are_padded_ && ack_sent_at_.has_value() &&
               now < *ack_sent_at_ + round_trip_ / 4;
    }
    std::size_t datagrams_per_ack() const noexcept;
    Duration delay_max() const noexcept;

    ReceivedRanges ranges_;
    std::optional<std::uint64_t> largest_;
    Instant largest_received_at_{};
    wire::EcnCounts ecn_{};
    bool has_ecn_ = false;

    bool has_unsent_ = false;
    bool is_urgent_ = false;  // out of order, or marked CE
    bool is_datagram_counted_ = true;
    std::size_t datagrams_unsent_ = 0;
    Instant unsent_since_{};
    std::uint64_t unsent_lowest_ = 0;

    // Datagrams in this and the last tenth of a second.
    Instant interval_start_{};
    std::size_t interval_datagrams_ = 0;
    std::size_t interval_datagrams_before_ = 0;

    std::optional<Instant> ack_sent_at_;
    std::optional<Instant> ping_sent_at_;
    Duration round_trip_ = round_trip_initial;
    bool acks_are_padded_ = false;
};

}  // namespace stt::recovery
