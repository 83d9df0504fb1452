#include "core/recovery/ack_tracker.hpp"

#include <algorithm>

namespace stt::recovery {

namespace {

// Over this the rate of datagrams is measured: short, so that a flow that begins is seen within a
// few round trips; long enough for datagram_rate_high to be a count and not noise.
constexpr Duration rate_interval = std::chrono::milliseconds(100);
constexpr std::size_t rate_high_in_interval = datagram_rate_high / 10;
static_assert(rate_interval * 10 == std::chrono::seconds(1));

}  // namespace

void AckTracker::on_datagram(Instant now) noexcept {
    is_datagram_counted_ = false;
    if (now - interval_start_ >= rate_interval) {
        const bool is_adjacent = now - interval_start_ < 2 * rate_interval;
        interval_datagrams_before_ = is_adjacent ? interval_datagrams_ : 0;
        interval_datagrams_ = 0;
        interval_start_ = now;
    }
    ++interval_datagrams_;
}

void AckTracker::on_received(Instant now, std::uint64_t sequence, bool elicits_ack, EcnMark mark) {
    if (!ranges_.insert(sequence)) return;
    switch (mark) {
        case EcnMark::not_ect:
            break;
        case EcnMark::ect0:
            ++ecn_.ect0;
            break;
        case EcnMark::ect1:
            ++ecn_.ect1;
            break;
        case EcnMark::ce:
            ++ecn_.ce;
            break;
    }
    has_ecn_ = has_ecn_ || mark != EcnMark::not_ect;

    const std::uint64_t expected = largest_.has_value() ? *largest_ + 1 : 0;
    if (sequence >= expected) {
        largest_ = sequence;
        largest_received_at_ = now;
    }
    if (!elicits_ack) return;

    if (!has_unsent_) {
        has_unsent_ = true;
        unsent_since_ = now;
        unsent_lowest_ = sequence;
    }
    unsent_lowest_ = std::min(unsent_lowest_, sequence);
    // A mark is news of congestion that cannot wait (RFC 9000 §13.2.1).
    is_urgent_ = is_urgent_ || sequence != expected || mark == EcnMark::ce;
    if (!is_datagram_counted_) {
        is_datagram_counted_ = true;
        ++datagrams_unsent_;
    }
}

bool AckTracker::should_ride(Instant now) const noexcept {
    if (!has_unsent_ || is_held_back(now)) return false;
    return is_urgent_ || datagrams_unsent_ >= datagrams_per_ack() / 2;
}

bool AckTracker::is_due(Instant now) const noexcept {
    const std::optional<Instant> due = deadline();
    return due.has_value() && *due <= now;
}

std::optional<Instant> AckTracker::deadline() const noexcept {
    if (!has_unsent_) return std::nullopt;
    Instant due = unsent_since_;
    if (!is_urgent_ && datagrams_unsent_ < datagrams_per_ack()) due += delay_max();
    if (acks_are_padded_ && ack_sent_at_.has_value()) {
        due = std::max(due, *ack_sent_at_ + round_trip_ / 4);
    }
    return due;
}

std::uint64_t AckTracker::delay_us(Instant now) const noexcept {
    if (!largest_.has_value()) return 0;
    return static_cast<std::uint64_t>(
        std::max((now - largest_received_at_).count(), Duration::rep{0}));
}

std::optional<wire::EcnCounts> AckTracker::ecn_counts() const noexcept {
    if (!has_ecn_) return std::nullopt;
    return ecn_;
}

bool AckTracker::wants_ping(Instant now) const noexcept {
    if (ranges().size() <= ranges_without_ping_max) return false;
    return !ping_sent_at_.has_value() || now - *ping_sent_at_ >= round_trip_;
}

void AckTracker::on_ack_sent(Instant now, bool has_ping) noexcept {
    has_unsent_ = false;
    is_urgent_ = false;
    datagrams_unsent_ = 0;
    ack_sent_at_ = now;
    if (has_ping) ping_sent_at_ = now;
}

void AckTracker::on_ack_acknowledged(std::uint64_t largest) noexcept {
    if (!has_unsent_ || unsent_lowest_ > largest) {
        ranges_.forget_through(largest);
    } else if (unsent_lowest_ > 0) {
        // What came late was in no ACK yet: its sender would take it for lost.
        ranges_.forget_through(unsent_lowest_ - 1);
    }
}

std::size_t AckTracker::datagrams_per_ack() const noexcept {
    const bool is_rate_high =
        std::max(interval_datagrams_, interval_datagrams_before_) > rate_high_in_interval;
    return is_rate_high ? datagrams_per_ack_high_rate : datagrams_per_ack_low_rate;
}

// The last of a burst would otherwise wait 25 ms even where the round trip is
// 0.1 ms, and its sender's window with it.
Duration AckTracker::delay_max() const noexcept {
    return std::clamp<Duration>(round_trip_ / 4, timer_granularity, ack_delay_max);
}

}  // namespace stt::recovery
