#include "core/stream/streams.hpp"

#include <algorithm>

namespace stt::stream {

Streams::Streams(const StreamsConfig& config)
    : config_(config),
      next_id_(config.is_initiator ? 1 : 2),
      session_window_(session_credit_initial, config.session_window_max) {}

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
                                               config_.stream_window_max);
    StreamState& stream = *state;
    streams_.insert_or_assign(key, std::move(state));
    slots_[key.id] = Slot{key.use, true};
    ++open_count_;
    return stream;
}

Result<StreamKey, OpenError> Streams::open(std::string_view endpoint) {
    if (endpoint.size() > wire::text_size_max) return Unexpected(OpenError::endpoint_name);
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
    stream.endpoint = endpoint;
    stream.is_open_known = true;
    queue_items(stream, item::open);
    return key;
}

Result<std::size_t, WriteError> Streams::write(StreamKey key, Bytes data) {
    StreamState* stream = find(key);
    if (stream == nullptr) return Unexpected(WriteError::unknown_stream);
    if (stream->stop_code_received) return Unexpected(WriteError::stopped);
    if (stream->is_closed || stream->send.is_finished()) return Unexpected(WriteError::finished);
    const std::size_t taken = stream->send.write(data);
    stream->is_writable_wanted = taken < data.size();
    if (taken > 0) queue_data(*stream);
    return taken;
}

Result<ReadOutcome, ReadError> Streams::read(Instant now, Duration rtt, StreamKey key,
                                             MutableBytes output) {
    StreamState* stream = find(key);
    if (stream == nullptr) return Unexpected(ReadError::unknown_stream);
    stream->is_readable_told = false;
    if (stream->reset_code_received) return Unexpected(ReadError::reset);
    const std::uint64_t read_before = stream->receive.read_end();
    ReadOutcome outcome;
    outcome.size = stream->receive.read(output);
    count_read(now, rtt, *stream, read_before);
    outcome.is_end =
        stream->receive.is_at_end() || (stream->is_closed && stream->receive.readable() == 0);
    return outcome;
}

void Streams::finish(StreamKey key) {
    StreamState* stream = find(key);
    if (stream == nullptr || stream->is_closed || stream->send.is_finished()) return;
    stream->send.finish();
    queue_data(*stream);
}

void Streams::reset(StreamKey key, std::uint64_t code) {
    StreamState* stream = find(key);
    if (stream == nullptr || stream->is_closed || stream->reset_code) return;
    if (stream->send.is_finished() && stream->send.is_all_acknowledged()) return;
    stream->reset_code = code;
    stream->send.discard();
    queue_items(*stream, item::reset);
}

void Streams::stop(Instant now, Duration rtt, StreamKey key, std::uint64_t code) {
    StreamState* stream = find(key);
    if (stream == nullptr || stream->is_closed || stream->stop_code) return;
    const std::uint64_t read_before = stream->receive.read_end();
    const bool is_wanted_from_peer = !stream->receive.is_complete();
    stream->receive.discard();
    count_read(now, rtt, *stream, read_before);
    if (!is_wanted_from_peer) return;
    stream->stop_code = code;
    queue_items(*stream, item::stop);
}

void Streams::release(Instant now, Duration rtt, StreamKey key) {
    StreamState* stream = find(key);
    if (stream == nullptr) return;
    stream->is_released = true;
    if (!stream->is_closed) {
        const auto code = static_cast<std::uint64_t>(ErrorCode::none);
        if (!stream->send.is_finished()) reset(key, code);
        stop(now, rtt, key, code);
    } else {
        // Closed, with bytes that nobody will read: they must not hold the session's credit.
        const std::uint64_t read_before = stream->receive.read_end();
        stream->receive.discard();
        count_read(now, rtt, *stream, read_before);
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
    return stream != nullptr && (stream->receive.readable() > 0 || stream->receive.is_at_end() ||
                                 stream->reset_code_received || stream->is_closed);
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

std::optional<StreamEvent> Streams::poll_event() {
    if (events_.empty()) return std::nullopt;
    const StreamEvent event = events_.front();
    events_.pop_front();
    return event;
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

void Streams::tell_acknowledged(StreamState& stream) {
    // What a RESET discarded was not acknowledged.
    if (!stream.is_acknowledged_wanted || stream.reset_code) return;
    if (!stream.send.is_all_acknowledged()) return;
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
    if (((stream.items_pending | stream.items_unacknowledged) & item::open) != 0) return;
    stream.is_closed = true;
    --open_count_;
    Slot& slot = slots_.at(stream.key.id);
    if (slot.use == stream.key.use) slot.is_open = false;
    closed_ids_.push_back(stream.key.id);
    if (stream.is_local) free_ids_.push_back(stream.key.id);
    erase_if_unused(stream.key);
}

void Streams::erase_if_unused(StreamKey key) {
    const StreamState* stream = find(key);
    if (stream == nullptr || !stream->is_closed || !stream->is_released) return;
    if (!stream->is_local) {
        // Not before the application here is done with it: streams that nobody accepts, or
        // reads to their end, hold the peer back, and not this node's memory.
        ++peer_limit_;
        is_stream_limit_pending_ = true;
    }
    streams_.erase(key);
}

}  // namespace stt::stream
