#include "core/recovery/loss.hpp"

#include <algorithm>
#include <stt/check.hpp>
#include <utility>

#include "base/earliest.hpp"

namespace stt::recovery {

namespace {

// How long lost frames are remembered when no path is in use: three initial probe timeouts.
constexpr Duration lost_memory_default = std::chrono::seconds(3);

}  // namespace

// ---- paths

PathRecovery* LossDetection::find(PathNumber number) const noexcept {
    for (const NumberedPath& path : paths_) {
        if (path.number == number) return path.state.get();
    }
    return nullptr;
}

PathRecovery& LossDetection::add_path(PathNumber number, const PathConfig& config) {
    STT_CHECK(!has_path(number) && paths_.size() < paths_max);
    paths_.push_back({number, std::make_unique<PathRecovery>(config)});
    PathRecovery& path = *paths_.back().state;
    path.scan_from_ = log_.next_sequence();
    return path;
}

bool LossDetection::has_path(PathNumber number) const noexcept {
    return find(number) != nullptr;
}

PathRecovery& LossDetection::path(PathNumber number) noexcept {
    PathRecovery* const path = find(number);
    STT_CHECK(path != nullptr);
    return *path;
}

const PathRecovery& LossDetection::path(PathNumber number) const noexcept {
    const PathRecovery* const path = find(number);
    STT_CHECK(path != nullptr);
    return *path;
}

void LossDetection::take_path(Instant now, PathNumber number) {
    if (in_use_ == number) return;
    if (in_use_.has_value()) {
        PathRecovery& former = path(*in_use_);
        former.lose_all_at_ = former.is_reliable() ? now : now + former.rtt_.probe_timeout();
    }
    PathRecovery& taken = path(number);
    taken.lose_all_at_.reset();
    taken.probe_timeouts_ = 0;
    in_use_ = number;
}

void LossDetection::remove_path(Instant now, PathNumber number) {
    const auto position =
        std::find_if(paths_.begin(), paths_.end(),
                     [number](const NumberedPath& path) { return path.number == number; });
    STT_CHECK(position != paths_.end());
    if (forced_.empty()) forced_at_ = now;
    lose_all(now, *position, forced_);
    paths_.erase(position);
    if (in_use_ == number) in_use_.reset();
}

// ---- sending

void LossDetection::on_datagram_sent(Instant now, const Datagram& datagram,
                                     std::span<const SentFrame> frames) {
    PathRecovery& path = this->path(datagram.path);
    const std::size_t evicted_before = forced_.size();
    std::size_t eliciting_size = 0;
    for (const SentFrame& given : frames) {
        SentFrame& frame = log_.append(given, forced_);
        frame.path = datagram.path;
        frame.datagram = path.datagram_next_;
        frame.sent_at = now;
        frame.is_mtu_probe = datagram.is_mtu_probe;
        frame.is_marked = datagram.is_marked;
        frame.was_lost = false;
        const bool stands_for_datagram = frame.elicits_ack && eliciting_size == 0;
        frame.datagram_size = stands_for_datagram ? static_cast<std::uint32_t>(datagram.size) : 0;
        if (frame.elicits_ack) eliciting_size += frame.size;
        path.on_frame_sent(now, frame);
    }
    for (std::size_t i = evicted_before; i < forced_.size(); ++i) {
        if (i == 0) forced_at_ = now;
        PathRecovery* const evicted_from = find(forced_[i].path);
        if (evicted_from != nullptr) evicted_from->on_lost(now, forced_[i], false);
    }
    path.on_datagram_sent(now, eliciting_size);
    if (datagram.is_mtu_probe) path.mtu_.on_probe_sent(now);
    // A path not in use has no probe timeout; what it carries must not stay outstanding for ever.
    if (in_use_ != datagram.path && eliciting_size > 0 && !path.lose_all_at_.has_value()) {
        path.lose_all_at_ = now + path.rtt_.probe_timeout();
    }
    trim(now);
}

// ---- receiving

void LossDetection::begin_gathering() noexcept {
    scratch_->acked.clear();
    scratch_->lost.clear();
    for (NumberedPath& path : paths_) {
        path.state->gathered_ = {};
        path.state->gathered_.in_flight_before = path.state->in_flight_;
    }
}

Result<AckOutcome, wire::Violation> LossDetection::on_ack(Instant now, const wire::Ack& ack) {
    STT_TRY_VOID(log_.check(ack));
    begin_gathering();
    acknowledge_ranges(now, ack);
    if (scratch_->acked.empty()) return AckOutcome{};

    AckOutcome outcome;
    // Ranges are read from the largest down, each upwards: search, it costs no more than reading.
    const auto largest = std::max_element(
        scratch_->acked.begin(), scratch_->acked.end(),
        [](const SentFrame& a, const SentFrame& b) { return a.sequence < b.sequence; });
    if (largest->sequence == ack.largest) {
        outcome.round_trip_of = sample_round_trip(now, ack, *largest);
    }
    if (!largest_acked_.has_value() || ack.largest > *largest_acked_) {
        process_ecn(ack, *largest);
        largest_acked_ = ack.largest;
    }
    for (NumberedPath& path : paths_) {
        if (!path.state->gathered_.has_acked) continue;
        detect_losses(now, path.number, *path.state);
        path.state->settle(now);
    }
    trim(now);
    outcome.acked = scratch_->acked;
    outcome.lost = scratch_->lost;
    return outcome;
}

void LossDetection::acknowledge_ranges(Instant now, const wire::Ack& ack) {
    wire::AckRanges ranges(ack);
    for (std::size_t read = 0; read < ack_ranges_read_max; ++read) {
        const std::optional<wire::SequenceRange> range = ranges.next();
        if (!range.has_value() || range->last < log_.base()) return;
        std::optional<std::uint64_t> sequence = log_.next_unacknowledged(range->first, range->last);
        while (sequence.has_value()) {
            // Most stand side by side: a look at the next is less than a search for it.
            std::uint64_t next = *sequence;
            do {
                acknowledge(now, next++);
            } while (next <= range->last && log_.is_unacknowledged(next));
            sequence = log_.next_unacknowledged(next, range->last);
        }
    }
}

void LossDetection::acknowledge(Instant now, std::uint64_t sequence) {
    scratch_->acked.push_back(log_.at(sequence));
    log_.acknowledge(sequence);
    PathRecovery* const path = find(scratch_->acked.back().path);
    if (path != nullptr) path->on_acked(now, scratch_->acked.back());
}

std::optional<PathNumber> LossDetection::sample_round_trip(Instant now, const wire::Ack& ack,
                                                           const SentFrame& largest) noexcept {
    PathRecovery* const path = find(largest.path);
    // RFC 9002 §5.1, with one path's frames alone (Spec protocol §10.5).
    if (path == nullptr || !path->gathered_.has_acked_eliciting) return std::nullopt;
    const auto delay = std::min(ack.delay_us, static_cast<std::uint64_t>(ack_delay_max.count()));
    const Duration sample = std::max(now - largest.sent_at, Duration(1));
    path->rtt_.on_sample(sample, Duration(static_cast<Duration::rep>(delay)));
    path->gathered_.round_trip = sample;
    if (!path->first_sample_at_.has_value()) path->first_sample_at_ = now;
    return largest.path;
}

void LossDetection::process_ecn(const wire::Ack& ack, const SentFrame& largest) noexcept {
    std::uint64_t newly_marked = 0;
    for (const NumberedPath& path : paths_) newly_marked += path.state->gathered_.marked;
    std::optional<wire::EcnCounts> increase;
    if (ack.ecn.has_value()) {
        // Counts that sink are as little worth as none.
        if (ack.ecn->ect0 >= ecn_counts_.ect0 && ack.ecn->ect1 >= ecn_counts_.ect1 &&
            ack.ecn->ce >= ecn_counts_.ce) {
            increase =
                wire::EcnCounts{ack.ecn->ect0 - ecn_counts_.ect0, ack.ecn->ect1 - ecn_counts_.ect1,
                                ack.ecn->ce - ecn_counts_.ce};
        }
        ecn_counts_ = *ack.ecn;
    }
    // The counts are the session's: they are judged by the path of the newest frame.
    PathRecovery* const path = find(largest.path);
    if (path != nullptr) path->on_ecn(newly_marked, increase);
}

void LossDetection::detect_losses(Instant now, PathNumber number, PathRecovery& path) {
    path.loss_time_.reset();
    if (!path.largest_acked_.has_value()) return;
    const Duration delay = path.rtt_.loss_delay();
    const Duration persistent = path.rtt_.persistent_congestion_duration();
    std::optional<SentFrame> run_first;  // of losses with nothing acknowledged between
    std::uint64_t run_last = 0;

    // Of one path, sequence, datagram and time rise together: the first frame
    // that is not lost ends the search, and the next one begins there.
    while (const auto sequence = log_.next_outstanding(path.scan_from_, *path.largest_acked_)) {
        const SentFrame& frame = log_.at(*sequence);
        if (frame.path == number) {
            const bool is_late = frame.sent_at + delay <= now;
            const bool is_overtaken =
                path.largest_acked_datagram_ >= frame.datagram + datagram_threshold;
            if (!is_late && !is_overtaken) {
                path.loss_time_ = frame.sent_at + delay;
                return;
            }
            // RFC 9002 §7.6.2: only what was sent after the first sample can tell.
            if (!frame.is_mtu_probe && path.first_sample_at_.has_value() &&
                frame.sent_at > *path.first_sample_at_) {
                if (!run_first.has_value() ||
                    was_acknowledged_between(run_last + 1, *sequence, number)) {
                    run_first = frame;
                }
                run_last = *sequence;
                if (frame.sent_at - run_first->sent_at > persistent) {
                    path.gathered_.is_persistent = true;
                }
            }
            const LossCause cause =
                is_overtaken ? LossCause::datagram_threshold : LossCause::time_threshold;
            path.stop_being_reliable();
            lose(now, *sequence, path, cause, scratch_->lost);
        }
        path.scan_from_ = *sequence + 1;
    }
}

bool LossDetection::was_acknowledged_between(std::uint64_t first, std::uint64_t last,
                                             PathNumber number) const noexcept {
    for (std::uint64_t sequence = first; sequence < last; ++sequence) {
        if (log_.was_acknowledged(sequence) && log_.at(sequence).path == number) return true;
    }
    return false;
}

void LossDetection::lose(Instant now, std::uint64_t sequence, PathRecovery& path, LossCause cause,
                         std::vector<SentFrame>& into) {
    const SentFrame& frame = log_.at(sequence);
    const bool is_congestion = cause != LossCause::path_left;
    // Epoch 0 has no congestion event: its losses, when spurious, undo nothing.
    const std::uint32_t epoch = is_congestion ? path.epoch_of_loss(frame) : 0;
    log_.declare_lost(sequence, epoch, now);
    path.on_lost(now, frame, is_congestion);
    into.push_back(frame);
    into.back().loss_cause = cause;
}

void LossDetection::lose_all(Instant now, NumberedPath& path, std::vector<SentFrame>& into) {
    PathRecovery& state = *path.state;
    state.lose_all_at_.reset();
    state.loss_time_.reset();
    while (const auto sequence = log_.next_outstanding(state.scan_from_, log_.next_sequence())) {
        if (log_.at(*sequence).path == path.number) {
            lose(now, *sequence, state, LossCause::path_left, into);
        }
        state.scan_from_ = *sequence + 1;
    }
}

void LossDetection::trim(Instant now) {
    if (!log_.is_trimmable()) return;
    const Duration memory =
        in_use_.has_value() ? 3 * path(*in_use_).rtt_.probe_timeout() : lost_memory_default;
    log_.trim(now - memory);
}

// ---- time

std::optional<Instant> LossDetection::deadline() const noexcept {
    std::optional<Instant> next;
    if (!forced_.empty()) next = forced_at_;
    for (const NumberedPath& path : paths_) {
        keep_earliest(next, path.state->lose_all_at_);
        keep_earliest(next, path.state->loss_time_);
        if (in_use_ == path.number) keep_earliest(next, path.state->probe_deadline());
    }
    return next;
}

TimeoutOutcome LossDetection::on_timeout(Instant now) {
    begin_gathering();
    scratch_->lost.assign(forced_.begin(), forced_.end());
    forced_.clear();
    TimeoutOutcome outcome;
    for (NumberedPath& path : paths_) {
        PathRecovery& state = *path.state;
        if (state.lose_all_at_.has_value() && *state.lose_all_at_ <= now) {
            lose_all(now, path, scratch_->lost);
        }
        if (state.loss_time_.has_value() && *state.loss_time_ <= now) {
            detect_losses(now, path.number, state);
            state.settle(now);
        }
        const std::optional<Instant> probe_at =
            in_use_ == path.number ? state.probe_deadline() : std::nullopt;
        if (probe_at.has_value() && *probe_at <= now) {
            state.on_probe_timeout(now);
            outcome.probes = probes_per_timeout;
            outcome.path = path.number;
            collect_oldest(path.number, state);
        }
    }
    trim(now);
    outcome.lost = scratch_->lost;
    outcome.oldest = scratch_->acked;
    return outcome;
}

void LossDetection::collect_oldest(PathNumber number, const PathRecovery& path) {
    // Frames of other paths lie between only while one is being left.
    constexpr std::size_t looks_max = 256;
    std::uint64_t from = path.scan_from_;
    unsigned datagrams = 0;
    std::uint64_t datagram = 0;
    for (std::size_t looks = 0; looks < looks_max; ++looks) {
        const auto sequence = log_.next_outstanding(from, log_.next_sequence());
        if (!sequence.has_value()) return;
        from = *sequence + 1;
        const SentFrame& frame = log_.at(*sequence);
        if (frame.path != number || frame.is_mtu_probe) continue;
        if (datagrams == 0 || frame.datagram != datagram) {
            if (++datagrams > probes_per_timeout) return;
            datagram = frame.datagram;
        }
        scratch_->acked.push_back(frame);
    }
}

}  // namespace stt::recovery
