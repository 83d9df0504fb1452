// What a peer's frames do to the streams. Spec protocol §7, §8.3, §9.
#include <algorithm>

#include "core/stream/streams.hpp"

namespace stt::stream {
namespace {

// OPEN's kinds. Spec protocol §7.2.
constexpr std::uint64_t kind_bytes = 0;
constexpr std::uint64_t kind_datagrams = 2;

wire::Violation flow_violation(std::string_view text) {
    return wire::Violation{ErrorCode::flow_control, text};
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
    older->send.discard();
    tell_acknowledged(*older);
    older->is_closed = true;
    --open_count_;
    tell_readable(*older);
    erase_if_unused(key);
    return {};
}

Result<Taken, wire::Violation> Streams::handle_data(Instant now, Duration rtt, std::uint16_t id,
                                                    std::uint8_t flags,
                                                    const wire::DataView& data) {
    STT_TRY(StreamState* const found, locate(id, data.use));
    if (found == nullptr) return Taken::yes;
    StreamState& stream = *found;
    const bool is_message = (flags & wire::flag::message) != 0;
    const std::uint64_t end = data.offset + data.bytes.size();
    if (!stream.is_credited) {
        // A refused stream of DATAGRAMS: only its end counts. Spec protocol §7.3.
        if ((flags & wire::flag::stream_end) != 0 && !stream.receive.is_complete()) {
            STT_TRY_VOID(stream.receive.reset(end));
            close_if_ended(stream);
        }
        return Taken::yes;
    }
    // A stream that was refused is counted like any other until the peer has heard of it.
    if (is_message && stream.is_open_known && !stream.is_refused) {
        return Unexpected(wire::Violation{ErrorCode::stream, "MESSAGE on a stream of bytes"});
    }
    if (!stream.is_open_known) {
        // Waits for its OPEN, within the initial credit. Spec protocol §8.3.
        if (is_message || end > stream_credit_initial) return Taken::no;
    } else if (end > stream.window.limit()) {
        return Unexpected(flow_violation("bytes beyond the stream's credit"));
    } else {
        const std::uint64_t highest = stream.receive.highest_end();
        const std::uint64_t growth = end > highest ? end - highest : 0;
        if (received_total_ + growth > session_window_.limit()) {
            return Unexpected(flow_violation("bytes beyond the session's credit"));
        }
    }

    const std::uint64_t highest_before = stream.receive.highest_end();
    const std::uint64_t read_before = stream.receive.read_end();
    const bool is_end = (flags & wire::flag::stream_end) != 0;
    STT_TRY(const auto outcome, stream.receive.receive(data.offset, data.bytes, is_end));
    if (outcome == ReceiveBuffer::Outcome::not_taken) return Taken::no;
    if (stream.is_open_known) {
        STT_TRY_VOID(count_received(stream, highest_before));
        count_read(now, rtt, stream, read_before);
    }
    tell_readable(stream);
    close_if_ended(stream);
    return Taken::yes;
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
        if (credit->limit > stream.send_limit) {
            stream.send_limit = credit->limit;
            queue_data(stream);
        }
    } else if (const auto* reset_message = std::get_if<wire::Reset>(&message)) {
        STT_TRY(const Taken taken, apply_reset(now, rtt, stream, *reset_message));
        if (taken == Taken::no) return Taken::no;
    } else if (const auto* stop_message = std::get_if<wire::Stop>(&message)) {
        apply_stop(stream, stop_message->code);
    } else if (const auto* priority = std::get_if<wire::Priority>(&message)) {
        STT_TRY_VOID(apply_priority(stream, priority->priority));
    } else if (std::holds_alternative<wire::Skip>(message) && stream.is_open_known &&
               !stream.is_refused) {
        return Unexpected(wire::Violation{ErrorCode::stream, "SKIP on a stream of bytes"});
    }
    close_if_ended(stream);
    return Taken::yes;
}

Result<void, wire::Violation> Streams::apply_open(Instant now, Duration rtt, StreamState& stream,
                                                  const wire::Open& open) {
    if (stream.is_local) {
        return Unexpected(wire::Violation{ErrorCode::protocol, "OPEN of a stream of this side"});
    }
    if (stream.is_open_known) {
        if (open.kind == stream.kind) return {};
        return Unexpected(wire::Violation{ErrorCode::stream, "the kind of a stream changed"});
    }
    STT_TRY_VOID(apply_priority(stream, open.priority));
    stream.is_open_known = true;
    stream.kind = open.kind;
    stream.endpoint = text_of(open.endpoint);
    if (open.kind == kind_bytes) events_.push_back({StreamEvent::Kind::opened, stream.key});
    // What waited enters the session's total now. Spec protocol §9.1.
    STT_TRY_VOID(count_received(stream, 0));
    count_read(now, rtt, stream, 0);
    if (open.kind != kind_bytes) {
        refuse(now, rtt, stream, open.kind);
        return {};
    }
    tell_readable(stream);
    if (stream.reset_code_received) tell_reset(stream);
    if (stream.stop_code_received) tell_stopped(stream);
    return {};
}

Result<void, wire::Violation> Streams::apply_priority(StreamState& stream, std::uint64_t priority) {
    if (priority >= priority_count) {
        return Unexpected(wire::Violation{ErrorCode::protocol, "a priority above 7"});
    }
    if (stream.is_in_data_queue) {
        data_queues_[stream.priority].erase(stream.key);
        stream.is_in_data_queue = false;
    }
    stream.priority = static_cast<std::uint8_t>(priority);
    queue_data(stream);
    return {};
}

void Streams::refuse(Instant now, Duration rtt, StreamState& stream, std::uint64_t kind) {
    const auto code = static_cast<std::uint64_t>(ErrorCode::refused);
    const StreamKey key = stream.key;
    stream.is_released = true;
    stream.is_refused = true;
    stream.is_credited = kind != kind_datagrams;
    reset(key, code);
    stop(now, rtt, key, code);
}

Result<Taken, wire::Violation> Streams::apply_reset(Instant now, Duration rtt, StreamState& stream,
                                                    const wire::Reset& reset_message) {
    const std::uint64_t final_offset = reset_message.final_offset;
    if (!stream.is_open_known && final_offset > stream_credit_initial) return Taken::no;
    const std::uint64_t limit =
        stream.is_credited ? stream.window.limit() : wire::stream_offset_end;
    if (final_offset > limit) {
        return Unexpected(flow_violation("a final offset beyond the stream's credit"));
    }
    if (stream.receive.is_complete()) {
        // Everything had arrived before; the check of the final offset still holds.
        if (stream.receive.final_offset() == final_offset) return Taken::yes;
        return Unexpected(flow_violation("the final offset of a stream changed"));
    }
    const std::uint64_t highest_before = stream.receive.highest_end();
    const std::uint64_t read_before = stream.receive.read_end();
    STT_TRY_VOID(stream.receive.reset(final_offset));
    stream.reset_code_received = reset_message.code;
    if (stream.is_open_known && stream.is_credited) {
        STT_TRY_VOID(count_received(stream, highest_before));
        count_read(now, rtt, stream, read_before);
    }
    tell_reset(stream);
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
        if (stream == nullptr || entry->limit <= stream->send_limit) continue;
        stream->send_limit = entry->limit;
        queue_data(*stream);
    }
    return {};
}

void Streams::handle_flow_credit(std::uint64_t limit) {
    if (limit <= send_total_limit_) return;
    send_total_limit_ = limit;
    for (const StreamKey key : std::exchange(blocked_by_session_, {})) {
        StreamState* stream = find(key);
        if (stream == nullptr) continue;
        stream->is_blocked_by_session = false;
        queue_data(*stream);
    }
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
    return Unexpected(flow_violation("bytes beyond the session's credit"));
}

// What was read gives credit for more. Spec protocol §9.2.
void Streams::count_read(Instant now, Duration rtt, StreamState& stream,
                         std::uint64_t read_before) {
    const std::uint64_t read_end = stream.receive.read_end();
    if (read_end == read_before || !stream.is_open_known) return;
    read_total_ += read_end - read_before;
    if (needs_credit(stream) && stream.window.on_read(now, rtt, read_end)) {
        queue_items(stream, item::credit);
        // One stream's window must not be held back by the session's.
        session_window_.widen(2 * stream.window.window());
    }
    if (session_window_.on_read(now, rtt, read_total_)) is_flow_credit_pending_ = true;
}

}  // namespace stt::stream
