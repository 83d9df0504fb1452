#include "core/recovery/path_recovery.hpp"

#include <algorithm>
#include <limits>

namespace stt::recovery {

PathRecovery::PathRecovery(const PathConfig& config)
    : config_(config),
      controller_(make_congestion_controller(config.algorithm, datagram_size_base)),
      pacer_(datagram_size_base),
      mtu_(config.is_reliable ? config.message_size_ceiling : config.datagram_size_ceiling) {}

SendAllowance PathRecovery::allowance(Instant now) const noexcept {
    const std::size_t room = window() - std::min(window(), in_flight_);
    if (config_.is_reliable) return {room, 0, std::nullopt};
    const std::size_t bytes = std::min(room, pacer_.budget(now));
    const std::size_t burst = burst_min();
    const std::size_t bytes_min = in_flight_ >= 2 * burst ? burst : 0;
    return {bytes, bytes_min, release(now, std::max(mtu_.current(), bytes_min))};
}

std::size_t PathRecovery::burst_min() const noexcept {
    if (pacer_.burst_max() == pacing_burst_bytes_max) return burst_full;
    const std::size_t of_time = pacer_.bytes_in(burst_time);
    return of_time >= 2 * mtu_.current() ? of_time : 0;
}

std::size_t PathRecovery::stream_turn() const noexcept {
    return std::min(pacer_.bytes_in(stream_turn_time), stream_turn_max);
}

std::size_t PathRecovery::window() const noexcept {
    return config_.is_reliable ? reliable_window() : controller_->window();
}

// Twice what was delivered in a round trip, so that it can double; from the shortest round trip, as
// its own queue makes the others longer.
std::size_t PathRecovery::reliable_window() const noexcept {
    const Duration round_trip = rtt_.has_sample() ? rtt_.minimum() : Duration::zero();
    const auto time = static_cast<std::uint64_t>((round_trip + reliable_queue_time).count());
    const std::uint64_t held = reliable_rate_ / 1'000 * time / 1'000;
    return reliable_window_min + static_cast<std::size_t>(2 * held);
}

std::optional<Instant> PathRecovery::release(Instant now, std::size_t size) const noexcept {
    // With less room than a datagram only an ACK helps, no waiting.
    if (config_.is_reliable || controller_->window() < in_flight_ + size) return std::nullopt;
    return pacer_.next_release(now, size);
}

void PathRecovery::on_round_trip(Instant now, Duration sample) noexcept {
    rtt_.on_sample(sample, Duration::zero());
    if (!first_sample_at_.has_value()) first_sample_at_ = now;
    update_pacing(now);
}

void PathRecovery::update_pacing(Instant now) noexcept {
    pacer_.set_rate(now,
                    controller_->pacing_rate().value_or(pacing_rate_of(
                        controller_->window(), rtt_.smoothed(), controller_->is_in_slow_start())));
}

void PathRecovery::on_frame_sent(Instant now, SentFrame& frame) noexcept {
    rate_.on_sent(now, in_flight_, frame);
    if (frame.is_marked) ecn_.on_marked_frames_sent(1);
    if (!frame.elicits_ack) return;
    in_flight_ += frame.size;
    ++eliciting_outstanding_;
    eliciting_sent_at_ = now;
}

void PathRecovery::on_datagram_sent(Instant now, std::size_t eliciting_size) noexcept {
    const std::uint64_t number = datagram_next_++;
    if (eliciting_size == 0 || config_.is_reliable) return;
    if (pacer_.rate() == 0) update_pacing(now);
    pacer_.on_sent(now, eliciting_size);
    controller_->on_sent(now, eliciting_size, in_flight_);
    if (in_flight_ == eliciting_size) update_pacing(now);  // a flight begins
    const std::size_t window = controller_->window();
    const bool is_full = in_flight_ + mtu_.current() > window;
    // Slow start doubles the window within the round, so half of it is use enough.
    if (is_full || (controller_->is_in_slow_start() && in_flight_ >= window / 2)) {
        window_used_until_ = number + 1;
    }
}

void PathRecovery::on_acked(Instant now, const SentFrame& frame) noexcept {
    gathered_.has_acked = true;
    if (!largest_acked_.has_value() || frame.sequence > *largest_acked_) {
        largest_acked_ = frame.sequence;
        largest_acked_datagram_ = frame.datagram;
    }
    if (frame.datagram >= gathered_.newest_datagram) {
        gathered_.newest_datagram = frame.datagram;
        gathered_.newest_sent_at = frame.sent_at;
    }
    if (frame.is_marked) ++gathered_.marked;
    if (!frame.elicits_ack) return;

    gathered_.has_acked_eliciting = true;
    probe_timeouts_ = 0;
    rate_.on_acked(now, frame);
    if (frame.was_lost) {
        if (frame.loss_epoch == epoch_ && epoch_losses_ > 0 && !frame.is_mtu_probe) {
            --epoch_losses_;
            gathered_.has_spurious = true;
        }
    } else {
        in_flight_ -= frame.size;
        --eliciting_outstanding_;
        gathered_.acked_bytes += frame.size;
        if (!is_in_recovery(frame.sent_at)) gathered_.acked_bytes_past_recovery += frame.size;
    }
    if (frame.datagram_size == 0) return;
    if (frame.is_mtu_probe) {
        mtu_.on_probe_acked(now, frame.datagram_size);
    } else {
        mtu_.on_datagram_acked(frame.datagram, frame.datagram_size);
    }
}

void PathRecovery::on_lost(Instant now, const SentFrame& frame, bool is_congestion) noexcept {
    in_flight_ -= frame.size;
    --eliciting_outstanding_;
    if (frame.is_mtu_probe) {  // no sign of congestion: RFC 8899 §3, requirement 7
        if (frame.datagram_size != 0) mtu_.on_probe_lost(now, frame.datagram_size);
        return;
    }
    if (!is_congestion) return;
    if (frame.datagram_size != 0) {
        mtu_.on_datagram_lost(now, frame.sent_at, frame.datagram, frame.datagram_size);
    }
    rate_.on_lost(frame.size);
    gathered_.lost_bytes += frame.size;
    // Found oldest first: the last one told is the newest.
    gathered_.lost_newest_in_flight = frame.in_flight;
    gathered_.lost_newest_lost = frame.lost;
    if (is_in_recovery(frame.sent_at)) {
        ++epoch_losses_;
    } else {
        ++gathered_.lost_in_new_epoch;
        gathered_.lost_newest_sent_at = std::max(gathered_.lost_newest_sent_at, frame.sent_at);
    }
}

void PathRecovery::stop_being_reliable() noexcept {
    if (!config_.is_reliable) return;
    config_.is_reliable = false;
    mtu_ = PathMtu(config_.datagram_size_ceiling);
}

std::uint32_t PathRecovery::epoch_of_loss(const SentFrame& frame) const noexcept {
    return is_in_recovery(frame.sent_at) ? epoch_ : epoch_ + 1;
}

void PathRecovery::on_ecn(std::uint64_t newly_marked,
                          const std::optional<wire::EcnCounts>& increase) noexcept {
    gathered_.congestion_marks = ecn_.on_ack(newly_marked, increase);
}

void PathRecovery::begin_epoch(Instant now, Instant sent_at,
                               CongestionEvent::Cause cause) noexcept {
    recovery_started_at_ = now;
    ++epoch_;
    epoch_losses_ = gathered_.lost_in_new_epoch;
    epoch_has_marks_ = cause == CongestionEvent::Cause::ecn;
    controller_->on_congestion_event({now, cause, sent_at, in_flight_});
}

void PathRecovery::settle(Instant now) noexcept {
    if (config_.is_reliable) {
        if (gathered_.has_acked) sample(now);
        reliable_rate_ = std::max(reliable_rate_ - reliable_rate_ / 64, delivery_rate_);
        return;
    }
    if (gathered_.has_spurious && epoch_losses_ == 0 && !epoch_has_marks_) {
        recovery_started_at_.reset();
        controller_->on_spurious_congestion(now);
    }
    const std::uint32_t epoch_before = epoch_;
    if (gathered_.lost_bytes > 0) {
        controller_->on_lost({now, gathered_.lost_bytes, in_flight_, rate_.delivered(),
                              gathered_.lost_newest_in_flight,
                              rate_.lost() - gathered_.lost_newest_lost});
    }
    if (gathered_.lost_in_new_epoch > 0) {
        begin_epoch(now, gathered_.lost_newest_sent_at, CongestionEvent::Cause::loss);
    }
    if (gathered_.congestion_marks > 0) {
        epoch_has_marks_ = true;
        if (!is_in_recovery(gathered_.newest_sent_at)) {
            begin_epoch(now, gathered_.newest_sent_at, CongestionEvent::Cause::ecn);
        }
    }
    if (gathered_.is_persistent) {
        rtt_.on_persistent_congestion();
        recovery_started_at_.reset();
        epoch_losses_ = 0;
        controller_->on_persistent_congestion(now);
    }
    // What this ACK's own losses began to recover from lets nothing grow.
    if (epoch_ != epoch_before) gathered_.acked_bytes_past_recovery = 0;
    if (gathered_.has_acked) controller_->on_acked(sample(now));
    if (controller_->is_holding_back()) rate_.on_app_limited(in_flight_);
    controller_->set_datagram_size(mtu_.current());
    pacer_.set_datagram_size(mtu_.current());
    update_pacing(now);
}

AckSample PathRecovery::sample(Instant now) noexcept {
    AckSample sample;
    sample.now = now;
    sample.bytes = gathered_.acked_bytes;
    sample.bytes_past_recovery = gathered_.acked_bytes_past_recovery;
    sample.in_flight_before = gathered_.in_flight_before;
    sample.in_flight = in_flight_;
    sample.is_window_limited = gathered_.newest_datagram < window_used_until_;
    sample.round_trip = gathered_.round_trip;
    sample.round_trip_smoothed = rtt_.smoothed();
    sample.round_trip_minimum = rtt_.minimum();
    sample.datagram = gathered_.newest_datagram;
    sample.datagram_next = datagram_next_;
    sample.rate = rate_.take_sample(rtt_.minimum());
    sample.delivered = rate_.delivered();
    if (sample.rate.interval > Duration::zero()) delivery_rate_ = sample.rate.bytes_per_second();
    return sample;
}

std::optional<Instant> PathRecovery::probe_deadline() const noexcept {
    if (eliciting_outstanding_ == 0 || loss_time_.has_value()) return std::nullopt;
    Duration once = rtt_.probe_timeout();
    if (config_.is_reliable) once = std::max(once, reliable_probe_timeout_min);
    Duration wait = once;
    for (unsigned i = 0; i < probe_timeouts_ && wait < probe_timeout_max; ++i) wait *= 2;
    wait = std::max(once, std::min(wait, probe_timeout_max));
    return std::max(eliciting_sent_at_, probe_timed_out_at_) + wait;
}

void PathRecovery::on_probe_timeout(Instant now) noexcept {
    ++probe_timeouts_;
    probe_timed_out_at_ = now;
    if (!config_.is_reliable) mtu_.on_probe_timeout(now, probe_timeouts_);
    ecn_.on_probe_timeout();
    controller_->set_datagram_size(mtu_.current());
    pacer_.set_datagram_size(mtu_.current());
}

}  // namespace stt::recovery
