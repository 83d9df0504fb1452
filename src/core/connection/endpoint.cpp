#include "core/connection/endpoint.hpp"

#include <algorithm>
#include <cstring>
#include <stt/check.hpp>

#include "base/byte_order.hpp"
#include "base/earliest.hpp"
#include "base/prefetch.hpp"
#include "codec/dict_encoder.hpp"
#include "stc/cke.hpp"

namespace stt::connection {
namespace {

// Of a datagram that several sessions share: what every path carries. Spec protocol §13.1.
constexpr std::size_t joined_size_max = recovery::datagram_size_base;

// From what only this node knows, so that no randomness is drawn for it.
HashKey hash_key_of(const EndpointConfig& config) {
    codec::ContextDict context;
    context.string("purpose", "tables");
    std::array<std::uint8_t, sizeof(HashKey)> bytes;
    stc::DerivationKey(config.identity).derive(context.encoded(), bytes);
    HashKey key;
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = load_little_endian<std::uint64_t>(bytes.data() + i * sizeof(std::uint64_t));
    }
    return key;
}

EndpointConfig with_hash_key(EndpointConfig config) {
    config.responder.hash_key = hash_key_of(config);
    return config;
}

handshake::ResponderConfig responder_config(const EndpointConfig& config) {
    handshake::ResponderConfig responder = config.responder;
    responder.own_node_id = handshake::node_id_of(config.identity);
    responder.capabilities = config.capabilities;
    return responder;
}

AttemptConfig attempt_config(const EndpointConfig& config) {
    AttemptConfig attempts;
    attempts.resend_first = config.connection.handshake_resend_first;
    attempts.resend_max = config.connection.handshake_resend_max;
    attempts.timeout = config.connection.handshake_timeout;
    attempts.address_delay = config.address_delay;
    attempts.address_count_max = config.address_count_max;
    return attempts;
}

}  // namespace

Endpoint::Endpoint(const EndpointConfig& config, stc::RandomSource& random)
    : config_(with_hash_key(config)),
      random_(&random),
      node_id_(handshake::node_id_of(config.identity)),
      responder_(responder_config(config_), random),
      seeds_(config.seed_count_max),
      by_session_id_(0, KeyedHash(config_.responder.hash_key)),
      attempts_(attempt_config(config), node_id_, config.capabilities, random),
      reconnections_(config.reconnect) {
    STT_CHECK(config.responder.shard.count == 1 || config.strays != nullptr);
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

bool Endpoint::handle_datagrams(const Moment& moment, const Route& from, MutableBytes data,
                                std::size_t segment_size, std::uint8_t ecn) {
    STT_CHECK(segment_size > 0);
    now_ = moment.now;
    bool is_of_frames = true;
    while (!data.empty()) {
        const MutableBytes datagram = data.first(std::min(segment_size, data.size()));
        data = data.subspan(datagram.size());
        tell(moment.now,
             trace::DatagramMoved{trace::Direction::received, from, datagram.size(), ecn});
        if (!handle_datagram(moment, from, datagram, ecn)) is_of_frames = false;
    }
    flush_frames(moment.now, from);
    return is_of_frames;
}

bool Endpoint::handle_datagram(const Moment& moment, const Route& from, MutableBytes datagram,
                               std::uint8_t ecn) {
    bool is_first = true;
    StrayRun stray;
    while (!datagram.empty()) {
        const auto frame = wire::parse_frame(datagram);
        if (!frame) {
            drop(frame.error());
            break;
        }
        const MutableBytes bytes = datagram.first(frame->size);
        datagram = datagram.subspan(frame->size);
        if (take_stray(*frame, bytes, from, ecn, stray)) continue;
        if (frame->kind != wire::MetadataKind::session) {
            // It may make the session that the frames behind it are of, and comes after
            // those before it.
            flush_frames(moment.now, from);
            handle_handshake_frame(moment, from, *frame);
            continue;
        }
        const auto session = session_of(moment, from, *frame);
        if (!session) {
            drop(wire::DropReason::session_unknown, &*frame);
            continue;
        }
        if (*session != frames_session_) {
            flush_frames(moment.now, from);
            fetch(entry_at(*session));
        }
        frames_session_ = *session;
        frames_.push_back({*frame, is_first, static_cast<recovery::EcnMark>(ecn & 3)});
        is_first = false;
    }
    flush_stray(from, ecn, stray);
    return datagram.empty();
}

// False: the frame is of this shard.
bool Endpoint::take_stray(const wire::FrameView& frame, MutableBytes bytes, const Route& from,
                          std::uint8_t ecn, StrayRun& run) {
    const handshake::Shard& shard = config_.responder.shard;
    if (shard.count == 1) return false;
    const std::size_t other = shard.shard_of(frame.session_id);
    if (other != run.shard || other == shard.index) flush_stray(from, ecn, run);
    if (other == shard.index) return false;
    ++counted_.frames_stray;
    run.shard = other;
    run.frames = {bytes.data() - run.frames.size(), run.frames.size() + bytes.size()};
    return true;
}

void Endpoint::flush_stray(const Route& from, std::uint8_t ecn, StrayRun& run) {
    if (run.frames.empty()) return;
    config_.strays->take_stray(run.shard, from, run.frames, ecn);
    run.frames = {};
}

std::optional<SessionHandle> Endpoint::session_of(const Moment& moment, const Route& from,
                                                  const wire::FrameView& frame) {
    // Most come behind others of their session.
    if (!frames_.empty() && frames_.back().view.session_id == frame.session_id) {
        return frames_session_;
    }
    const auto place = by_session_id_.find(frame.session_id);
    if (place == by_session_id_.end()) return open_half_open(moment, from, frame);
    found_ = place->second;
    return found_.session;
}

void Endpoint::flush_frames(Instant now, const Route& from) {
    if (frames_.empty()) return;
    if (Connection* connection = find(frames_session_)) {
        connection->handle_frames(now, from, frames_);
        if (from.is_reliable() && connection->paths().has(from)) note_route(frames_session_, from);
        touch(frames_session_);
    }
    frames_.clear();
}

// A session has few paths; what is none any more makes room for what is new.
void Endpoint::note_route(SessionHandle session, const Route& route) {
    Entry& entry = entry_at(session);
    std::vector<std::uint64_t>& websockets = entry.websockets;
    if (std::find(websockets.begin(), websockets.end(), route.connection) != websockets.end()) {
        return;
    }
    std::erase_if(websockets, [&](std::uint64_t websocket) {
        if (entry.connection->paths().has_websocket(websocket)) return false;
        by_websocket_.erase({websocket, session});
        if (!carries_session(Route({}, websocket))) events_.push_back(WebSocketUnused{websocket});
        return true;
    });
    websockets.push_back(route.connection);
    by_websocket_.insert({route.connection, session});
}

void Endpoint::handle_route_closed(const Moment& moment, const Route& route) {
    auto place = by_websocket_.lower_bound({route.connection, 0});
    while (place != by_websocket_.end() && place->first == route.connection) {
        const SessionHandle session = place->second;
        place = by_websocket_.erase(place);
        Entry& entry = entry_at(session);
        std::erase(entry.websockets, route.connection);
        std::erase(entry.routes, route);
        entry.connection->handle_route_closed(moment.now, route);
        touch(session);
    }
    scratch_.full_websockets.erase(route.connection);
    attempts_.handle_route_closed(route);
    take_failed_attempts(moment.now);
}

void Endpoint::set_route_full(const Route& route, bool is_full) {
    if (is_full) {
        scratch_.full_websockets.insert(route.connection);
        return;
    }
    if (scratch_.full_websockets.erase(route.connection) == 0) return;
    for (auto place = by_websocket_.lower_bound({route.connection, 0});
         place != by_websocket_.end() && place->first == route.connection; ++place) {
        touch(place->second);
    }
}

void Endpoint::move_to(const Moment& moment, SessionHandle session, const Route& route) {
    Entry* const found = entry_of(session);
    if (found == nullptr) return;
    Entry& entry = *found;
    if (route.is_reliable()) {
        note_route(session, route);
        const bool is_initiator = entry.connection->role() == session::Role::initiator;
        if (is_initiator) entry.routes.insert(entry.routes.begin(), route);
    }
    entry.connection->move_to(moment.now, route);
    touch(session);
}

bool Endpoint::carries_session(const Route& route) const noexcept {
    const auto place = by_websocket_.lower_bound({route.connection, 0});
    return place != by_websocket_.end() && place->first == route.connection;
}

void Endpoint::handle_timeout(const Moment& moment) {
    responder_.handle_timeout(moment.now);
    while (const auto expired = seeds_.poll_expired(moment.now)) {
        remove_seed(moment, *expired);
        events_.push_back(SeedExpired{*expired});
    }
    attempts_.handle_timeout({moment.now, moment.unix_ms}, outbox_);
    take_failed_attempts(moment.now);
    while (!timers_.empty() && timers_.begin()->first <= moment.now) {
        const SessionHandle session = timers_.begin()->second;
        Entry& entry = entry_at(session);
        entry.spare_timer = timers_.extract(timers_.begin());
        entry.timer.reset();
        const auto due = entry.connection->poll_timeout();
        if (!due || *due > moment.now) {
            set_timer(session, entry);
            continue;
        }
        entry.connection->handle_timeout(moment.now);
        touch(session);
    }
    while (const auto former = reconnections_.poll_due(moment.now)) {
        advance_reconnection(moment, *former);
    }
}

Endpoint::Entry* Endpoint::entry_of(SessionHandle session) const noexcept {
    if (session == found_.session) return found_.entry;
    const auto place = by_handle_.find(session);
    if (place == by_handle_.end()) return nullptr;
    found_ = {session, place->second};
    return found_.entry;
}

Endpoint::Entry& Endpoint::entry_at(SessionHandle session) const noexcept {
    Entry* const entry = entry_of(session);
    STT_CHECK(entry != nullptr);
    return *entry;
}

// Of many sessions most are in no cache when they are used again; but one that waits for its turn
// was used just now.
void Endpoint::fetch(const Entry& entry) noexcept {
    if (!entry.is_ready) prefetch(*entry.connection);
}

Connection* Endpoint::find(SessionHandle session) noexcept {
    const Entry* const entry = entry_of(session);
    if (entry == nullptr) return nullptr;
    fetch(*entry);
    return entry->connection.get();
}

void Endpoint::touch(SessionHandle session) {
    Entry* const found = entry_of(session);
    if (found == nullptr) return;
    Entry& entry = *found;
    entry.is_drained = false;
    if (!std::exchange(entry.is_ready, true)) ready_.push_back(session);
    if (!std::exchange(entry.has_events, true)) with_events_.push_back(session);
}

void Endpoint::network_changed(const Moment& moment) {
    for (auto& [session, entry] : sessions_) {
        entry.connection->network_changed(moment.now);
        touch(session);
    }
    reconnections_.hurry(moment.now);
}

// Handshakes and sessions take turns. Many of the one must not hold up the other: an AUTH_PROOF,
// which is its session's, waits for no HELLO that was begun after it.
std::optional<Transmit> Endpoint::poll_transmit(const Moment& moment, MutableBytes buffer) {
    if (is_handshake_next_) {
        if (auto transmit = transmit_handshake(moment.now, buffer)) return transmit;
    }
    if (auto transmit = transmit_session(moment.now, buffer)) return transmit;
    return transmit_handshake(moment.now, buffer);
}

std::optional<Transmit> Endpoint::transmit_handshake(Instant now, MutableBytes buffer) {
    if (outbox_.empty()) return std::nullopt;
    is_handshake_next_ = false;
    const Outbox::Datagram& datagram = outbox_.front();
    const Transmit transmit{datagram.to, datagram.bytes.size(), datagram.bytes.size(), 0};
    std::memcpy(buffer.data(), datagram.bytes.data(), datagram.bytes.size());
    tell_sent(now, transmit.to, buffer.first(transmit.size));
    outbox_.pop();
    return transmit;
}

std::optional<Transmit> Endpoint::transmit_session(Instant now, MutableBytes buffer) {
    is_handshake_next_ = true;
    while (!ready_.empty()) {
        const SessionHandle session = ready_.front();
        ready_.pop_front();
        Entry* const found = entry_of(session);
        if (found == nullptr) continue;
        Entry& entry = *found;
        if (!entry.is_drained) {
            if (auto transmit = entry.connection->poll_transmit(now, buffer)) {
                entry.is_drained = entry.connection->is_drained();
                let_join(now, buffer, *transmit);
                // To the back: sessions take turns, one burst each. And what follows the last one
                // waits until that is on its way.
                ready_.push_back(session);
                return transmit;
            }
        }
        entry.is_ready = false;
        follow(now, session, entry);
        set_timer(session, entry);
    }
    return std::nullopt;
}

// Behind an acknowledgement there is room for those of other sessions with the same peer, whose
// turn is next: to send a datagram costs more than to write one. Spec protocol §3.2.
void Endpoint::let_join(Instant now, MutableBytes buffer, Transmit& transmit) {
    if (transmit.size > transmit.segment_size || transmit.to.is_reliable()) return;
    while (!ready_.empty() && transmit.size + join_room_min <= joined_size_max) {
        const SessionHandle session = ready_.front();
        Entry* const entry = entry_of(session);
        const MutableBytes room = buffer.first(joined_size_max).subspan(transmit.size);
        const std::size_t size = entry == nullptr || entry->is_drained
                                     ? 0
                                     : entry->connection->join(now, transmit, room);
        if (size == 0) break;
        transmit.size += size;
        transmit.segment_size = transmit.size;
        // Behind those whose turn has not come: what it left out, it says then.
        ready_.pop_front();
        ready_.push_back(session);
    }
    scratch_.batch.seal();
}

std::optional<EndpointEvent> Endpoint::poll_event() {
    if (!events_.empty()) {
        EndpointEvent event = std::move(events_.front());
        events_.pop_front();
        return event;
    }
    while (!with_events_.empty()) {
        const SessionHandle session = with_events_.front();
        if (Entry* const found = entry_of(session)) {
            Entry& entry = *found;
            if (auto event = take_event(entry)) return SessionEvent{session, *std::move(event)};
            entry.has_events = false;
            if (entry.connection->is_closed()) erase(session);
        }
        with_events_.pop_front();
        // The end of a session may be that of its WebSocket's use.
        if (!events_.empty()) return poll_event();
    }
    return std::nullopt;
}

std::optional<Event> Endpoint::take_event(Entry& entry) {
    // What it has to tell waits until it is known whether anybody is told.
    if (entry.former != 0) return std::nullopt;
    while (auto event = entry.connection->poll_event()) {
        if (std::holds_alternative<Confirmed>(*event)) entry.initiator.reset();
        if (!entry.is_discarded) return event;
    }
    return std::nullopt;
}

std::optional<Instant> Endpoint::poll_timeout() const {
    std::optional<Instant> earliest = responder_.poll_timeout();
    if (!timers_.empty()) keep_earliest(earliest, timers_.begin()->first);
    keep_earliest(earliest, seeds_.poll_timeout());
    keep_earliest(earliest, attempts_.poll_timeout());
    keep_earliest(earliest, reconnections_.poll_timeout());
    return earliest;
}

void Endpoint::set_timer(SessionHandle session, Entry& entry) {
    const auto timer = entry.connection->poll_timeout();
    if (entry.timer && (!timer || *timer >= *entry.timer)) return;
    if (entry.timer) entry.spare_timer = timers_.extract({*entry.timer, session});
    entry.timer = timer;
    if (!timer) return;
    if (entry.spare_timer.empty()) {
        timers_.emplace(*timer, session);
    } else {
        entry.spare_timer.value() = {*timer, session};
        timers_.insert(std::move(entry.spare_timer));
    }
}

void Endpoint::erase(SessionHandle session) {
    const Entry* const found = entry_of(session);
    if (found == nullptr) return;
    const Entry& entry = *found;
    const Connection& connection = *entry.connection;
    if (entry.timer) timers_.erase({*entry.timer, session});
    for (const std::uint64_t websocket : entry.websockets) {
        by_websocket_.erase({websocket, session});
        if (!carries_session(Route({}, websocket))) events_.push_back(WebSocketUnused{websocket});
    }
    by_session_id_.erase(connection.session_id());
    by_seed_.erase({entry.seed, session});
    ++counted_.sessions_ended;
    counted_.ended_totals += connection.totals();
    for (std::size_t i = 0; i < counted_.drops.size(); ++i) {
        counted_.drops[i] += connection.drops()[i];
    }
    found_ = {};
    by_handle_.erase(session);
    sessions_.erase(session);
    scratch_.buffers.set_size_max(buffer_pool_size_max(sessions_.size()));
}

std::size_t Endpoint::session_room() const noexcept {
    const std::size_t taken = sessions_.size() + attempts_.count();
    return config_.session_count_max - std::min(config_.session_count_max, taken);
}

std::optional<handshake::SeedId> Endpoint::seed_of(SessionHandle session) const noexcept {
    const Entry* const entry = entry_of(session);
    if (entry == nullptr) return std::nullopt;
    return entry->seed;
}

EndpointStatistics Endpoint::statistics() const {
    EndpointStatistics statistics = counted_;
    statistics.sessions = sessions_.size();
    statistics.half_open = responder_.half_open_count();
    statistics.nonces = responder_.nonce_count();
    statistics.seeds = seeds_.count();
    statistics.attempts = attempts_.count();
    const auto add = [&statistics](const DropCounters& drops) {
        for (std::size_t i = 0; i < drops.size(); ++i) statistics.drops[i] += drops[i];
    };
    add(drops_);
    for (const auto& [session, entry] : sessions_) add(entry.connection->drops());
    return statistics;
}

std::size_t Endpoint::sessions_after(SessionHandle after,
                                     std::span<SessionHandle> output) const noexcept {
    std::size_t count = 0;
    for (auto at = sessions_.upper_bound(after); at != sessions_.end() && count < output.size();
         ++at) {
        if (at->second.former != 0 || at->second.is_discarded) continue;
        output[count++] = at->first;
    }
    return count;
}

void Endpoint::queue_datagram(const Route& to, Bytes bytes) {
    if (!outbox_.push(to, bytes)) drop(wire::DropReason::queue_full);
}

}  // namespace stt::connection
