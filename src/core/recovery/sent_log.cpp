#include "core/recovery/sent_log.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <stt/check.hpp>
#include <type_traits>
#include <utility>

namespace stt::recovery {

namespace {

// What the smallest buffer of a pool holds.
constexpr std::size_t ring_size_min = 4;
// So that a burst from an empty ring copies a third of its entries once more, and not all.
constexpr std::size_t ring_growth = 4;
constexpr std::size_t bits_size_min = 64;
// Those of more are given back, too, while the log is empty: an idle session keeps 1 KiB at most.
constexpr std::size_t bits_size_idle_max = 4'096;
static_assert(sent_frames_max <= SequenceBits::size_max);

}  // namespace

bool SentLog::has_room(std::size_t frame_count) const noexcept {
    if (next_ - base_ + frame_count + skip_run_max <= sent_frames_max) return true;
    const std::uint64_t oldest = outstanding_.next(base_, next_).value_or(next_);
    return next_ - oldest + frame_count + skip_run_max <= sent_frames_max;
}

SentFrame& SentLog::append(const SentFrame& frame, std::vector<SentFrame>& evicted) {
    STT_CHECK(frame.sequence >= next_ && frame.sequence - next_ <= skip_run_max);
    while (next_ < frame.sequence) {
        if (skips_.size() < skips_max) skips_.resize(skips_.size() + 1);
        skips_[skip_count_ % skips_max] = next_;
        ++skip_count_;
        push(SentFrame{}, State::skipped, evicted);
    }
    return push(frame, State::outstanding, evicted);
}

SentFrame& SentLog::push(const SentFrame& frame, State state, std::vector<SentFrame>& evicted) {
    if (next_ - base_ == ring_size_) make_room(evicted);
    const std::uint64_t sequence = next_++;
    needed_max_ = std::max(needed_max_, static_cast<std::size_t>(next_ - base_));
    Entry& pushed = *std::construct_at(&entry(sequence), Entry{frame, Instant{}, state});
    if (state == State::skipped) return pushed.frame;
    unacknowledged_.set(sequence);
    if (frame.elicits_ack) outstanding_.set(sequence);
    return pushed.frame;
}

void SentLog::make_room(std::vector<SentFrame>& evicted) {
    if (ring_size_ < sent_frames_max) {
        const std::size_t grown = std::max(ring_size_ * ring_growth, ring_size_next_);
        return grow(std::clamp(grown, ring_size_min, sent_frames_max));
    }
    if (outstanding_.contains(base_)) {
        evicted.push_back(entry(base_).frame);
        evicted.back().loss_cause = LossCause::evicted;
    }
    pop();
}

void SentLog::grow(std::size_t size) {
    static_assert(std::is_trivially_copyable_v<Entry> &&
                  alignof(Entry) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    static_assert(ring_size_min * sizeof(Entry) <= BufferPool::buffer_size_min);
    const std::size_t bytes = std::max(size * sizeof(Entry), BufferPool::buffer_size_min);
    BufferPool::Buffer grown = BufferPool::take(pool_, std::bit_ceil(bytes));
    Entry* const ring = reinterpret_cast<Entry*>(grown.data());
    for (std::uint64_t sequence = base_; sequence < next_; ++sequence) {
        std::construct_at(&ring[sequence & (size - 1)], entry(sequence));
    }
    bytes_.discard();
    bytes_ = std::move(grown);
    ring_size_ = size;
    if (size > outstanding_.size()) resize_bits(std::max(size, bits_size_min));
}

void SentLog::resize_bits(std::size_t size) {
    SequenceBits unacknowledged(size);
    SequenceBits outstanding(size);
    for (std::uint64_t sequence = base_; sequence < next_; ++sequence) {
        if (unacknowledged_.contains(sequence)) unacknowledged.set(sequence);
        if (outstanding_.contains(sequence)) outstanding.set(sequence);
    }
    unacknowledged_ = std::move(unacknowledged);
    outstanding_ = std::move(outstanding);
}

void SentLog::give_back() {
    ring_size_next_ = std::max(std::bit_ceil(needed_max_), ring_size_ / 2);
    needed_max_ = 0;
    ring_size_ = 0;
    bytes_.release();
    if (outstanding_.size() > bits_size_idle_max) resize_bits(bits_size_idle_max);
}

void SentLog::pop() noexcept {
    unacknowledged_.clear(base_);
    outstanding_.clear(base_);
    ++base_;
}

Result<void, wire::Violation> SentLog::check(const wire::Ack& ack) const noexcept {
    if (ack.largest >= next_) {
        return Unexpected(wire::Violation{ErrorCode::protocol, "acknowledges what was not sent"});
    }
    const std::uint64_t remembered = std::min<std::uint64_t>(skip_count_, skips_max);
    wire::AckRanges ranges(ack);
    for (std::size_t read = 0; read < ack_ranges_read_max && remembered > 0; ++read) {
        const std::optional<wire::SequenceRange> range = ranges.next();
        if (!range.has_value()) break;
        // The first remembered skip at or above the range's low end, by bisection.
        std::uint64_t low = skip_count_ - remembered;
        std::uint64_t high = skip_count_;
        while (low < high) {
            const std::uint64_t middle = low + (high - low) / 2;
            if (skips_[middle % skips_max] < range->first) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low < skip_count_ && skips_[low % skips_max] <= range->last) {
            return Unexpected(
                wire::Violation{ErrorCode::protocol, "acknowledges what was skipped"});
        }
    }
    return {};
}

bool SentLog::is_unacknowledged(std::uint64_t sequence) const noexcept {
    return sequence >= base_ && sequence < next_ && unacknowledged_.contains(sequence);
}

std::optional<std::uint64_t> SentLog::next_unacknowledged(std::uint64_t first,
                                                          std::uint64_t last) const noexcept {
    if (last < base_ || next_ == base_) return std::nullopt;
    return unacknowledged_.next(std::max(first, base_), std::min(last, next_ - 1) + 1);
}

std::optional<std::uint64_t> SentLog::next_outstanding(std::uint64_t first,
                                                       std::uint64_t last) const noexcept {
    if (last < base_ || next_ == base_) return std::nullopt;
    return outstanding_.next(std::max(first, base_), std::min(last, next_ - 1) + 1);
}

bool SentLog::was_acknowledged(std::uint64_t sequence) const noexcept {
    return sequence >= base_ && sequence < next_ && entry(sequence).state == State::acknowledged;
}

const SentFrame& SentLog::at(std::uint64_t sequence) const noexcept {
    STT_CHECK(sequence >= base_ && sequence < next_);
    return entry(sequence).frame;
}

void SentLog::acknowledge(std::uint64_t sequence) noexcept {
    STT_CHECK(is_unacknowledged(sequence));
    entry(sequence).state = State::acknowledged;
    unacknowledged_.clear(sequence);
    outstanding_.clear(sequence);
}

void SentLog::declare_lost(std::uint64_t sequence, std::uint32_t loss_epoch, Instant now) noexcept {
    STT_CHECK(sequence >= base_ && sequence < next_ && outstanding_.contains(sequence));
    Entry& lost = entry(sequence);
    lost.state = State::lost;
    lost.lost_at = now;
    lost.frame.was_lost = true;
    lost.frame.loss_epoch = loss_epoch;
    outstanding_.clear(sequence);
}

void SentLog::trim(Instant lost_before) {
    while (base_ < next_ && !outstanding_.contains(base_)) {
        const Entry& oldest = entry(base_);
        if (oldest.state == State::lost && oldest.lost_at >= lost_before) break;
        pop();
    }
    if (is_empty() && ring_size_ > 0) give_back();
}

}  // namespace stt::recovery
