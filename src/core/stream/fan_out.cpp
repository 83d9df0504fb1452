#include "core/stream/fan_out.hpp"

#include <algorithm>
#include <stt/check.hpp>

#include "core/stream/stream_kind.hpp"

namespace stt::stream {
namespace {

// Bytes that a stream is offered at a time out of the buffer. Chosen: much more than a call costs.
constexpr std::size_t chunk_size_max = 16'384;

}  // namespace

FanOut::FanOut(const FanOutOptions& options, FanOutContent content)
    : options_(options), content_(content) {
    STT_CHECK(options.buffer_size_max > 0);
    STT_CHECK(content == FanOutContent::messages || options.laggards != LaggardPolicy::skip);
}

bool FanOut::Message::is_for(ReceiverId receiver) const noexcept {
    return !receivers || std::binary_search(receivers->begin(), receivers->end(), receiver);
}

ReceiverId FanOut::add(FanOutStream& stream) {
    const ReceiverId id{++last_id_};
    const auto added = receivers_.emplace(id, Receiver{&stream, false, 0, {}}).first;
    if (is_finished_ && !stream.finish()) leave(added);
    return id;
}

bool FanOut::remove(ReceiverId receiver) {
    const auto found = receivers_.find(receiver);
    if (found == receivers_.end()) return false;
    forget(found);
    advance();
    return true;
}

std::optional<ReceiverStatistics> FanOut::statistics(ReceiverId receiver) const {
    const auto found = receivers_.find(receiver);
    if (found == receivers_.end()) return std::nullopt;
    ReceiverStatistics statistics = found->second.statistics;
    if (!found->second.is_waiting) return statistics;
    const std::uint64_t cursor = found->second.cursor;
    if (content_ == FanOutContent::bytes) {
        statistics.waiting_size = static_cast<std::size_t>(end_ - cursor);
        return statistics;
    }
    for (auto message = message_at(cursor); message != messages_.end(); ++message) {
        if (message->is_for(receiver)) statistics.waiting_size += message->size;
    }
    return statistics;
}

Result<std::size_t, FanOutError> FanOut::write(Bytes data) {
    STT_CHECK(content_ == FanOutContent::bytes);
    if (is_finished_) return Unexpected(FanOutError::finished);
    const std::size_t taken = std::min(make_room(data.size()), data.size());
    if (taken == 0 && !data.empty()) {
        is_writable_wanted_ = true;
        return Unexpected(FanOutError::would_block);
    }
    append(data.first(taken), taken, std::nullopt);
    return taken;
}

Result<std::size_t, FanOutError> FanOut::send(
    Bytes message, std::optional<std::span<const ReceiverId>> receivers) {
    STT_CHECK(content_ == FanOutContent::messages);
    if (is_finished_) return Unexpected(FanOutError::finished);
    std::optional<std::vector<ReceiverId>> chosen;
    if (receivers) {
        chosen.emplace(receivers->begin(), receivers->end());
        std::sort(chosen->begin(), chosen->end());
        chosen->erase(std::unique(chosen->begin(), chosen->end()), chosen->end());
        std::erase_if(*chosen, [this](ReceiverId id) { return !receivers_.contains(id); });
    }
    const std::size_t size =
        message.size() + message_overhead + (chosen ? chosen->size() * sizeof(ReceiverId) : 0);
    if (size > options_.buffer_size_max) return Unexpected(FanOutError::too_large);
    if (make_room(size) < size) {
        is_writable_wanted_ = true;
        return Unexpected(FanOutError::would_block);
    }
    const std::size_t count = chosen ? chosen->size() : receivers_.size();
    append(message, size, chosen);
    return count;
}

// Of `size`, there are data.size() bytes; the others only count.
void FanOut::append(Bytes data, std::size_t size,
                    const std::optional<std::vector<ReceiverId>>& chosen) {
    const std::uint64_t begin = end_;
    end_ += size;
    if (content_ == FanOutContent::messages) {
        messages_.push_back({begin, data.size(), end_, chosen});
    }
    fresh_ = data;
    fresh_begin_ = begin;
    if (chosen) {
        for (const ReceiverId id : *chosen) {
            const auto found = receivers_.find(id);
            if (found != receivers_.end()) offer(found, begin);
        }
    } else {
        // Whoever is offered something may leave.
        for (auto next = receivers_.begin(); next != receivers_.end();) offer(next++, begin);
    }
    fresh_ = {};
    if (!waiting_.empty()) {
        ring_.reserve_until(end_);
        ring_.put(begin, data);
    }
    advance();
}

// Who waits comes to it in its turn.
void FanOut::offer(Receivers::iterator receiver, std::uint64_t begin) {
    if (receiver->second.is_waiting) return;
    receiver->second.cursor = begin;
    feed(receiver);
}

void FanOut::feed(Receivers::iterator receiver) {
    Receiver& fed = receiver->second;
    std::uint64_t cursor = fed.cursor;
    while (cursor < end_) {
        const auto taken = content_ == FanOutContent::bytes
                               ? feed_bytes(fed, cursor)
                               : feed_message(receiver->first, fed, cursor);
        if (!taken) return leave(receiver);
        if (*taken == 0) break;
        cursor += *taken;
    }
    move_cursor(receiver, cursor);
    if (is_finished_ && !fed.is_waiting && !fed.stream->finish()) leave(receiver);
}

// How many of the buffer's bytes are done with; null: the stream takes nothing more.
std::optional<std::size_t> FanOut::feed_bytes(Receiver& receiver, std::uint64_t cursor) {
    const auto rest = static_cast<std::size_t>(end_ - cursor);
    const auto taken = receiver.stream->write(buffered_bytes(cursor, rest));
    if (!taken) return std::nullopt;
    receiver.statistics.bytes_sent += *taken;
    return *taken;
}

std::optional<std::size_t> FanOut::feed_message(ReceiverId id, Receiver& receiver,
                                                std::uint64_t cursor) {
    const Message& message = *message_at(cursor);
    const auto whole = static_cast<std::size_t>(message.end - message.begin);
    if (!message.is_for(id)) return whole;
    const auto sent = receiver.stream->send_message(buffered_bytes(cursor, message.size));
    if (sent) {
        ++receiver.statistics.messages_sent;
        receiver.statistics.bytes_sent += message.size;
        return whole;
    }
    if (sent.error() == SendError::would_block) return 0;
    // For this stream; others may have a larger buffer, or path.
    if (sent.error() != SendError::too_large) return std::nullopt;
    ++receiver.statistics.messages_dropped;
    return whole;
}

// A message as a whole; of bytes out of the ring, some. While something is written, only who is
// offered that is fed.
Bytes FanOut::buffered_bytes(std::uint64_t begin, std::size_t size) {
    if (!fresh_.empty()) return fresh_.subspan(static_cast<std::size_t>(begin - fresh_begin_));
    if (content_ == FanOutContent::bytes) size = std::min(size, chunk_size_max);
    chunk_.resize(size);
    ring_.get(begin, chunk_);
    return chunk_;
}

FanOut::Messages::const_iterator FanOut::message_at(std::uint64_t offset) const noexcept {
    return std::upper_bound(
        messages_.begin(), messages_.end(), offset,
        [](std::uint64_t sought, const Message& message) { return sought < message.end; });
}

void FanOut::move_cursor(Receivers::iterator receiver, std::uint64_t cursor) {
    Receiver& moved = receiver->second;
    if (moved.is_waiting) waiting_.erase({moved.cursor, receiver->first});
    moved.cursor = cursor;
    moved.is_waiting = cursor < end_;
    if (moved.is_waiting) waiting_.emplace(cursor, receiver->first);
}

void FanOut::leave(Receivers::iterator receiver) {
    events_.push_back({FanOutEvent::Kind::left, receiver->first});
    forget(receiver);
}

void FanOut::forget(Receivers::iterator receiver) {
    if (receiver->second.is_waiting) waiting_.erase({receiver->second.cursor, receiver->first});
    receivers_.erase(receiver);
}

std::size_t FanOut::make_room(std::size_t size) {
    const auto room = [this] { return options_.buffer_size_max - buffered(); };
    if (options_.laggards == LaggardPolicy::wait || room() >= size) return room();
    // At most a whole buffer: of bytes that are more, a part is taken.
    const std::uint64_t wanted = std::min<std::uint64_t>(size, options_.buffer_size_max);
    const std::uint64_t needed_begin = end_ + wanted - options_.buffer_size_max;
    while (!waiting_.empty() && waiting_.begin()->first < needed_begin) {
        overtake(receivers_.find(waiting_.begin()->second), needed_begin);
    }
    advance();
    return room();
}

// A receiver stands where there must be room.
void FanOut::overtake(Receivers::iterator receiver, std::uint64_t needed_begin) {
    if (options_.laggards == LaggardPolicy::drop) {
        receiver->second.stream->reset(options_.drop_code);
        return leave(receiver);
    }
    std::uint64_t cursor = receiver->second.cursor;
    for (auto message = message_at(cursor); cursor < needed_begin; ++message) {
        cursor = message->end;
        if (message->is_for(receiver->first)) ++receiver->second.statistics.messages_dropped;
    }
    move_cursor(receiver, cursor);
}

// Lets go of what nobody waits for.
void FanOut::advance() {
    const std::uint64_t lowest = waiting_.empty() ? end_ : waiting_.begin()->first;
    if (lowest == begin_) return;
    begin_ = lowest;
    ring_.advance(begin_, begin_ == end_);
    while (!messages_.empty() && messages_.front().end <= begin_) messages_.pop_front();
    if (!std::exchange(is_writable_wanted_, false)) return;
    events_.push_back({FanOutEvent::Kind::writable, {}});
}

void FanOut::finish() {
    if (std::exchange(is_finished_, true)) return;
    for (auto next = receivers_.begin(); next != receivers_.end();) {
        const auto receiver = next++;
        if (!receiver->second.is_waiting && !receiver->second.stream->finish()) leave(receiver);
    }
}

void FanOut::handle_writable(ReceiverId receiver) {
    const auto found = receivers_.find(receiver);
    if (found == receivers_.end() || !found->second.is_waiting) return;
    feed(found);
    advance();
}

void FanOut::handle_ended(ReceiverId receiver) {
    const auto found = receivers_.find(receiver);
    if (found == receivers_.end()) return;
    leave(found);
    advance();
}

std::optional<FanOutEvent> FanOut::poll_event() {
    if (events_.empty()) return std::nullopt;
    const FanOutEvent event = events_.front();
    events_.pop_front();
    return event;
}

}  // namespace stt::stream
