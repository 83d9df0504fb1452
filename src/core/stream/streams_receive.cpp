// What a peer's frames do to the streams. Spec protocol §7, §8.3, §9.
#include <algorithm>

#include "codec/reader.hpp"
#include "core/stream/streams.hpp"

namespace stt::stream {
namespace {

Unexpected<wire::Violation> broken(ErrorCode code, std::string_view text) {
    return Unexpected(wire::Violation{code, text});
}

Taken taken_of(ReceiveBuffer::Outcome outcome) noexcept {
    return outcome == ReceiveBuffer::Outcome::taken ? Taken::yes : Taken::no;
}

}  // namespace

Result<StreamState*, wire::Violation> Streams::locate(std::uint16_t id, std::uint64_t use) {
    const auto slot = slots_.find(id);
    const bool is_used = slot != slots_.end();
    if (is_used && use <= slot->second.use) {
        const bool is_current = use == slot->second.use && slot->second.is_open;
        return is_current ? find({id, use}) : nullptr;
    }
    if (is_opened_here(id)) {
        return Unexpected(wire::Violation{ErrorCode::protocol,
                                          "a frame of a stream that its opener has not opened"});
    }
    if (use != (is_used ? slot->second.use + 1 : 0)) {
        return Unexpected(wire::Violation{ErrorCode::protocol, "a use of a stream was left out"});
    }
    if (peer_opened_count_ >= peer_limit_) {
        return Unexpected(wire::Violation{ErrorCode::stream, "more streams than STREAM_LIMIT"});
    }
    if (is_used && slot->second.is_open) {
        STT_TRY_VOID(end_older({id, slot->second.use}));
    }
    ++peer_opened_count_;
    return &create({id, use}, false);
}

// The opener uses the ID again, so it knows that the older stream has ended; here only
// acknowledgements are still missing. What was received stays readable.
Result<void, wire::Violation> Streams::end_older(StreamKey key) {
    StreamState* older = find(key);
    STT_CHECK(older != nullptr);
    if (!older->is_open_known) {
        // It cannot have ended before its OPEN was acknowledged.
        return Unexpected(
            wire::Violation{ErrorCode::protocol, "a stream was opened again before it was open"});
    }
    discard_send(*older);
    tell_acknowledged(*older);
    older->is_closed = true;
    --open_count_;
    tell_readable(*older);
    erase_if_unused(key);
    return {};
}

// What a frame of DATA says about itself. Spec protocol §7.2.
Result<void, wire::Violation> Streams::check_data(const StreamState& stream, bool is_message,
                                                  std::uint64_t end) const {
    // A stream that was refused is counted like any other until the peer has heard of it.
    if (!stream.is_refused && is_message != has_messages(stream.kind)) {
        return broken(ErrorCode::stream, is_message ? "MESSAGE on a stream of bytes"
                                                    : "DATA of a message without MESSAGE");
    }
    if (!stream.is_credited) return {};
    return check_limits(stream, end);
}

Result<void, wire::Violation> Streams::check_limits(const StreamState& stream,
                                                    std::uint64_t end) const {
    if (end > stream.window.limit()) {
        return broken(ErrorCode::flow_control, "bytes beyond the stream's credit");
    }
    const std::uint64_t highest = stream.receive.highest_end();
    const std::uint64_t growth = end > highest ? end - highest : 0;
    if (received_total_ + growth > session_window_.limit()) {
        return broken(ErrorCode::flow_control, "bytes beyond the session's credit");
    }
    return {};
}

// Whether what waits for OPENs may grow so that this stream's reaches `end`.
bool Streams::has_early_room(const StreamState& stream, std::uint64_t end) const noexcept {
    const std::uint64_t highest = stream.receive.highest_end();
    return end <= highest || early_total_ + (end - highest) <= early_size_max;
}

Result<Taken, wire::Violation> Streams::handle_data(Instant now, Duration rtt, std::uint16_t id,
                                                    std::uint8_t flags,
                                                    const wire::DataView& data) {
    STT_TRY(StreamState* const found, locate(id, data.use));
    if (found == nullptr) return Taken::yes;
    StreamState& stream = *found;
    const bool is_message = (flags & wire::flag::message) != 0;
    const bool is_end = (flags & wire::flag::stream_end) != 0;
    const std::uint64_t end = data.offset + data.bytes.size();
    if (stream.is_open_known) {
        STT_TRY_VOID(check_data(stream, is_message, end));
    } else if (end > stream_credit_initial || !has_early_room(stream, end)) {
        // Waits for its OPEN, within the initial credit. Spec protocol §8.3.
        return Taken::no;
    }
    if (!stream.is_credited) return receive_datagram(now, rtt, stream, is_end, data);

    const std::uint64_t highest_before = stream.receive.highest_end();
    const std::uint64_t read_before = stream.receive.read_end();
    STT_TRY(const Taken taken, receive_data(stream, is_message, is_end, data));
    if (taken == Taken::no) return Taken::no;
    if (!stream.is_open_known) {
        const std::uint64_t growth = stream.receive.highest_end() - highest_before;
        stream.early_size += growth;
        early_total_ += growth;
    }
    STT_TRY_VOID(account(now, rtt, stream, highest_before, read_before));
    tell_readable(stream);
    close_if_ended(stream);
    return Taken::yes;
}

Result<Taken, wire::Violation> Streams::receive_data(StreamState& stream, bool is_message,
                                                     bool is_end, const wire::DataView& data) {
    const bool may_grow = fragment_count_ < fragment_count_max;
    if (!is_message || stream.receive.is_discarding()) {
        if (!stream.is_open_known) stream.came_early |= is_message ? early::message : early::plain;
        STT_TRY(const auto outcome,
                stream.receive.receive(data.offset, data.bytes, is_end, may_grow));
        return taken_of(outcome);
    }
    if (!stream.is_open_known) stream.came_early |= early::message;
    STT_TRY(const auto outcome, stream.assembly.receive(stream.receive, data.offset, data.back,
                                                        data.bytes, is_end, may_grow));
    return taken_of(outcome);
}

// After anything of the peer's was received: what it costs, and what it is given for it.
Result<void, wire::Violation> Streams::account(Instant now, Duration rtt, StreamState& stream,
                                               std::uint64_t highest_before,
                                               std::uint64_t read_before) {
    count_fragments(stream);
    if (!stream.is_open_known || !stream.is_credited) return {};
    STT_TRY_VOID(count_received(stream, highest_before));
    update_credit(now, rtt, stream, read_before);
    if (stream.assembly.is_too_long() && !stream.stop_code) {
        stop(now, rtt, stream.key, static_cast<std::uint64_t>(ErrorCode::flow_control));
    }
    // Spec protocol §9.3: at once, however much of the window is unread.
    if (needs_credit(stream) && stream.window.raise_to(stream.assembly.begun_end())) {
        queue_items(stream, item::credit);
    }
    return {};
}

Result<Taken, wire::Violation> Streams::receive_datagram(Instant now, Duration rtt,
                                                         StreamState& stream, bool is_end,
                                                         const wire::DataView& data) {
    const std::uint64_t end = data.offset + data.bytes.size();
    STT_TRY_VOID(stream.receive.pass(end, is_end));
    const bool is_repeated_end = is_end && stream.has_taken_last_datagram;
    if (!data.bytes.empty() && !is_repeated_end && !stream.is_refused) {
        if (is_end) stream.has_taken_last_datagram = true;
        STT_TRY_VOID(keep_datagram(stream, data));
        const auto length = data.bytes.size();
        if (length > config_.message_size_max && !stream.stop_code) {
            stop(now, rtt, stream.key, static_cast<std::uint64_t>(ErrorCode::flow_control));
        }
    } else if (data.bytes.empty() && data.back != 0) {
        return broken(ErrorCode::flow_control, "an empty STREAM_END inside a message");
    }
    tell_readable(stream);
    close_if_ended(stream);
    return Taken::yes;
}

// Each message in one frame; when the queue is full, the oldest gives way. Spec protocol §7.2.
Result<void, wire::Violation> Streams::keep_datagram(StreamState& stream,
                                                     const wire::DataView& data) {
    codec::Reader reader(data.bytes);
    STT_TRY(const std::uint64_t length, reader.varint());
    if (data.back != 0 || length != reader.remaining().size()) {
        return broken(ErrorCode::flow_control, "a frame of DATAGRAMS that is not one message");
    }
    if (stream.receive.is_discarding() || data.bytes.size() > config_.message_size_max) return {};
    push_datagram(stream, reader.remaining());
    return {};
}

void Streams::push_datagram(StreamState& stream, Bytes message) {
    ++stream.statistics.messages_received;
    const std::size_t needed = message.size() + message_overhead;
    datagram_total_ -= stream.datagrams.size();
    while (!stream.datagrams.is_empty() &&
           (stream.datagrams.size() + needed > datagram_queue_max ||
            datagram_total_ + stream.datagrams.size() + needed > datagram_total_max)) {
        stream.datagrams.pop_front();
        ++stream.statistics.messages_dropped;
    }
    if (datagram_total_ + needed <= datagram_total_max) {
        stream.datagrams.push(message);
    } else {
        ++stream.statistics.messages_dropped;
    }
    datagram_total_ += stream.datagrams.size();
}

Result<Taken, wire::Violation> Streams::handle_stream_control(
    Instant now, Duration rtt, std::uint16_t id, wire::StreamControlMessages messages) {
    STT_TRY(StreamState* const stream, locate(id, messages.use()));
    if (stream == nullptr) return Taken::yes;
    const StreamKey key = stream->key;
    while (const auto message = messages.next()) {
        // A message may have ended and removed the stream that the next one is about.
        StreamState* current = find(key);
        if (current == nullptr) break;
        STT_TRY(const Taken taken, apply(now, rtt, *current, *message));
        if (taken == Taken::no) return Taken::no;
    }
    return Taken::yes;
}

Result<Taken, wire::Violation> Streams::apply(Instant now, Duration rtt, StreamState& stream,
                                              const wire::StreamControlMessage& message) {
    if (const auto* open = std::get_if<wire::Open>(&message)) {
        STT_TRY_VOID(apply_open(now, rtt, stream, *open));
    } else if (const auto* credit = std::get_if<wire::Credit>(&message)) {
        apply_credit(stream, credit->limit);
    } else if (const auto* reset_message = std::get_if<wire::Reset>(&message)) {
        STT_TRY(const Taken taken, apply_reset(now, rtt, stream, *reset_message));
        if (taken == Taken::no) return Taken::no;
    } else if (const auto* stop_message = std::get_if<wire::Stop>(&message)) {
        apply_stop(stream, stop_message->code);
    } else if (const auto* priority = std::get_if<wire::Priority>(&message)) {
        stream.is_priority_asked = true;
        apply_priority(stream, static_cast<std::uint8_t>(priority->priority));
    } else if (const auto* skip = std::get_if<wire::Skip>(&message)) {
        STT_TRY(const Taken taken, apply_skip(now, rtt, stream, *skip));
        if (taken == Taken::no) return Taken::no;
    }
    close_if_ended(stream);
    return Taken::yes;
}

Result<void, wire::Violation> Streams::apply_open(Instant now, Duration rtt, StreamState& stream,
                                                  const wire::Open& open) {
    if (stream.is_local) return broken(ErrorCode::protocol, "OPEN of a stream of this side");
    if (stream.is_open_known) {
        if (open.kind == stream.kind_number) return {};
        return broken(ErrorCode::stream, "the kind of a stream changed");
    }
    if (!stream.is_priority_asked) apply_priority(stream, static_cast<std::uint8_t>(open.priority));
    stream.is_open_known = true;
    early_total_ -= stream.early_size;
    stream.kind_number = open.kind;
    stream.endpoint = text_of(open.endpoint);
    const bool is_kind_known = open.kind < stream_kind_count;
    if (is_kind_known) {
        stream.kind = static_cast<StreamKind>(open.kind);
        stream.is_credited = is_credited(stream.kind);
        stream.deadline = std::chrono::milliseconds(std::min(open.deadline_ms, deadline_ms_max));
        STT_TRY_VOID(check_early(stream));
        events_.push_back({StreamEvent::Kind::opened, stream.key});
    }
    // What waited enters the session's total now. Spec protocol §9.1.
    STT_TRY_VOID(account(now, rtt, stream, 0, 0));
    if (!is_kind_known) {
        refuse(now, rtt, stream);
        return {};
    }
    tell_readable(stream);
    if (stream.reset_code_received) tell_reset(stream);
    if (stream.stop_code_received) tell_stopped(stream);
    return {};
}

// What came before OPEN must be of the kind that OPEN says.
Result<void, wire::Violation> Streams::check_early(StreamState& stream) {
    const std::uint8_t wrong = has_messages(stream.kind) ? early::plain : early::message;
    if ((stream.came_early & wrong) != 0) {
        return broken(ErrorCode::stream, "DATA of another kind than its stream");
    }
    if ((stream.came_early & early::skip) != 0 && stream.kind != StreamKind::expiring) {
        return broken(ErrorCode::stream, "SKIP on a stream that is not EXPIRING");
    }
    if (stream.is_credited) return {};
    if (stream.assembly.is_partial()) {
        return broken(ErrorCode::flow_control, "a frame of DATAGRAMS that is not one message");
    }
    std::vector<std::uint8_t> message;
    while (stream.assembly.has_message()) {
        stream.assembly.take(stream.receive, message);
        push_datagram(stream, message);
    }
    stream.has_taken_last_datagram = stream.receive.final_offset().has_value();
    stream.receive.become_passing();
    return {};
}

void Streams::apply_priority(StreamState& stream, std::uint8_t priority) {
    unqueue_data(stream);
    stream.priority = priority;
    queue_data(stream);
}

void Streams::apply_credit(StreamState& stream, std::uint64_t limit) {
    if (limit <= stream.send_limit) return;
    stream.send_limit = limit;
    on_limit_raised(stream);
}

Result<Taken, wire::Violation> Streams::apply_reset(Instant now, Duration rtt, StreamState& stream,
                                                    const wire::Reset& reset_message) {
    const std::uint64_t final_offset = reset_message.final_offset;
    if (!stream.is_open_known && final_offset > stream_credit_initial) return Taken::no;
    const std::uint64_t limit =
        stream.is_credited ? stream.window.limit() : wire::stream_offset_end;
    if (final_offset > limit) {
        return broken(ErrorCode::flow_control, "a final offset beyond the stream's credit");
    }
    if (stream.receive.is_complete()) {
        // Everything had arrived before; the check of the final offset still holds.
        if (stream.receive.final_offset() == final_offset) return Taken::yes;
        return broken(ErrorCode::flow_control, "the final offset of a stream changed");
    }
    const std::uint64_t highest_before = stream.receive.highest_end();
    const std::uint64_t read_before = stream.receive.read_end();
    STT_TRY_VOID(stream.receive.reset(final_offset));
    stream.assembly.clear();
    clear_datagrams(stream);
    stream.reset_code_received = reset_message.code;
    STT_TRY_VOID(account(now, rtt, stream, highest_before, read_before));
    tell_reset(stream);
    return Taken::yes;
}

Result<Taken, wire::Violation> Streams::apply_skip(Instant now, Duration rtt, StreamState& stream,
                                                   const wire::Skip& skip) {
    if (!stream.is_open_known) {
        if (skip.to > stream_credit_initial) return Taken::no;
        stream.came_early |= early::skip;
    } else if (!stream.is_refused) {
        if (stream.kind != StreamKind::expiring) {
            return broken(ErrorCode::stream, "SKIP on a stream that is not EXPIRING");
        }
    }
    if (!stream.is_credited) return Taken::yes;
    if (stream.is_open_known) {
        STT_TRY_VOID(check_limits(stream, skip.to));
    }
    const std::uint64_t highest_before = stream.receive.highest_end();
    const std::uint64_t read_before = stream.receive.read_end();
    const bool may_grow = fragment_count_ < fragment_count_max;
    auto outcome = ReceiveBuffer::Outcome::taken;
    if (stream.receive.is_discarding()) {
        STT_TRY(outcome, stream.receive.skip(skip.from, skip.to, may_grow));
    } else {
        STT_TRY(outcome, stream.assembly.skip(stream.receive, skip.from, skip.to, may_grow));
    }
    if (outcome == ReceiveBuffer::Outcome::not_taken) return Taken::no;
    STT_TRY_VOID(account(now, rtt, stream, highest_before, read_before));
    tell_readable(stream);
    return Taken::yes;
}

// STOP is answered with a RESET of the same code. Spec protocol §8.1.
void Streams::apply_stop(StreamState& stream, std::uint64_t code) {
    if (stream.stop_code_received) return;
    const bool was_ended = stream.is_send_ended();
    stream.stop_code_received = code;
    if (was_ended) return;
    reset(stream.key, code);
    tell_stopped(stream);
}

Result<void, wire::Violation> Streams::handle_credits(const wire::Credits& credits) {
    wire::CreditsEntries entries(credits);
    while (const auto entry = entries.next()) {
        if (entry->stream == 0 || entry->stream > wire::stream_id_max) {
            return Unexpected(wire::Violation{ErrorCode::protocol, "CREDITS of no stream"});
        }
        STT_TRY(StreamState* const stream,
                locate(static_cast<std::uint16_t>(entry->stream), entry->use));
        if (stream != nullptr) apply_credit(*stream, entry->limit);
    }
    return {};
}

void Streams::handle_flow_credit(std::uint64_t limit) {
    if (limit <= credit_.limit) return;
    credit_.limit = limit;
    begin_waiting_messages();
}

void Streams::handle_stream_limit(std::uint64_t limit) {
    if (limit <= open_limit_) return;
    open_limit_ = limit;
    if (!std::exchange(is_limit_waited_for_, false)) return;
    events_.push_back({StreamEvent::Kind::limit_raised, {}});
}

Result<void, wire::Violation> Streams::count_received(StreamState& stream,
                                                      std::uint64_t highest_before) {
    received_total_ += stream.receive.highest_end() - highest_before;
    if (received_total_ <= session_window_.limit()) return {};
    return broken(ErrorCode::flow_control, "bytes beyond the session's credit");
}

// What came and what was read gives credit for more. Spec protocol §9.2.
void Streams::update_credit(Instant now, Duration rtt, StreamState& stream,
                            std::uint64_t read_before) {
    if (!stream.is_open_known || !stream.is_credited) return;
    const std::uint64_t read_end = stream.receive.read_end();
    read_total_ += read_end - read_before;
    if (needs_credit(stream) &&
        stream.window.on_progress(
            now, rtt, {stream.receive.highest_end(), stream.receive.readable(), read_end})) {
        queue_items(stream, item::credit);
        // One stream's window must not be held back by the session's.
        session_window_.widen(2 * stream.window.window());
    }
    // Only what is read: other streams may be full of what nobody reads.
    if (session_window_.on_progress(now, rtt, {read_total_, 0, read_total_})) {
        is_flow_credit_pending_ = true;
    }
}

void Streams::count_fragments(StreamState& stream) noexcept {
    const std::size_t count =
        stream.receive.gap_count() + stream.assembly.waiting_count(stream.receive);
    fragment_count_ += count - stream.fragments_counted;
    stream.fragments_counted = count;
}

}  // namespace stt::stream
