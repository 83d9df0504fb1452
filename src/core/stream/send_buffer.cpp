#include "core/stream/send_buffer.hpp"

#include <algorithm>

namespace stt::stream {

std::size_t SendBuffer::write(Bytes data) {
    if (is_finished_) return 0;
    const std::size_t size = std::min(data.size(), room());
    if (size == 0) return 0;
    ring_.reserve_until(end_ + size);
    ring_.put(end_, data.first(size));
    end_ += size;
    return size;
}

void SendBuffer::finish() noexcept {
    if (is_finished_) return;
    is_finished_ = true;
    is_end_pending_ = true;
}

void SendBuffer::discard() noexcept {
    is_finished_ = true;
    is_end_pending_ = false;
    is_end_acknowledged_ = true;
    lost_.clear();
    acknowledged_.clear();
    // What was never sent is as if never written: there is no more to take.
    end_ = sent_end_;
    ring_.advance(end_, true);
}

bool SendBuffer::has_pending(std::uint64_t limit) const noexcept {
    if (!lost_.is_empty()) return true;
    if (sent_end_ < std::min(end_, limit)) return true;
    return is_end_pending_ && sent_end_ == end_;
}

std::optional<SendBuffer::Range> SendBuffer::take(std::size_t size_max, std::uint64_t limit) {
    Range range;
    if (!lost_.is_empty()) {
        const Interval lost = lost_.front();
        range.offset = lost.begin;
        range.size = static_cast<std::size_t>(std::min<std::uint64_t>(lost.size(), size_max));
        if (range.size == 0) return std::nullopt;
        lost_.erase(range.offset, range.offset + range.size);
    } else {
        range.offset = sent_end_;
        const std::uint64_t allowed = std::min(end_, limit);
        if (allowed > sent_end_) {
            range.size =
                static_cast<std::size_t>(std::min<std::uint64_t>(allowed - sent_end_, size_max));
        }
        const bool can_end = is_end_pending_ && sent_end_ == end_;
        if (range.size == 0 && !can_end) return std::nullopt;
        sent_end_ += range.size;
    }
    if (is_end_pending_ && range.offset + range.size == end_ && sent_end_ == end_) {
        range.is_end = true;
        is_end_pending_ = false;
    }
    return range;
}

void SendBuffer::copy(const Range& range, MutableBytes output) const noexcept {
    ring_.get(range.offset, output.first(range.size));
}

void SendBuffer::on_acknowledged(std::uint64_t offset, std::size_t size, bool is_end) {
    if (is_end) {
        is_end_acknowledged_ = true;
        is_end_pending_ = false;
    }
    const std::uint64_t range_begin = std::max(offset, begin());
    const std::uint64_t range_end = std::min(offset + size, end_);
    if (range_begin >= range_end) return;
    // A frame declared lost too early may be acknowledged after all.
    lost_.erase(range_begin, range_end);
    acknowledged_.insert(range_begin, range_end);
    if (acknowledged_.front().begin != begin()) return;
    const std::uint64_t new_begin = acknowledged_.front().end;
    acknowledged_.erase(begin(), new_begin);
    ring_.advance(new_begin, new_begin == end_);
}

void SendBuffer::on_lost(std::uint64_t offset, std::size_t size, bool is_end) {
    if (is_end && !is_end_acknowledged_) is_end_pending_ = true;
    std::uint64_t at = std::max(offset, begin());
    const std::uint64_t range_end = std::min(offset + size, end_);
    if (at >= range_end) return;
    lost_.insert(at, range_end);
    // What another copy of these bytes already brought over needs no resending.
    for (const Interval& known : acknowledged_.intervals()) {
        if (known.begin >= range_end) break;
        lost_.erase(known.begin, known.end);
    }
}

}  // namespace stt::stream
