// Commands of the application, and the life of a stream.
#include "core/stream/streams.hpp"

#include <algorithm>

namespace stt::stream {
namespace {

// What a session's window may not be under. Spec protocol §9.2.
StreamsConfig with_limits(StreamsConfig config) {
    // A length field must fit.
    config.message_size_max =
        std::clamp(config.message_size_max, codec::varint_size_max, message_size_max);
    config.session_window_max =
        std::max<std::uint64_t>(config.session_window_max, 2 * config.message_size_max);
    config.peer_stream_limit =
        std::clamp(config.peer_stream_limit, stream_limit_initial, stream_limit_max);
    return config;
}

}  // namespace

Streams::Streams(const StreamsConfig& config)
    : config_(with_limits(config)),
      next_id_(config.is_initiator ? 1 : 2),
      peer_limit_(config_.peer_stream_limit),
      session_window_(session_credit_initial, config_.session_window_max),
      is_stream_limit_pending_(peer_limit_ > stream_limit_initial),
      send_limit_(std::min(send_buffer_min, config_.send_buffer_max)) {}

StreamState* Streams::find(StreamKey key) noexcept {
    const auto found = streams_.find(key);
    return found == streams_.end() ? nullptr : found->second.get();
}

const StreamState* Streams::find(StreamKey key) const noexcept {
    const auto found = streams_.find(key);
    return found == streams_.end() ? nullptr : found->second.get();
}

StreamState& Streams::create(StreamKey key, bool is_local) {
    auto state = std::make_unique<StreamState>(key, is_local, config_.send_buffer_max,
                                               config_.stream_window_max, config_.message_size_max,
                                               config_.buffers);
    StreamState& stream = *state;
    streams_.insert_or_assign(key, std::move(state));
    slots_[key.id] = Slot{key.use, true};
    ++open_count_;
    return stream;
}

Result<StreamKey, OpenError> Streams::open(const OpenOptions& options) {
    if (options.endpoint.size() > wire::text_size_max) return Unexpected(OpenError::endpoint_name);
    if (options.priority >= priority_count) return Unexpected(OpenError::priority);
    const Duration deadline_max = std::chrono::milliseconds(deadline_ms_max);
    const bool has_deadline =
        options.deadline >= std::chrono::milliseconds(1) && options.deadline <= deadline_max;
    if (options.kind == StreamKind::expiring && !has_deadline) {
        return Unexpected(OpenError::deadline);
    }
    const bool has_id = !free_ids_.empty() || next_id_ <= wire::stream_id_max;
    if (opened_count_ >= open_limit_ || !has_id) {
        is_limit_waited_for_ = true;
        return Unexpected(OpenError::stream_limit);
    }
    StreamKey key;
    if (free_ids_.empty()) {
        key.id = static_cast<std::uint16_t>(next_id_);
        next_id_ += 2;
    } else {
        key.id = free_ids_.back();
        free_ids_.pop_back();
        key.use = slots_.at(key.id).use + 1;
    }
    ++opened_count_;
    StreamState& stream = create(key, true);
    stream.endpoint = options.endpoint;
    stream.kind = options.kind;
    stream.kind_number = static_cast<std::uint64_t>(options.kind);
    stream.is_credited = is_credited(options.kind);
    stream.priority = options.priority;
    if (options.kind == StreamKind::expiring) stream.deadline = options.deadline;
    stream.is_open_known = true;
    if (!stream.is_credited) stream.receive.become_passing();
    queue_items(stream, item::open);
    return key;
}

Result<std::size_t, WriteError> Streams::write(StreamKey key, Bytes data) {
    StreamState* stream = find(key);
    if (stream == nullptr) return Unexpected(WriteError::unknown_stream);
    if (stream->kind != StreamKind::bytes) return Unexpected(WriteError::wrong_kind);
    if (stream->stop_code_received) return Unexpected(WriteError::stopped);
    if (stream->is_closed || stream->is_finished()) return Unexpected(WriteError::finished);
    const std::size_t taken =
        stream->send.write(data.first(std::min(data.size(), send_room(*stream))));
    stream->statistics.bytes_written += taken;
    stream->room_wanted = taken < data.size() ? 1 : 0;
    if (taken > 0) queue_data(*stream);
    return taken;
}

Result<ReadOutcome, ReadError> Streams::read(Instant now, Duration rtt, StreamKey key,
                                             MutableBytes output) {
    StreamState* stream = find(key);
    if (stream == nullptr) return Unexpected(ReadError::unknown_stream);
    if (stream->kind != StreamKind::bytes) return Unexpected(ReadError::wrong_kind);
    stream->is_readable_told = false;
    if (stream->reset_code_received) return Unexpected(ReadError::reset);
    const std::uint64_t read_before = stream->receive.read_end();
    ReadOutcome outcome;
    outcome.size = stream->receive.read(output);
    update_credit(now, rtt, *stream, read_before);
    outcome.is_end =
        stream->receive.is_at_end() || (stream->is_closed && stream->receive.readable() == 0);
    return outcome;
}

void Streams::finish(StreamKey key) {
    StreamState* stream = find(key);
    if (stream == nullptr || stream->is_closed || stream->is_finished()) return;
    stream->is_finishing = true;
    if (stream->outgoing.is_empty()) stream->send.finish();
    queue_data(*stream);
}

// Everything that was handed over is dropped, and what it held is free for others.
void Streams::discard_send(StreamState& stream) {
    const auto forget = [&](const auto& message) {
        if (message.deadline) expiries_.erase({*message.deadline, stream.key, message.number});
    };
    std::for_each(stream.outgoing.all().begin(), stream.outgoing.all().end(), forget);
    std::for_each(stream.send.messages().begin(), stream.send.messages().end(), forget);
    credit_.reserved -= stream.reserved();
    stream.send.discard();
    stream.outgoing = {};
    stream.items_pending &= ~item::skip;
    unqueue_data(stream);
    leave_begin_queue(stream);
    begin_waiting_messages();
}

void Streams::reset(StreamKey key, std::uint64_t code) {
    StreamState* stream = find(key);
    if (stream == nullptr || stream->is_closed || stream->reset_code) return;
    if (stream->is_send_ended()) return;
    stream->reset_code = code;
    discard_send(*stream);
    queue_items(*stream, item::reset);
}

void Streams::clear_datagrams(StreamState& stream) {
    datagram_total_ -= stream.datagrams.size();
    stream.datagrams.clear();
}

void Streams::drop_unread(Instant now, Duration rtt, StreamState& stream) {
    const std::uint64_t read_before = stream.receive.read_end();
    stream.receive.discard();
    stream.assembly.clear();
    clear_datagrams(stream);
    count_fragments(stream);
    update_credit(now, rtt, stream, read_before);
}

void Streams::stop(Instant now, Duration rtt, StreamKey key, std::uint64_t code) {
    StreamState* stream = find(key);
    if (stream == nullptr || stream->is_closed || stream->stop_code) return;
    const bool is_wanted_from_peer = !stream->receive.is_complete();
    drop_unread(now, rtt, *stream);
    if (!is_wanted_from_peer) return;
    stream->stop_code = code;
    queue_items(*stream, item::stop);
}

void Streams::refuse(Instant now, Duration rtt, StreamState& stream) {
    const auto code = static_cast<std::uint64_t>(ErrorCode::refused);
    const StreamKey key = stream.key;
    stream.is_released = true;
    stream.is_refused = true;
    reset(key, code);
    stop(now, rtt, key, code);
}

void Streams::refuse(Instant now, Duration rtt, StreamKey key) {
    StreamState* stream = find(key);
    if (stream == nullptr || stream->is_local || !stream->is_open_known) return;
    if (stream->is_closed) return release(now, rtt, key);
    refuse(now, rtt, *stream);
}

bool Streams::set_priority(StreamKey key, std::uint8_t priority) {
    if (priority >= priority_count) return false;
    StreamState* stream = find(key);
    if (stream == nullptr || stream->is_closed || stream->priority == priority) return true;
    apply_priority(*stream, priority);
    // One at a time, so that an older one cannot overtake it.
    stream->is_priority_stale = (stream->items_unacknowledged & item::priority) != 0;
    if (!stream->is_priority_stale) queue_items(*stream, item::priority);
    return true;
}

void Streams::release(Instant now, Duration rtt, StreamKey key) {
    StreamState* stream = find(key);
    if (stream == nullptr) return;
    stream->is_released = true;
    if (!stream->is_closed) {
        const auto code = static_cast<std::uint64_t>(ErrorCode::none);
        if (!stream->is_finished()) reset(key, code);
        stop(now, rtt, key, code);
    } else {
        // Closed, with bytes that nobody will read: they must not hold the session's credit.
        drop_unread(now, rtt, *stream);
    }
    erase_if_unused(key);
}

Result<void, WriteError> Streams::wait_acknowledged(StreamKey key) {
    StreamState* stream = find(key);
    if (stream == nullptr) return Unexpected(WriteError::unknown_stream);
    if (stream->reset_code) {
        return Unexpected(stream->stop_code_received ? WriteError::stopped : WriteError::finished);
    }
    stream->is_acknowledged_wanted = true;
    tell_acknowledged(*stream);
    return {};
}

std::optional<std::uint64_t> Streams::peer_code(StreamKey key) const {
    const StreamState* stream = find(key);
    if (stream == nullptr) return std::nullopt;
    return stream->reset_code_received ? stream->reset_code_received : stream->stop_code_received;
}

bool Streams::is_readable(StreamKey key) const {
    const StreamState* stream = find(key);
    if (stream == nullptr) return false;
    if (stream->reset_code_received || stream->is_closed) return true;
    if (stream->receive.is_at_end() || !stream->datagrams.is_empty()) return true;
    return has_messages(stream->kind) ? stream->assembly.has_message()
                                      : stream->receive.readable() > 0;
}

std::optional<std::uint64_t> Streams::acknowledged_end(StreamKey key) const {
    const StreamState* stream = find(key);
    if (stream == nullptr) return std::nullopt;
    return stream->send.begin();
}

std::string Streams::endpoint(StreamKey key) const {
    const StreamState* stream = find(key);
    return stream == nullptr ? std::string() : stream->endpoint;
}

std::optional<StreamKind> Streams::kind(StreamKey key) const {
    const StreamState* stream = find(key);
    return stream == nullptr ? std::nullopt : std::optional(stream->kind);
}

std::optional<std::uint8_t> Streams::priority(StreamKey key) const {
    const StreamState* stream = find(key);
    return stream == nullptr ? std::nullopt : std::optional(stream->priority);
}

std::optional<StreamStatistics> Streams::statistics(StreamKey key) const {
    const StreamState* stream = find(key);
    if (stream == nullptr) return std::nullopt;
    StreamStatistics statistics = stream->statistics;
    statistics.bytes_sent = stream->send.sent_end();
    statistics.bytes_acknowledged = stream->send.begin();
    statistics.send_limit = stream_limit(*stream);
    statistics.queued = stream->send.size() + stream->outgoing.size();
    statistics.bytes_received = stream->receive.highest_end();
    statistics.bytes_read = stream->receive.read_end();
    statistics.receive_limit =
        stream->is_credited ? stream->window.limit() : wire::stream_offset_end;
    return statistics;
}

std::vector<StreamProgress> Streams::progress() const {
    std::vector<StreamProgress> all;
    for (const auto& [key, stream] : streams_) {
        const stt::StreamStatistics& statistics = stream->statistics;
        all.push_back({key,
                       {key.id, stream->endpoint, stream->kind, stream->is_local,
                        stream->is_finished(), statistics.bytes_written, stream->send.begin(),
                        statistics.messages_written, statistics.messages_acknowledged}});
    }
    return all;
}

std::optional<StreamEvent> Streams::poll_event() {
    if (events_.empty()) return std::nullopt;
    const StreamEvent event = events_.front();
    events_.pop_front(queue_kept());
    return event;
}

// Elements that an empty queue of what is told keeps storage for: where there are many streams,
// many are told of at a time, again and again. Two of each, and what doubling adds.
std::size_t Streams::queue_kept() const noexcept {
    return 4 * streams_.size();
}

std::optional<std::uint64_t> Streams::take_flow_credit() noexcept {
    if (!std::exchange(is_flow_credit_pending_, false)) return std::nullopt;
    return session_window_.limit();
}

std::optional<std::uint64_t> Streams::take_stream_limit() noexcept {
    if (!std::exchange(is_stream_limit_pending_, false)) return std::nullopt;
    return peer_limit_;
}

void Streams::tell_readable(StreamState& stream) {
    if (stream.is_readable_told || stream.is_released || !stream.is_open_known) return;
    if (!is_readable(stream.key)) return;
    stream.is_readable_told = true;
    events_.push_back({StreamEvent::Kind::readable, stream.key});
}

void Streams::tell_writable(StreamState& stream) {
    if (stream.room_wanted == 0) return;
    if (send_room(stream) < stream.room_wanted) return;
    stream.room_wanted = 0;
    events_.push_back({StreamEvent::Kind::writable, stream.key});
}

void Streams::tell_acknowledged(StreamState& stream) {
    // What a RESET discarded was not acknowledged.
    if (!stream.is_acknowledged_wanted || stream.reset_code) return;
    if (!stream.is_all_acknowledged()) return;
    stream.is_acknowledged_wanted = false;
    events_.push_back({StreamEvent::Kind::acknowledged, stream.key});
}

// Before its OPEN the application does not know the stream, afterwards it let go of it.
void Streams::tell_reset(StreamState& stream) {
    if (stream.is_released || !stream.is_open_known) return;
    events_.push_back({StreamEvent::Kind::reset, stream.key, *stream.reset_code_received});
}

void Streams::tell_stopped(StreamState& stream) {
    if (stream.is_released || !stream.is_open_known) return;
    events_.push_back({StreamEvent::Kind::stopped, stream.key, *stream.stop_code_received});
}

// Spec protocol §7.3: a stream is closed when both of its directions have ended.
void Streams::close_if_ended(StreamState& stream) {
    if (stream.is_closed || !stream.is_open_known) return;
    if (!stream.is_send_ended() || !stream.is_receive_ended()) return;
    // A peer can end a stream whose OPEN it has yet to get: that must still be resent.
    if (!stream.is_open_acknowledged()) return;
    stream.is_closed = true;
    --open_count_;
    Slot& slot = slots_.at(stream.key.id);
    if (slot.use == stream.key.use) slot.is_open = false;
    closed_ids_.push_back(stream.key.id);
    if (stream.is_local) free_ids_.push_back(stream.key.id);
    erase_if_unused(stream.key);
}

void Streams::erase_if_unused(StreamKey key) {
    StreamState* stream = find(key);
    if (stream == nullptr || !stream->is_closed || !stream->is_released) return;
    if (!stream->is_local) {
        // Not before the application here is done with it: streams that nobody accepts, or
        // reads to their end, hold the peer back, and not this node's memory.
        ++peer_limit_;
        is_stream_limit_pending_ = true;
    }
    if (stream->control_link.is_linked) control_queue_.remove(*stream);
    if (stream->credit_link.is_linked) credit_queue_.remove(*stream);
    unqueue_data(*stream);
    leave_begin_queue(*stream);
    clear_datagrams(*stream);
    fragment_count_ -= stream->fragments_counted;
    streams_.erase(key);
    if (events_.empty()) events_.clear(queue_kept());
    if (credits_told_.empty()) credits_told_.clear(queue_kept());
}

}  // namespace stt::stream
