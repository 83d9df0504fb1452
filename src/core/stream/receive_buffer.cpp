#include "core/stream/receive_buffer.hpp"

#include <algorithm>

namespace stt::stream {

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

Result<ReceiveBuffer::Outcome, wire::Violation> ReceiveBuffer::receive(std::uint64_t offset,
                                                                       Bytes bytes, bool is_end) {
    const std::uint64_t end = offset + bytes.size();
    STT_TRY_VOID(check_final_offset(end, is_end));
    if (is_reset_) return Outcome::taken;

    const std::uint64_t begin = std::max(offset, read_end_);
    // Wherever it lies, and also while everything is dropped: each stretch costs memory.
    const bool opens_gap = begin < end && begin > read_end_ && !received_.touches(begin, end);
    if (opens_gap && received_.count() >= receive_gap_count_max) return Outcome::not_taken;
    highest_end_ = std::max(highest_end_, end);
    if (is_end) final_offset_ = end;
    if (begin >= end) return Outcome::taken;

    received_.insert(begin, end);
    if (is_discarding_) {
        if (received_.front().begin == read_end_) skip_to(received_.front().end);
        return Outcome::taken;
    }
    ring_.reserve_until(end);
    ring_.put(begin, bytes.subspan(static_cast<std::size_t>(begin - offset)));
    return Outcome::taken;
}

Result<void, wire::Violation> ReceiveBuffer::reset(std::uint64_t final_offset) {
    STT_TRY_VOID(check_final_offset(final_offset, true));
    final_offset_ = final_offset;
    highest_end_ = std::max(highest_end_, final_offset);
    is_reset_ = true;
    skip_to(final_offset);
    return {};
}

void ReceiveBuffer::discard() noexcept {
    is_discarding_ = true;
    if (!received_.is_empty() && received_.front().begin == read_end_) {
        skip_to(received_.front().end);
    }
}

void ReceiveBuffer::skip_to(std::uint64_t offset) noexcept {
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

bool ReceiveBuffer::is_complete() const noexcept {
    if (is_reset_) return true;
    if (!final_offset_) return false;
    return received_.is_empty() ? read_end_ == *final_offset_
                                : received_.contains(read_end_, *final_offset_);
}

}  // namespace stt::stream
