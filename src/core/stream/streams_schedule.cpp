// Whose frame goes next. Spec protocol §8.1 (priority), §9.
//
// A stream that has DATA stands in one of three places: in the queue of its priority; among those
// of its priority whose bytes wait for session credit; or, for the message that it would begin,
// in the one queue of messages that wait for session credit.
#include <algorithm>

#include "core/stream/streams.hpp"

namespace stt::stream {
namespace {

// Header, metadata and tag of a frame, in a turn. Spec protocol §3.1, §3.4.
constexpr std::size_t frame_overhead_usual = 40;

}  // namespace

void Streams::queue_items(StreamState& stream, std::uint32_t items) {
    stream.items_pending |= items;
    if (!stream.control_link.is_linked) control_queue_.push_back(stream);
    if ((items & item::credit) != 0 && !stream.credit_link.is_linked) {
        credit_queue_.push_back(stream);
    }
}

// The peer's limit. Until OPEN is acknowledged nothing goes past the initial credit: a receiver
// that does not have it would drop that. Spec protocol §8.3.
std::uint64_t Streams::stream_limit(const StreamState& stream) const noexcept {
    const std::uint64_t limit = stream.is_credited ? stream.send_limit : wire::stream_offset_end;
    return std::min(
        limit, stream.is_open_acknowledged() ? wire::stream_offset_end : stream_credit_initial);
}

// How far a stream may send now. What messages need of the session was reserved as they began.
std::uint64_t Streams::data_limit(const StreamState& stream) const noexcept {
    const std::uint64_t limit = stream_limit(stream);
    const std::uint64_t sent_end = stream.send.sent_end();
    if (has_messages(stream.kind)) return limit;
    if (!is_session_open()) return sent_end;
    return sent_end + std::min(credit_.room(), limit - std::min(limit, sent_end));
}

Streams::Readiness Streams::readiness(const StreamState& stream) const noexcept {
    if (stream.reset_code || stream.is_closed) return Readiness::idle;
    const SendBuffer& send = stream.send;
    if (send.has_lost() || send.is_end_due()) return Readiness::ready;
    if (send.sent_end() < std::min(send.end(), stream_limit(stream))) {
        const bool may_send = has_messages(stream.kind) || is_session_open();
        return may_send ? Readiness::ready : Readiness::blocked;
    }
    const bool is_all_sent = send.sent_end() == send.end();
    return is_all_sent && !stream.outgoing.is_empty() ? readiness_to_begin(stream)
                                                      : Readiness::idle;
}

Streams::Readiness Streams::readiness_to_begin(const StreamState& stream) const noexcept {
    const std::uint64_t limit = stream_limit(stream);
    const std::uint64_t room = limit - std::min(limit, stream.send.end());
    const std::size_t size = stream.outgoing.front().bytes.size();
    if (!stream.is_credited) return size <= room ? Readiness::ready : Readiness::idle;
    // The length field must come over, for the receiver to raise the limit by it.
    if (room < std::min(size, message_length_size_max)) return Readiness::idle;
    if (stream.send.skip_count() >= skip_count_max) return Readiness::idle;
    const bool is_turn = begin_queue_.is_empty() && size <= credit_.room();
    return is_turn ? Readiness::ready : Readiness::waiting;
}

void Streams::unqueue_data(StreamState& stream) noexcept {
    if (stream.place == StreamState::Place::queued) data_queues_[stream.priority].remove(stream);
    if (stream.place == StreamState::Place::blocked) blocked_[stream.priority].remove(stream);
    stream.place = StreamState::Place::none;
}

// Puts a stream that stands nowhere to where it belongs.
void Streams::place_data(StreamState& stream, Readiness readiness) {
    if (readiness == Readiness::ready) {
        data_queues_[stream.priority].push_back(stream);
        stream.place = StreamState::Place::queued;
    } else if (readiness == Readiness::blocked) {
        blocked_[stream.priority].push_back(stream);
        stream.place = StreamState::Place::blocked;
    } else if (readiness == Readiness::waiting && !stream.begin_link.is_linked) {
        begin_queue_.push_back(stream);
    }
}

void Streams::queue_data(StreamState& stream) {
    if (stream.place == StreamState::Place::queued) return;
    const Readiness readiness = this->readiness(stream);
    const bool is_blocked = stream.place == StreamState::Place::blocked;
    // It keeps its turn among those that wait.
    if (is_blocked && readiness == Readiness::blocked) return;
    unqueue_data(stream);
    place_data(stream, readiness);
}

StreamState* Streams::next_with_data(std::size_t priority) {
    DataList& queue = data_queues_[priority];
    DataList& blocked = blocked_[priority];
    while (true) {
        // One at a time, so that none moves without being served while the credit lasts, and before
        // those that had their turn.
        if (is_session_open() && !blocked.is_empty()) {
            StreamState& unblocked = blocked.front();
            unqueue_data(unblocked);
            queue.push_front(unblocked);
            unblocked.place = StreamState::Place::queued;
        }
        if (queue.is_empty()) return nullptr;
        StreamState& stream = queue.front();
        drop_oversize(stream);
        const Readiness readiness = this->readiness(stream);
        if (readiness == Readiness::ready) return &stream;
        unqueue_data(stream);
        place_data(stream, readiness);
    }
}

// An interruption does not begin a turn anew: who is interrupted often would never end it.
bool Streams::count_in_turn(StreamState& stream, std::size_t sent) const noexcept {
    const std::size_t frame_size = sent + frame_overhead_usual;
    stream.turn_sent += frame_size;
    // It has one more frame only if that is still within its turn.
    if (sent > 0 && stream.turn_sent + frame_size <= turn_size_) return false;
    stream.turn_sent = 0;
    return true;
}

std::optional<Streams::Candidate> Streams::next_candidate() {
    while (!control_queue_.is_empty()) {
        StreamState& stream = control_queue_.front();
        if (stream.items_pending != 0) {
            return Candidate{wire::FrameType::stream_control, stream.key};
        }
        control_queue_.remove(stream);
    }
    for (std::size_t priority = 0; priority < priority_count; ++priority) {
        if (data_queues_[priority].is_empty() && blocked_[priority].is_empty()) continue;
        if (const StreamState* stream = next_with_data(priority)) {
            return Candidate{wire::FrameType::data, stream->key};
        }
    }
    return std::nullopt;
}

bool Streams::has_data() const noexcept {
    const auto has_stream = [](const DataList& queue) { return !queue.is_empty(); };
    return std::any_of(data_queues_.begin(), data_queues_.end(), has_stream) ||
           std::any_of(blocked_.begin(), blocked_.end(), has_stream);
}

void Streams::on_limit_raised(StreamState& stream) {
    queue_data(stream);
    if (!stream.is_late_give_up) return;
    SendBuffer::Message* last = stream.send.last_message();
    if (last != nullptr && last->end > stream_limit(stream)) return;
    stream.is_late_give_up = false;
    if (last != nullptr) give_up(stream, *last);
}

}  // namespace stt::stream
