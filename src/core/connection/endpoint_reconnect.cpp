// A former initiator that begins anew, and tells how far streams had come. Spec protocol §12.2.
#include <algorithm>

#include "core/connection/endpoint.hpp"

namespace stt::connection {
namespace {

bool is_active(const Connection& connection) noexcept {
    return connection.state() == SessionState::active ||
           connection.state() == SessionState::key_rotating;
}

}  // namespace

// After each drain of a session: whether it needs a new one, or has become of use again.
void Endpoint::follow(Instant now, SessionHandle session, Entry& entry) {
    const Connection& connection = *entry.connection;
    if (entry.former != 0) {
        if (is_active(connection)) return;
        // It ended before it was of use.
        const SessionHandle former = entry.former;
        discard(now, session, entry);
        return reconnections_.on_failed(now, former);
    }
    const bool is_wanted = connection.is_unreachable() && connection.is_confirmed() &&
                           is_active(connection) && !entry.routes.empty() &&
                           config_.reconnect.is_enabled;
    if (is_wanted == entry.is_reconnecting) return;
    if (!is_wanted) return stop_reconnecting(now, session, entry);
    entry.is_reconnecting = true;
    reconnections_.begin(now, session);
}

void Endpoint::stop_reconnecting(Instant now, SessionHandle session, Entry& entry) {
    entry.is_reconnecting = false;
    const auto ended = reconnections_.end(session);
    if (!ended) return;
    if (ended->phase == Reconnections::Phase::trying) attempts_.cancel(ended->attempt);
    if (ended->phase != Reconnections::Phase::asking) return;
    discard(now, ended->new_session, entry_at(ended->new_session));
}

// A session of which the application has never heard, and will not.
void Endpoint::discard(Instant now, SessionHandle session, Entry& entry) {
    entry.former = 0;
    entry.is_discarded = true;
    entry.routes = {};
    entry.connection->close(now, static_cast<std::uint64_t>(ErrorCode::none), {});
    touch(session);
}

void Endpoint::advance_reconnection(const Moment& moment, SessionHandle former) {
    const Reconnections::Reconnection& one = *reconnections_.find(former);
    if (one.phase == Reconnections::Phase::waiting) return try_reconnect(moment, former);
    // As with a session's own silence: that of a time in which nobody listened says nothing.
    if (moment.now > *one.due_at + sleep_min) reconnections_.ask_anew(former);
    const bool has_answered_late = one.question_count >= reconnect_questions;
    if (has_answered_late && entry_at(one.new_session).connection->is_confirmed()) {
        return replace(moment.now, former);
    }
    // A session that the peer has not confirmed takes no other's place: it may yet come to nothing.
    entry_at(former).connection->ask_peer(moment.now);
    touch(former);
    reconnections_.on_asked(moment.now, former);
}

void Endpoint::try_reconnect(const Moment& moment, SessionHandle former) {
    const Entry& entry = entry_at(former);
    if (!reconnections_.has_room() || session_room() <= responder_.half_open_count()) {
        return reconnections_.postpone(moment.now, former);
    }
    std::vector<Route> routes;
    const Route& last = entry.connection->route();
    if (!last.is_reliable()) routes.push_back(last);
    for (const Route& route : entry.routes) {
        if (route != last || last.is_reliable()) routes.push_back(route);
    }
    routes.resize(std::min(routes.size(), config_.address_count_max));
    // The WebSocket that it was made by has closed, and there is no other yet.
    if (routes.empty()) return reconnections_.postpone(moment.now, former);
    const AttemptId attempt = attempts_.begin({moment.now, moment.unix_ms},
                                              {entry.seed, seeds_.find(entry.seed), routes,
                                               handshake::NodeId(entry.connection->peer_node_id())},
                                              outbox_);
    reconnections_.on_tried(former, attempt);
}

// The event comes before all that the sessions tell: they have their turn after `events_`.
void Endpoint::replace(Instant now, SessionHandle former) {
    const auto ended = reconnections_.end(former);
    Entry& old_entry = entry_at(former);
    Entry& new_entry = entry_at(ended->new_session);
    old_entry.is_reconnecting = false;
    new_entry.former = 0;
    ++counted_.sessions_reconnected;
    events_.push_back(SessionReconnected{former, ended->new_session, ended->handshake,
                                         old_entry.connection->streams().progress()});
    // Should the peer have the former session still, it is told.
    old_entry.connection->close(now, static_cast<std::uint64_t>(ErrorCode::timeout),
                                "the peer did not answer, and a new session was made",
                                CloseCause::lost);
    touch(former);
    touch(ended->new_session);
}

}  // namespace stt::connection
