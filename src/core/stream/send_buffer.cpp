#include "core/stream/send_buffer.hpp"

#include <algorithm>

namespace stt::stream {

void SendBuffer::append(Bytes data) {
    ring_.reserve_until(end_ + data.size());
    ring_.put(end_, data);
    end_ += data.size();
}

std::size_t SendBuffer::write(Bytes data) {
    if (is_finished_) return 0;
    const std::size_t size = std::min(data.size(), room());
    if (size > 0) append(data.first(size));
    return size;
}

void SendBuffer::begin_message(std::uint64_t number, std::optional<Instant> deadline,
                               Bytes message) {
    STT_CHECK(!is_finished_ && !message.empty());
    messages_.push_back({number, end_, end_ + message.size(), deadline, false});
    append(message);
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
    settled_.clear();
    skips_.clear();
    skips_pending_.clear();
    messages_.clear();
    // What was never sent is as if never written: there is no more to take.
    end_ = sent_end_;
    ring_.advance(end_, true);
}

bool SendBuffer::has_pending(std::uint64_t limit) const noexcept {
    return has_lost() || sent_end_ < std::min(end_, limit) || is_end_due();
}

const SendBuffer::Message* SendBuffer::message_at(std::uint64_t offset) const noexcept {
    auto at = std::upper_bound(
        messages_.begin(), messages_.end(), offset,
        [](std::uint64_t value, const Message& message) { return value < message.begin; });
    if (at == messages_.begin()) return nullptr;
    --at;
    return offset < at->end ? &*at : nullptr;
}

std::uint64_t SendBuffer::next_back() const noexcept {
    const std::uint64_t offset = next_offset();
    const Message* message = message_at(offset);
    return message == nullptr ? 0 : offset - message->begin;
}

std::optional<SendBuffer::Range> SendBuffer::take(std::size_t size_max, std::uint64_t limit) {
    Range range;
    range.offset = next_offset();
    std::uint64_t until = has_lost() ? lost_.front().end : std::min(end_, limit);
    if (const Message* message = message_at(range.offset)) {
        range.back = range.offset - message->begin;
        until = std::min(until, message->end);
    }
    if (until > range.offset) {
        range.size =
            static_cast<std::size_t>(std::min<std::uint64_t>(until - range.offset, size_max));
    }
    if (has_lost()) {
        if (range.size == 0) return std::nullopt;
        lost_.erase(range.offset, range.offset + range.size);
    } else {
        if (range.size == 0 && !is_end_due()) return std::nullopt;
        sent_end_ += range.size;
    }
    if (is_end_due() && range.offset + range.size == end_) {
        range.is_end = true;
        is_end_pending_ = false;
    }
    return range;
}

void SendBuffer::copy(const Range& range, MutableBytes output) const noexcept {
    ring_.get(range.offset, output.first(range.size));
}

void SendBuffer::settle(std::uint64_t range_begin, std::uint64_t range_end) {
    range_begin = std::max(range_begin, begin());
    range_end = std::min(range_end, end_);
    if (range_begin >= range_end) return;
    // A frame declared lost too early may be acknowledged after all.
    lost_.erase(range_begin, range_end);
    settled_.insert(range_begin, range_end);
    if (settled_.front().begin != begin()) return;
    const std::uint64_t new_begin = settled_.front().end;
    settled_.erase(begin(), new_begin);
    ring_.advance(new_begin, new_begin == end_);
}

void SendBuffer::on_acknowledged(std::uint64_t offset, std::size_t size, bool is_end) {
    if (is_end) {
        is_end_acknowledged_ = true;
        is_end_pending_ = false;
    }
    settle(offset, offset + size);
}

void SendBuffer::on_given_up(std::uint64_t offset, std::size_t size, bool is_end) {
    if (is_end && !is_end_acknowledged_) is_end_pending_ = true;
    settle(offset, offset + size);
}

void SendBuffer::on_lost(std::uint64_t offset, std::size_t size, bool is_end) {
    if (is_end && !is_end_acknowledged_) is_end_pending_ = true;
    const std::uint64_t range_begin = std::max(offset, begin());
    const std::uint64_t range_end = std::min(offset + size, end_);
    if (range_begin >= range_end) return;
    lost_.insert(range_begin, range_end);
    // What another copy of these bytes already brought over needs no resending.
    const auto& settled = settled_.intervals();
    auto known = std::lower_bound(
        settled.begin(), settled.end(), range_begin,
        [](const Interval& interval, std::uint64_t value) { return interval.end <= value; });
    for (; known != settled.end() && known->begin < range_end; ++known) {
        lost_.erase(known->begin, known->end);
    }
}

SendBuffer::Message* SendBuffer::find_message(std::uint64_t number) noexcept {
    const auto at = std::lower_bound(
        messages_.begin(), messages_.end(), number,
        [](const Message& message, std::uint64_t value) { return message.number < value; });
    return at == messages_.end() || at->number != number ? nullptr : &*at;
}

bool SendBuffer::give_up(Message& message) {
    const std::uint64_t known_begin = std::max(message.begin, begin());
    if (message.is_given_up || settled_.contains(known_begin, message.end)) return false;
    message.is_given_up = true;
    sent_end_ = std::max(sent_end_, message.end);
    skips_.insert(message.begin, message.end);
    skips_pending_.insert(message.begin, message.end);
    settle(message.begin, message.end);
    return true;
}

std::optional<SendBuffer::Message> SendBuffer::pop_settled() {
    if (messages_.empty() || messages_.front().end > begin()) return std::nullopt;
    const Message message = messages_.front();
    messages_.pop_front();
    return message;
}

void SendBuffer::on_skip_lost(const Interval& skip) {
    // Only what is still unacknowledged of it.
    for (const Interval& known : skips_.intervals()) {
        const std::uint64_t from = std::max(known.begin, skip.begin);
        const std::uint64_t to = std::min(known.end, skip.end);
        if (from < to) skips_pending_.insert(from, to);
    }
}

}  // namespace stt::stream
