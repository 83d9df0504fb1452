// What the streams send, and in which order. Spec protocol §7, §8.2.
#include <algorithm>

#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "core/stream/streams.hpp"

namespace stt::stream {
namespace {

constexpr std::uint64_t kind_bytes = 0;
// Fewer bytes than this are not worth a frame of their own at the end of a datagram,
// unless they are all there is. Chosen: about the size of a frame's header and tag.
constexpr std::size_t data_size_min = 32;

wire::StreamControlMessage message_of(const StreamState& stream, std::uint32_t which) {
    switch (which) {
        case item::open:
            return wire::Open{kind_bytes, stream.priority, 0, bytes_of(stream.endpoint)};
        case item::credit:
            return wire::Credit{stream.window.limit()};
        case item::reset:
            return wire::Reset{*stream.reset_code, stream.send.sent_end()};
        default:
            return wire::Stop{*stream.stop_code};
    }
}

constexpr std::array<std::uint32_t, 4> items_in_order{item::open, item::credit, item::reset,
                                                      item::stop};

std::uint8_t priority_flags(std::uint8_t priority) noexcept {
    if (priority <= 1) return wire::flag::priority_high;
    if (priority >= 6) return wire::flag::priority_low;
    return 0;
}

}  // namespace

void Streams::queue_items(StreamState& stream, std::uint32_t items) {
    stream.items_pending |= items;
    if (stream.is_in_control_queue) return;
    stream.is_in_control_queue = true;
    control_queue_.push_back(stream.key);
}

void Streams::queue_data(StreamState& stream) {
    if (stream.is_in_data_queue || stream.reset_code || stream.is_closed) return;
    if (!stream.send.has_pending(stream.send_limit)) return;
    stream.is_in_data_queue = true;
    data_queues_[stream.priority].push_back(stream.key);
}

// How far a stream may send now: its own credit, and what is left of the session's.
std::uint64_t Streams::data_limit(const StreamState& stream) const noexcept {
    const std::uint64_t session_room = send_total_limit_ - std::min(send_total_, send_total_limit_);
    const std::uint64_t sent_end = stream.send.sent_end();
    // Compared by differences: a peer may give limits up to 2^64 - 1.
    const std::uint64_t stream_room = stream.send_limit - std::min(sent_end, stream.send_limit);
    return sent_end + std::min(session_room, stream_room);
}

std::optional<Streams::Candidate> Streams::next_candidate() {
    while (!control_queue_.empty()) {
        const StreamKey key = control_queue_.front();
        StreamState* stream = find(key);
        if (stream != nullptr && stream->items_pending != 0) {
            return Candidate{wire::FrameType::stream_control, key};
        }
        if (stream != nullptr) stream->is_in_control_queue = false;
        control_queue_.pop_front();
    }
    for (auto& queue : data_queues_) {
        while (!queue.empty()) {
            const StreamKey key = queue.front();
            StreamState* stream = find(key);
            if (stream != nullptr && stream->send.has_pending(data_limit(*stream))) {
                return Candidate{wire::FrameType::data, key};
            }
            queue.pop_front();
            if (stream == nullptr) continue;
            stream->is_in_data_queue = false;
            const bool is_blocked = stream->send.has_pending(stream->send_limit);
            if (is_blocked && !std::exchange(stream->is_blocked_by_session, true)) {
                blocked_by_session_.push_back(key);
            }
        }
    }
    return std::nullopt;
}

std::optional<Planned> Streams::plan(const Candidate& candidate, std::size_t payload_room) {
    StreamState* stream = find(candidate.key);
    STT_CHECK(stream != nullptr);
    return candidate.type == wire::FrameType::data ? plan_data(*stream, payload_room)
                                                   : plan_items(*stream, payload_room);
}

std::optional<Planned> Streams::plan_items(StreamState& stream, std::size_t payload_room) {
    Planned planned;
    planned.type = wire::FrameType::stream_control;
    planned.key = stream.key;
    planned.payload_size = codec::varint_size(stream.key.use);
    for (const std::uint32_t which : items_in_order) {
        if ((stream.items_pending & which) == 0) continue;
        const std::size_t size = wire::encoded_size(message_of(stream, which));
        if (planned.payload_size + size > payload_room) continue;
        planned.payload_size += size;
        planned.items |= which;
    }
    if (planned.items == 0) return std::nullopt;
    stream.items_pending &= ~planned.items;
    stream.items_unacknowledged |= planned.items;
    return planned;
}

std::optional<Planned> Streams::plan_data(StreamState& stream, std::size_t payload_room) {
    const std::size_t prefix = wire::data_prefix_size(stream.key.use, stream.send.next_offset());
    if (payload_room < prefix + data_size_min) return std::nullopt;
    const std::uint64_t sent_before = stream.send.sent_end();
    const auto range = stream.send.take(payload_room - prefix, data_limit(stream));
    STT_CHECK(range.has_value());
    send_total_ += stream.send.sent_end() - sent_before;

    // To the back of its queue: the next stream of the same priority has its turn.
    data_queues_[stream.priority].erase(stream.key);
    stream.is_in_data_queue = false;
    queue_data(stream);

    Planned planned;
    planned.type = wire::FrameType::data;
    planned.key = stream.key;
    planned.flags = priority_flags(stream.priority);
    if (range->is_end) planned.flags |= wire::flag::stream_end;
    planned.payload_size = prefix + range->size;
    planned.range = *range;
    return planned;
}

void Streams::fill(const Planned& planned, MutableBytes payload) const {
    const StreamState* stream = find(planned.key);
    STT_CHECK(stream != nullptr && payload.size() == planned.payload_size);
    codec::Writer writer(payload);
    if (planned.type == wire::FrameType::data) {
        wire::write_data_prefix(writer, planned.key.use, planned.range.offset);
        stream->send.copy(planned.range, writer.skip(planned.range.size));
        return;
    }
    writer.varint(planned.key.use);
    for (const std::uint32_t which : items_in_order) {
        if ((planned.items & which) != 0) wire::write(writer, message_of(*stream, which));
    }
}

void Streams::on_acknowledged(const Planned& planned) {
    StreamState* stream = find(planned.key);
    if (stream == nullptr) return;
    if (planned.type == wire::FrameType::data) {
        const bool is_end = (planned.flags & wire::flag::stream_end) != 0;
        stream->send.on_acknowledged(planned.range.offset, planned.range.size, is_end);
        tell_acknowledged(*stream);
        if (stream->is_writable_wanted && stream->send.room() > 0) {
            stream->is_writable_wanted = false;
            events_.push_back({StreamEvent::Kind::writable, stream->key});
        }
    } else {
        stream->items_unacknowledged &= ~planned.items;
        if ((planned.items & item::reset) != 0) stream->is_reset_acknowledged = true;
    }
    close_if_ended(*stream);
}

void Streams::on_lost(const Planned& planned) {
    StreamState* stream = find(planned.key);
    if (stream == nullptr || stream->is_closed) return;
    if (planned.type == wire::FrameType::data) {
        const bool is_end = (planned.flags & wire::flag::stream_end) != 0;
        stream->send.on_lost(planned.range.offset, planned.range.size, is_end);
        queue_data(*stream);
        return;
    }
    // A later copy may have been acknowledged since; then there is nothing to repeat. But of
    // CREDIT an earlier one may have been, which said less: the current limit goes out again.
    std::uint32_t again = planned.items & (stream->items_unacknowledged | item::credit);
    if (!needs_credit(*stream)) again &= ~item::credit;
    if (again != 0) queue_items(*stream, again);
}

}  // namespace stt::stream
