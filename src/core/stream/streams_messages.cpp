// Messages of the application, and what becomes of them. Spec protocol §7.2, §9.3.
#include <algorithm>

#include "codec/varint.hpp"
#include "core/stream/streams.hpp"

namespace stt::stream {

void Streams::set_send_window(std::size_t window) noexcept {
    send_limit_ =
        std::min(std::max(send_buffer_min, send_buffer_windows * window), config_.send_buffer_max);
}

std::size_t Streams::send_room(const StreamState& stream) const noexcept {
    const std::size_t used = stream.send.size() + stream.outgoing.size();
    return send_limit_ - std::min(send_limit_, used);
}

Result<void, SendError> Streams::send_message(Instant now, StreamKey key, Bytes message,
                                              std::optional<Duration> deadline) {
    StreamState* stream = find(key);
    if (stream == nullptr) return Unexpected(SendError::unknown_stream);
    if (!has_messages(stream->kind)) return Unexpected(SendError::wrong_kind);
    if (stream->stop_code_received) return Unexpected(SendError::stopped);
    if (stream->is_closed || stream->is_finished()) return Unexpected(SendError::finished);
    const std::size_t size = codec::varint_size(message.size()) + message.size();
    const std::size_t needed = size + message_overhead;
    if (size > message_size_max || needed > config_.send_buffer_max) {
        return Unexpected(SendError::too_large);
    }
    if (stream->kind == StreamKind::datagrams) {
        // Where it will lie at the furthest.
        const std::uint64_t offset = stream->send.end() + stream->outgoing.size();
        const std::size_t prefix = wire::data_prefix_size(key.use, offset, 0);
        if (prefix + size > payload_room_max_) return Unexpected(SendError::too_large);
    }
    if (needed > send_room(*stream)) {
        stream->room_wanted = needed;
        return Unexpected(SendError::would_block);
    }
    std::optional<Instant> expires;
    if (stream->kind == StreamKind::expiring) {
        const Duration deadline_max = std::chrono::milliseconds(deadline_ms_max);
        expires = now + std::clamp(deadline.value_or(stream->deadline), Duration(0), deadline_max);
    }
    const std::uint64_t number = stream->outgoing.push(message, expires);
    if (expires) expiries_.insert({*expires, key, number});
    ++stream->statistics.messages_written;
    stream->statistics.bytes_written += size;
    queue_data(*stream);
    return {};
}

Result<MessageOutcome, ReadError> Streams::receive_message(Instant now, Duration rtt, StreamKey key,
                                                           std::vector<std::uint8_t>& output) {
    StreamState* stream = find(key);
    if (stream == nullptr) return Unexpected(ReadError::unknown_stream);
    if (!has_messages(stream->kind)) return Unexpected(ReadError::wrong_kind);
    stream->is_readable_told = false;
    if (stream->reset_code_received) return Unexpected(ReadError::reset);
    MessageOutcome outcome;
    if (!stream->datagrams.is_empty()) {
        datagram_total_ -= stream->datagrams.size();
        output = stream->datagrams.pop_front();
        datagram_total_ += stream->datagrams.size();
        outcome.has_message = true;
    } else if (stream->assembly.has_message()) {
        const std::uint64_t read_before = stream->receive.read_end();
        stream->assembly.take(stream->receive, output);
        count_fragments(*stream);
        update_credit(now, rtt, *stream, read_before);
        outcome.has_message = true;
    }
    if (outcome.has_message) ++stream->statistics.messages_read;
    const bool has_more = !stream->datagrams.is_empty() || stream->assembly.has_message();
    outcome.is_end = !has_more && (stream->receive.is_at_end() || stream->is_closed);
    return outcome;
}

// A message takes its place in the space of offsets, and what it needs of the session's credit.
void Streams::begin_message(StreamState& stream) {
    const OutgoingMessages::Message message = stream.outgoing.pop_front();
    stream.send.begin_message(message.number, message.deadline, message.bytes);
    if (stream.is_credited) credit_.reserved += message.bytes.size();
    if (stream.is_finishing && stream.outgoing.is_empty()) stream.send.finish();
}

// New session credit goes to the message that waited longest. Spec protocol §9.3.
void Streams::begin_waiting_messages() {
    while (!begin_queue_.is_empty()) {
        StreamState& stream = begin_queue_.front();
        if (stream.outgoing.front().bytes.size() > credit_.room()) return;
        begin_queue_.remove(stream);
        begin_message(stream);
        queue_data(stream);
    }
}

void Streams::leave_begin_queue(StreamState& stream) {
    if (stream.begin_link.is_linked) begin_queue_.remove(stream);
}

// The path carries less than when these were handed over: they would never leave.
void Streams::drop_oversize(StreamState& stream) {
    if (stream.kind != StreamKind::datagrams) return;
    bool has_dropped = false;
    while (!stream.outgoing.is_empty()) {
        const std::size_t prefix = wire::data_prefix_size(stream.key.use, stream.send.end(), 0);
        if (prefix + stream.outgoing.front().bytes.size() <= payload_room_max_) break;
        stream.outgoing.pop_front();
        ++stream.statistics.messages_lost;
        has_dropped = true;
    }
    if (!has_dropped) return;
    if (stream.is_finishing && stream.outgoing.is_empty()) stream.send.finish();
    tell_writable(stream);
    tell_acknowledged(stream);
}

std::optional<Instant> Streams::deadline() const noexcept {
    if (expiries_.empty()) return std::nullopt;
    return std::get<Instant>(*expiries_.begin());
}

void Streams::handle_timeout(Instant now) {
    while (!expiries_.empty()) {
        const auto [deadline, key, number] = *expiries_.begin();
        if (deadline > now) return;
        expiries_.erase(expiries_.begin());
        if (StreamState* stream = find(key)) expire(*stream, number);
    }
}

void Streams::expire(StreamState& stream, std::uint64_t number) {
    const bool is_next = !stream.outgoing.is_empty() && stream.outgoing.front().number == number;
    if (stream.outgoing.expire(number)) {
        ++stream.statistics.messages_expired;
        if (is_next) leave_begin_queue(stream);
        if (stream.is_finishing && stream.outgoing.is_empty()) stream.send.finish();
        begin_waiting_messages();
        queue_data(stream);
        after_settled(stream);
        return;
    }
    SendBuffer::Message* message = stream.send.find_message(number);
    if (message == nullptr) return;
    // SKIP obeys the limits (Spec protocol §9.1). What is sent of the message so far makes the
    // peer raise them to its end; until then it goes on as if it had not expired.
    if (message->end > stream_limit(stream)) {
        stream.is_late_give_up = true;
        return;
    }
    give_up(stream, *message);
}

void Streams::give_up(StreamState& stream, SendBuffer::Message& message) {
    const std::uint64_t sent_before = stream.send.sent_end();
    if (!stream.send.give_up(message)) return;
    const std::uint64_t growth = stream.send.sent_end() - sent_before;
    credit_.sent += growth;
    credit_.reserved -= growth;
    ++stream.statistics.messages_expired;
    queue_items(stream, item::skip);
    queue_data(stream);
    after_settled(stream);
}

// What was handed over came to its end, one way or the other. May end the stream.
void Streams::after_settled(StreamState& stream) {
    while (const auto message = stream.send.pop_settled()) {
        if (message->deadline) expiries_.erase({*message->deadline, stream.key, message->number});
        if (!message->is_given_up && stream.is_credited) ++stream.statistics.messages_acknowledged;
    }
    tell_writable(stream);
    tell_acknowledged(stream);
    close_if_ended(stream);
}

}  // namespace stt::stream
