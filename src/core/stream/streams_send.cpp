// What the streams put into frames, and what becomes of it. Spec protocol §7, §8.2.
#include <algorithm>
#include <utility>

#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "core/stream/streams.hpp"

namespace stt::stream {
namespace {

// Fewer bytes than this are not worth a frame of their own at the end of a datagram,
// unless they are all there is. Chosen: about the size of a frame's header and tag.
constexpr std::size_t data_size_min = 32;

constexpr std::array<std::uint32_t, 6> items_in_order{item::open, item::credit,   item::reset,
                                                      item::stop, item::priority, item::skip};

wire::StreamControlMessage message_of(const StreamState& stream, std::uint32_t which,
                                      const SendBuffer::Range& skip) {
    switch (which) {
        case item::open: {
            const auto deadline =
                std::chrono::duration_cast<std::chrono::milliseconds>(stream.deadline);
            return wire::Open{stream.kind_number, stream.priority,
                              static_cast<std::uint64_t>(deadline.count()),
                              bytes_of(stream.endpoint)};
        }
        case item::credit:
            return wire::Credit{stream.window.limit()};
        case item::reset:
            return wire::Reset{*stream.reset_code, stream.send.sent_end()};
        case item::stop:
            return wire::Stop{*stream.stop_code};
        case item::priority:
            return wire::Priority{stream.priority};
        default:
            return wire::Skip{skip.offset, skip.offset + skip.size};
    }
}

std::uint8_t priority_flags(std::uint8_t priority) noexcept {
    if (priority <= 1) return wire::flag::priority_high;
    if (priority >= 6) return wire::flag::priority_low;
    return 0;
}

Interval skip_of(const Planned& planned) noexcept {
    return {planned.range.offset, planned.range.offset + planned.range.size};
}

}  // namespace

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
    if ((stream.items_pending & item::skip) != 0) {
        const Interval skip = stream.send.next_skip();
        planned.range.offset = skip.begin;
        planned.range.size = static_cast<std::size_t>(skip.size());
    }
    for (const std::uint32_t which : items_in_order) {
        if ((stream.items_pending & which) == 0) continue;
        const std::size_t size = wire::encoded_size(message_of(stream, which, planned.range));
        if (planned.payload_size + size > payload_room) continue;
        planned.payload_size += size;
        planned.items |= which;
    }
    if (planned.items == 0) return std::nullopt;
    stream.items_pending &= ~planned.items;
    stream.items_unacknowledged |= planned.items;
    if ((planned.items & item::credit) != 0) credit_queue_.remove(stream);
    if ((planned.items & item::skip) != 0) {
        stream.send.on_skip_sent(skip_of(planned));
        if (stream.send.has_skip()) stream.items_pending |= item::skip;
    }
    return planned;
}

std::optional<Streams::CreditsBatch> Streams::take_credits(MutableBytes entries) {
    codec::Writer writer(entries);
    const auto size_of = [](const StreamState& stream) {
        return codec::varint_size(stream.key.id) + codec::varint_size(stream.key.use) +
               codec::varint_size(stream.window.limit());
    };
    if (credit_queue_.is_empty() || credit_queue_.front().credit_link.next == nullptr) return {};
    const StreamState& first = credit_queue_.front();
    if (size_of(first) + size_of(*first.credit_link.next) > writer.room()) return {};
    CreditsBatch batch{.number = next_credits_batch_++};
    while (!credit_queue_.is_empty() && batch.count < credits_count_max) {
        StreamState& stream = credit_queue_.front();
        if (size_of(stream) > writer.room()) break;
        writer.varint(stream.key.id);
        writer.varint(stream.key.use);
        writer.varint(stream.window.limit());
        credits_told_.push_back({batch.number, stream.key});
        ++batch.count;
        credit_queue_.remove(stream);
        stream.items_pending &= ~item::credit;
    }
    batch.size = writer.size();
    return batch;
}

template <class Settle>
void Streams::settle_credits(std::uint64_t number, Settle settle) {
    const auto is_before = [](const CreditTold& told, std::uint64_t batch) {
        return told.batch < batch;
    };
    for (auto told =
             std::lower_bound(credits_told_.begin(), credits_told_.end(), number, is_before);
         told != credits_told_.end() && told->batch == number; ++told) {
        if (!std::exchange(told->is_settled, true)) settle(told->key);
    }
    while (!credits_told_.empty() && credits_told_.front().is_settled) {
        credits_told_.pop_front(queue_kept());
    }
}

void Streams::on_credits_acknowledged(std::uint64_t number) {
    settle_credits(number, [](StreamKey) {});
}

void Streams::on_credits_lost(std::uint64_t number) {
    settle_credits(number, [this](StreamKey key) {
        StreamState* stream = find(key);
        if (stream != nullptr && !stream->is_closed && needs_credit(*stream)) {
            queue_items(*stream, item::credit);
        }
    });
}

std::optional<Planned> Streams::plan_data(StreamState& stream, std::size_t payload_room) {
    SendBuffer& send = stream.send;
    const std::size_t prefix =
        has_messages(stream.kind)
            ? wire::data_prefix_size(stream.key.use, send.next_offset(), send.next_back())
            : wire::data_prefix_size(stream.key.use, send.next_offset());
    if (payload_room < prefix + data_size_min) return std::nullopt;
    const bool begins = !send.has_lost() && !send.is_end_due() && send.sent_end() == send.end();
    if (begins) {
        // Each of DATAGRAMS in one frame. Spec protocol §7.2.
        const std::size_t size = stream.outgoing.front().bytes.size();
        if (!stream.is_credited && prefix + size > payload_room) return std::nullopt;
        begin_message(stream);
    }
    const std::uint64_t sent_before = send.sent_end();
    const auto range = send.take(payload_room - prefix, data_limit(stream));
    STT_CHECK(range.has_value());
    const std::uint64_t growth = send.sent_end() - sent_before;
    stream.statistics.bytes_retransmitted += range->size - growth;
    if (stream.is_credited) {
        credit_.sent += growth;
        if (has_messages(stream.kind)) credit_.reserved -= growth;
    }

    // To the back of its queue: the next stream of the same priority has its turn.
    if (count_in_turn(stream, range->size)) {
        unqueue_data(stream);
        queue_data(stream);
    }

    Planned planned;
    planned.type = wire::FrameType::data;
    planned.key = stream.key;
    planned.flags = priority_flags(stream.priority);
    if (has_messages(stream.kind)) planned.flags |= wire::flag::message;
    if (range->is_end) planned.flags |= wire::flag::stream_end;
    planned.payload_size = prefix + range->size;
    planned.range = *range;
    planned.repeated = static_cast<std::size_t>(range->size - growth);
    return planned;
}

void Streams::fill(const Planned& planned, MutableBytes payload) const {
    const StreamState* stream = find(planned.key);
    STT_CHECK(stream != nullptr && payload.size() == planned.payload_size);
    codec::Writer writer(payload);
    if (planned.type == wire::FrameType::data) {
        const bool is_message = (planned.flags & wire::flag::message) != 0;
        wire::write_data_prefix(writer, planned.key.use, planned.range.offset,
                                is_message ? std::optional(planned.range.back) : std::nullopt);
        stream->send.copy(planned.range, writer.skip(planned.range.size));
        return;
    }
    writer.varint(planned.key.use);
    for (const std::uint32_t which : items_in_order) {
        if ((planned.items & which) == 0) continue;
        wire::write(writer, message_of(*stream, which, planned.range));
    }
}

void Streams::on_acknowledged(const Planned& planned, std::size_t frame_count) {
    StreamState* stream = find(planned.key);
    if (stream == nullptr) return;
    if (planned.type == wire::FrameType::data) {
        const bool is_end = (planned.flags & wire::flag::stream_end) != 0;
        stream->send.on_acknowledged(planned.range.offset, planned.range.size, is_end);
        if (!stream->is_credited && planned.range.size > 0) {
            stream->statistics.messages_acknowledged += frame_count;
        }
        return after_settled(*stream);
    }
    const bool was_open_acknowledged = stream->is_open_acknowledged();
    stream->items_unacknowledged &= ~planned.items;
    if ((planned.items & item::reset) != 0) stream->is_reset_acknowledged = true;
    if ((planned.items & item::priority) != 0 && std::exchange(stream->is_priority_stale, false)) {
        queue_items(*stream, item::priority);
    }
    if ((planned.items & item::skip) != 0) {
        const bool was_full = stream->send.skip_count() >= skip_count_max;
        stream->send.on_skip_acknowledged(skip_of(planned));
        if (!stream->send.has_skip()) stream->items_pending &= ~item::skip;
        if (was_full) queue_data(*stream);
        tell_acknowledged(*stream);
    }
    if (!was_open_acknowledged && stream->is_open_acknowledged()) on_limit_raised(*stream);
    if (stream = find(planned.key); stream != nullptr) close_if_ended(*stream);
}

void Streams::repeat(const Planned& planned) {
    const StreamState* const stream = find(planned.key);
    if (stream == nullptr) return;
    // A message that may be lost goes out once.
    if (planned.type == wire::FrameType::data && !stream->is_credited) return;
    on_lost(planned);
}

void Streams::on_lost(const Planned& planned) {
    StreamState* stream = find(planned.key);
    if (stream == nullptr || stream->is_closed) return;
    if (planned.type == wire::FrameType::data) {
        const bool is_end = (planned.flags & wire::flag::stream_end) != 0;
        if (stream->is_credited) {
            stream->send.on_lost(planned.range.offset, planned.range.size, is_end);
            return queue_data(*stream);
        }
        stream->send.on_given_up(planned.range.offset, planned.range.size, is_end);
        if (planned.range.size > 0) ++stream->statistics.messages_lost;
        queue_data(*stream);
        return after_settled(*stream);
    }
    // A later copy may have been acknowledged since; then there is nothing to repeat. But of
    // CREDIT an earlier one may have been, which said less: the current limit goes out again.
    std::uint32_t again = planned.items & (stream->items_unacknowledged | item::credit);
    if (!needs_credit(*stream)) again &= ~item::credit;
    if ((planned.items & item::skip) != 0) {
        stream->send.on_skip_lost(skip_of(planned));
        again = stream->send.has_skip() ? again | item::skip : again & ~item::skip;
    }
    if ((again & item::priority) != 0) stream->is_priority_stale = false;
    if (again != 0) queue_items(*stream, again);
}

}  // namespace stt::stream
