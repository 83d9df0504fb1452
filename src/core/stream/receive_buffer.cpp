#include "core/stream/receive_buffer.hpp"

#include <algorithm>

namespace stt::stream {

bool intersects(const IntervalSet& set, std::uint64_t begin, std::uint64_t end) noexcept {
    const auto& intervals = set.intervals();
    const auto at = std::lower_bound(
        intervals.begin(), intervals.end(), begin,
        [](const Interval& interval, std::uint64_t value) { return interval.end <= value; });
    return at != intervals.end() && at->begin < end;
}

Result<void, wire::Violation> ReceiveBuffer::check_final_offset(std::uint64_t end,
                                                                bool is_final) const {
    if (final_offset_) {
        if (is_final && end != *final_offset_) {
            return Unexpected(
                wire::Violation{ErrorCode::flow_control, "the final offset of a stream changed"});
        }
        if (end > *final_offset_) {
            return Unexpected(
                wire::Violation{ErrorCode::flow_control, "bytes beyond the final offset"});
        }
    } else if (is_final && end < highest_end_) {
        return Unexpected(wire::Violation{ErrorCode::flow_control,
                                          "the final offset lies below what was received"});
    }
    return {};
}

// Wherever it lies, and also while everything is dropped: each stretch costs memory.
bool ReceiveBuffer::opens_one_gap_too_many(std::uint64_t begin, std::uint64_t end,
                                           bool may_open_gap) const noexcept {
    const bool opens_gap = begin < end && begin > read_end_ && !received_.touches(begin, end);
    return opens_gap && (!may_open_gap || received_.count() >= receive_gap_count_max);
}

void ReceiveBuffer::note(std::uint64_t end, bool is_end) noexcept {
    highest_end_ = std::max(highest_end_, end);
    if (is_end) final_offset_ = end;
}

Result<ReceiveBuffer::Outcome, wire::Violation> ReceiveBuffer::receive(std::uint64_t offset,
                                                                       Bytes bytes, bool is_end,
                                                                       bool may_open_gap) {
    const std::uint64_t end = offset + bytes.size();
    STT_TRY_VOID(check_final_offset(end, is_end));
    if (is_reset_) return Outcome::taken;

    const std::uint64_t begin = std::max(offset, read_end_);
    if (opens_one_gap_too_many(begin, end, may_open_gap)) return Outcome::not_taken;
    note(end, is_end);
    if (begin >= end) return Outcome::taken;

    received_.insert(begin, end);
    if (is_discarding_) {
        drop_front();
        return Outcome::taken;
    }
    ring_.reserve_until(end);
    ring_.put(begin, bytes.subspan(static_cast<std::size_t>(begin - offset)));
    return Outcome::taken;
}

Result<ReceiveBuffer::Outcome, wire::Violation> ReceiveBuffer::skip(std::uint64_t from,
                                                                    std::uint64_t to,
                                                                    bool may_open_gap) {
    STT_TRY_VOID(check_final_offset(to, false));
    if (is_reset_) return Outcome::taken;
    const std::uint64_t begin = std::max(from, read_end_);
    if (opens_one_gap_too_many(begin, to, may_open_gap)) return Outcome::not_taken;
    note(to, false);
    received_.insert(begin, to);
    if (is_discarding_) drop_front();
    return Outcome::taken;
}

Result<void, wire::Violation> ReceiveBuffer::reset(std::uint64_t final_offset) {
    STT_TRY_VOID(check_final_offset(final_offset, true));
    note(final_offset, true);
    is_reset_ = true;
    skip_to(final_offset);
    return {};
}

Result<void, wire::Violation> ReceiveBuffer::pass(std::uint64_t end, bool is_end) {
    STT_TRY_VOID(check_final_offset(end, is_end));
    note(end, is_end);
    if (is_end) skip_to(end);
    return {};
}

void ReceiveBuffer::become_passing() {
    read_end_ = final_offset_.value_or(read_end_);
    received_.clear();
    consumed_.clear();
    ring_.clear();
}

void ReceiveBuffer::discard() noexcept {
    is_discarding_ = true;
    drop_front();
}

void ReceiveBuffer::drop_front() noexcept {
    if (!received_.is_empty() && received_.front().begin == read_end_) {
        skip_to(received_.front().end);
    }
}

void ReceiveBuffer::skip_to(std::uint64_t offset) noexcept {
    if (!consumed_.is_empty()) {
        consumed_.insert(read_end_, offset);
        offset = consumed_.front().end;
        consumed_.erase(read_end_, offset);
    }
    received_.erase(read_end_, offset);
    read_end_ = offset;
    ring_.advance(read_end_, received_.is_empty() || is_discarding_);
}

std::size_t ReceiveBuffer::readable() const noexcept {
    if (received_.is_empty() || received_.front().begin != read_end_) return 0;
    return static_cast<std::size_t>(received_.front().size());
}

std::size_t ReceiveBuffer::read(MutableBytes output) noexcept {
    const std::size_t size = std::min(output.size(), readable());
    if (size == 0) return 0;
    ring_.get(read_end_, output.first(size));
    skip_to(read_end_ + size);
    return size;
}

void ReceiveBuffer::copy(std::uint64_t offset, MutableBytes output) const noexcept {
    ring_.get(offset, output);
}

void ReceiveBuffer::consume(std::uint64_t begin, std::uint64_t end) {
    begin = std::max(begin, read_end_);
    if (begin >= end) return;
    if (begin == read_end_) return skip_to(end);
    consumed_.insert(begin, end);
}

bool ReceiveBuffer::contains(std::uint64_t begin, std::uint64_t end) const noexcept {
    return received_.contains(std::max(begin, read_end_), end);
}

bool ReceiveBuffer::is_complete() const noexcept {
    if (is_reset_) return true;
    if (!final_offset_) return false;
    return received_.is_empty() ? read_end_ == *final_offset_
                                : received_.contains(read_end_, *final_offset_);
}

}  // namespace stt::stream
