#include "core/connection/endpoint.hpp"

#include <algorithm>
#include <cstring>

namespace stt::connection {
namespace {

// Handshake datagrams that wait to be sent. Chosen: a burst of as many HELLOs as one
// coalesced receive can bring, a few times over; 1,200 bytes each.
constexpr std::size_t queue_count_max = 256;

handshake::ResponderConfig responder_config(const EndpointConfig& config) {
    handshake::ResponderConfig responder = config.responder;
    responder.own_node_id = handshake::node_id_of(config.identity);
    responder.capabilities = config.capabilities;
    return responder;
}

}  // namespace

Endpoint::Endpoint(const EndpointConfig& config, stc::RandomSource& random)
    : config_(config),
      random_(&random),
      node_id_(handshake::node_id_of(config.identity)),
      responder_(responder_config(config), random) {}

Result<handshake::SeedId, stc::SeedError> Endpoint::add_seed(Bytes seed) {
    STT_TRY(stc::Context context, stc::Context::create(seed));
    const handshake::SeedId id = next_seed_++;
    const auto [place, is_new] =
        seeds_.emplace(id, std::make_unique<stc::Context>(std::move(context)));
    STT_CHECK(is_new && responder_.add_seed(id, *place->second));
    return id;
}

void Endpoint::drop(wire::DropReason reason, const wire::FrameView* frame) {
    ++drops_[static_cast<std::size_t>(reason)];
    if (config_.connection.trace == nullptr) return;
    trace::FrameDropped event{reason, 0, std::nullopt};
    if (frame != nullptr) {
        event.size = frame->size;
        event.claim = {frame->type, frame->stream_id, frame->sequence, frame->epoch};
    }
    tell(now_, event);
}

void Endpoint::tell_received(Instant now, const Route& from, const wire::FrameView& frame,
                             trace::HandshakeMessage message) const {
    tell(now, trace::HandshakeMoved{trace::Direction::received, message, from, frame.size});
}

// A datagram of the handshake: one frame.
void Endpoint::tell_sent(Instant now, const Route& to, MutableBytes datagram) const {
    if (config_.connection.trace == nullptr) return;
    tell(now, trace::DatagramMoved{trace::Direction::sent, to, datagram.size(), 0});
    const auto frame = wire::parse_frame(datagram);
    if (!frame) return;
    auto message = trace::HandshakeMessage::response;
    if (frame->kind == wire::MetadataKind::seed_with_hint) {
        message = trace::HandshakeMessage::hello;
    } else if (by_session_id_.contains(frame->session_id)) {
        message = trace::HandshakeMessage::final;
    }
    tell(now, trace::HandshakeMoved{trace::Direction::sent, message, to, frame->size});
}

void Endpoint::handle_datagrams(const Moment& moment, const Route& from, MutableBytes data,
                                std::size_t segment_size, std::uint8_t ecn) {
    STT_CHECK(segment_size > 0);
    now_ = moment.now;
    while (!data.empty()) {
        const MutableBytes datagram = data.first(std::min(segment_size, data.size()));
        data = data.subspan(datagram.size());
        tell(moment.now,
             trace::DatagramMoved{trace::Direction::received, from, datagram.size(), ecn});
        handle_datagram(moment, from, datagram, ecn);
    }
    flush_frames(moment.now, from);
}

void Endpoint::handle_datagram(const Moment& moment, const Route& from, MutableBytes datagram,
                               std::uint8_t ecn) {
    bool is_first = true;
    while (!datagram.empty()) {
        const auto frame = wire::parse_frame(datagram);
        if (!frame) return drop(frame.error());
        datagram = datagram.subspan(frame->size);
        if (frame->kind != wire::MetadataKind::session) {
            // It may make the session that the frames behind it are of, and comes after
            // those before it.
            flush_frames(moment.now, from);
            handle_handshake_frame(moment, from, *frame);
            continue;
        }
        const auto session = route(moment, *frame);
        if (!session) {
            drop(wire::DropReason::session_unknown, &*frame);
            continue;
        }
        if (*session != frames_session_) flush_frames(moment.now, from);
        frames_session_ = *session;
        frames_.push_back({*frame, is_first, static_cast<recovery::EcnMark>(ecn & 3)});
        is_first = false;
    }
}

std::optional<SessionHandle> Endpoint::route(const Moment& moment, const wire::FrameView& frame) {
    const auto found = by_session_id_.find(frame.session_id);
    if (found != by_session_id_.end()) return found->second;
    return open_half_open(moment, frame);
}

void Endpoint::flush_frames(Instant now, const Route& from) {
    if (frames_.empty()) return;
    if (Connection* connection = find(frames_session_)) {
        connection->handle_frames(now, from, frames_);
        touch(frames_session_);
    }
    frames_.clear();
}

void Endpoint::handle_timeout(const Moment& moment) {
    responder_.handle_timeout(moment.now);
    handle_attempt_timeouts(moment.now);
    while (!timers_.empty() && timers_.begin()->first <= moment.now) {
        const SessionHandle session = timers_.begin()->second;
        timers_.erase(timers_.begin());
        Entry& entry = sessions_.at(session);
        entry.timer.reset();
        entry.connection->handle_timeout(moment.now);
        touch(session);
    }
}

Connection* Endpoint::find(SessionHandle session) noexcept {
    const auto found = sessions_.find(session);
    return found == sessions_.end() ? nullptr : found->second.connection.get();
}

void Endpoint::touch(SessionHandle session) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    Entry& entry = found->second;
    if (!std::exchange(entry.is_ready, true)) ready_.push_back(session);
    if (!std::exchange(entry.has_events, true)) with_events_.push_back(session);
}

void Endpoint::network_changed(const Moment& moment) {
    for (auto& [session, entry] : sessions_) {
        entry.connection->network_changed(moment.now);
        touch(session);
    }
}

std::optional<Transmit> Endpoint::poll_transmit(const Moment& moment, MutableBytes buffer) {
    if (!queue_.empty()) {
        const QueuedDatagram datagram = std::move(queue_.front());
        queue_.pop_front();
        std::memcpy(buffer.data(), datagram.bytes.data(), datagram.bytes.size());
        tell_sent(moment.now, datagram.to, buffer.first(datagram.bytes.size()));
        return Transmit{datagram.to, datagram.bytes.size(), datagram.bytes.size(), 0};
    }
    while (!ready_.empty()) {
        const SessionHandle session = ready_.front();
        ready_.pop_front();
        const auto found = sessions_.find(session);
        if (found == sessions_.end()) continue;
        Entry& entry = found->second;
        const auto transmit = entry.connection->poll_transmit(moment.now, buffer);
        if (transmit) {
            // To the back: sessions take turns, one burst each.
            ready_.push_back(session);
            return transmit;
        }
        entry.is_ready = false;
        set_timer(session, entry);
    }
    return std::nullopt;
}

std::optional<EndpointEvent> Endpoint::poll_event() {
    if (!events_.empty()) {
        EndpointEvent event = std::move(events_.front());
        events_.pop_front();
        return event;
    }
    while (!with_events_.empty()) {
        const SessionHandle session = with_events_.front();
        const auto found = sessions_.find(session);
        if (found != sessions_.end()) {
            Entry& entry = found->second;
            if (auto event = entry.connection->poll_event()) {
                if (std::holds_alternative<Confirmed>(*event)) entry.initiator.reset();
                return SessionEvent{session, *std::move(event)};
            }
            entry.has_events = false;
            if (entry.connection->is_closed()) erase(session);
        }
        with_events_.pop_front();
    }
    return std::nullopt;
}

std::optional<Instant> Endpoint::poll_timeout() const {
    std::optional<Instant> earliest = responder_.poll_timeout();
    const auto keep = [&earliest](Instant time) {
        if (!earliest || time < *earliest) earliest = time;
    };
    if (!timers_.empty()) keep(timers_.begin()->first);
    for (const auto& [id, attempt] : attempts_) {
        keep(attempt.deadline);
        for (const Try& one : attempt.tries) keep(one.resend_at);
    }
    return earliest;
}

void Endpoint::set_timer(SessionHandle session, Entry& entry) {
    const auto timer = entry.connection->poll_timeout();
    if (timer == entry.timer) return;
    if (entry.timer) timers_.erase({*entry.timer, session});
    entry.timer = timer;
    if (timer) timers_.emplace(*timer, session);
}

void Endpoint::erase(SessionHandle session) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    if (found->second.timer) timers_.erase({*found->second.timer, session});
    by_session_id_.erase(found->second.connection->session_id());
    sessions_.erase(found);
}

void Endpoint::queue_datagram(const Route& to, Bytes bytes) {
    if (queue_.size() >= queue_count_max) return drop(wire::DropReason::queue_full);
    queue_.push_back({to, {bytes.begin(), bytes.end()}});
}

}  // namespace stt::connection
