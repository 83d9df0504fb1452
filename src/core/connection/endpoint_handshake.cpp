// Handshakes of both roles, and the sessions they make. Spec protocol §4.
#include <algorithm>
#include <stt/check.hpp>

#include "core/connection/endpoint.hpp"

namespace stt::connection {

AttemptId Endpoint::connect(const Moment& moment, handshake::SeedId seed,
                            std::span<const Route> routes,
                            const std::optional<handshake::NodeId>& wanted) {
    // The peer, and not this side, would choose the shard of the session.
    STT_CHECK(config_.responder.shard.count == 1);
    const stc::Context* const context = seeds_.find(seed);
    std::optional<ConnectError> error;
    if (routes.empty()) error = ConnectError::no_address;
    if (routes.size() > config_.address_count_max) error = ConnectError::too_many_addresses;
    if (session_room() <= responder_.half_open_count()) error = ConnectError::too_many_sessions;
    if (context == nullptr) error = ConnectError::seed_unknown;
    if (error) {
        const AttemptId refused = refused_attempt_++;
        fail_attempt(moment.now, refused, *error);
        return refused;
    }
    return attempts_.begin({moment.now, moment.unix_ms}, {seed, context, routes, wanted}, outbox_);
}

void Endpoint::cancel(AttemptId attempt) {
    if (!reconnections_.owner_of(attempt)) attempts_.cancel(attempt);
}

void Endpoint::fail_attempt(Instant now, AttemptId attempt, ConnectError error) {
    ++counted_.attempts_failed[static_cast<std::size_t>(error)];
    if (const auto former = reconnections_.owner_of(attempt)) {
        return reconnections_.on_failed(now, *former);
    }
    events_.push_back(ConnectFailed{attempt, error});
}

void Endpoint::take_failed_attempts(Instant now) {
    while (const auto failed = attempts_.poll_failed()) {
        fail_attempt(now, failed->attempt, failed->error);
    }
}

Result<handshake::SeedId, AddSeedError> Endpoint::add_seed(
    Bytes seed, const std::optional<Instant>& expires_at) {
    STT_TRY(const handshake::SeedId id, seeds_.add(seed, expires_at));
    STT_CHECK(responder_.add_seed(id, *seeds_.find(id)));
    return id;
}

bool Endpoint::remove_seed(const Moment& moment, handshake::SeedId seed) {
    if (seeds_.find(seed) == nullptr) return false;
    // Whatever refers to its context goes first.
    responder_.remove_seed(seed);
    for (const AttemptId attempt : attempts_.cancel_all_of(seed)) {
        fail_attempt(moment.now, attempt, ConnectError::seed_removed);
    }
    const auto code = static_cast<std::uint64_t>(ErrorCode::refused);
    for (auto at = by_seed_.lower_bound({seed, 0}); at != by_seed_.end() && at->first == seed;
         ++at) {
        Entry& entry = entry_at(at->second);
        entry.initiator.reset();
        stop_reconnecting(moment.now, at->second, entry);
        entry.connection->close(moment.now, code, "the seed is no longer served",
                                CloseCause::seed_removed);
        touch(at->second);
    }
    return seeds_.remove(seed);
}

void Endpoint::handle_handshake_frame(const Moment& moment, const Route& from,
                                      const wire::FrameView& frame) {
    if (frame.type == wire::FrameType::auth) return handle_auth_proof(moment, from, frame);
    if (frame.kind == wire::MetadataKind::seed_with_hint) return handle_hello(moment, from, frame);
    if (attempts_.is_awaited(frame.session_id)) return handle_response(moment, from, frame);
    if (const auto session = by_session_id_.find(frame.session_id);
        session != by_session_id_.end()) {
        return handle_final(moment, session->second.session, frame);
    }
    drop(wire::DropReason::handshake_unexpected);
}

void Endpoint::handle_hello(const Moment& moment, const Route& from, const wire::FrameView& frame) {
    responder_.set_session_room(session_room());
    const auto response = responder_.handle_hello(
        moment.now, moment.unix_ms, from, frame,
        [this](const wire::SessionId& id) { return is_session_id_in_use(id); });
    if (!response) return drop(response.error());
    tell_received(moment.now, from, frame, trace::HandshakeMessage::hello);
    queue_datagram(from, *response);
}

void Endpoint::handle_response(const Moment& moment, const Route& from,
                               const wire::FrameView& frame) {
    auto won = attempts_.handle_response(
        {moment.now, moment.unix_ms}, from, frame, [this](const wire::SessionId& id) {
            return is_session_id_in_use(id) || responder_.half_open_session_key(id) != nullptr;
        });
    if (!won) return drop(won.error(), &frame);
    tell_received(moment.now, from, frame, trace::HandshakeMessage::response);
    handshake::Initiator& initiator = *won->initiator;
    ConnectionSetup setup;
    setup.role = session::Role::initiator;
    setup.session_id = initiator.session_id();
    setup.peer_node_id = initiator.peer_node_id();
    setup.peer = won->route;
    const Bytes auth_proof = initiator.auth_proof_frame();
    setup.auth_proof.assign(auth_proof.begin(), auth_proof.end());
    setup.round_trip = won->round_trip;
    const SessionHandle session = next_session_;
    Entry& entry =
        add_session(moment.now, won->seed, std::move(setup), initiator.take_session_key());
    entry.initiator = std::move(won->initiator);
    if (won->route.is_reliable()) note_route(session, won->route);
    ++counted_.sessions_connected;
    if (const auto former = reconnections_.owner_of(won->attempt)) {
        entry.former = *former;
        entry.routes = entry_at(*former).routes;
        return reconnections_.on_response(moment.now, *former, session,
                                          moment.now - won->started_at,
                                          entry.connection->path().rtt().smoothed());
    }
    entry.routes = std::move(won->addresses);
    events_.push_back(SessionConnected{won->attempt, session, moment.now - won->started_at});
}

void Endpoint::handle_final(const Moment& moment, SessionHandle session,
                            const wire::FrameView& frame) {
    Entry& entry = entry_at(session);
    if (entry.initiator == nullptr) return drop(wire::DropReason::handshake_unexpected);
    if (const auto handled = entry.initiator->handle_final(frame); !handled) {
        return drop(handled.error());
    }
    tell_received(moment.now, entry.connection->route(), frame, trace::HandshakeMessage::final);
    entry.connection->handle_confirmed(moment.now);
    touch(session);
}

void Endpoint::handle_auth_proof(const Moment& moment, const Route& from,
                                 const wire::FrameView& frame) {
    const auto session = by_session_id_.find(frame.session_id);
    if (session != by_session_id_.end()) {
        // A repeat gets the stored FINAL while the session is ACTIVE. Spec protocol §4.2.
        const Entry& entry = *session->second.entry;
        const bool is_active = entry.connection->state() == SessionState::active ||
                               entry.connection->state() == SessionState::key_rotating;
        const bool is_repeat = entry.auth_proof_fingerprint &&
                               *entry.auth_proof_fingerprint == handshake::fingerprint_of(frame);
        if (!is_active || !is_repeat) return drop(wire::DropReason::handshake_unexpected);
        return queue_datagram(from, entry.final_frame);
    }
    auto established = responder_.handle_auth_proof(moment.now, moment.unix_ms, from, frame);
    if (!established) return drop(established.error());
    tell_received(moment.now, from, frame, trace::HandshakeMessage::auth_proof);
    accept(moment.now, *std::move(established), from, frame.size);
}

// The first frame that opens under a half-open session's keys makes it ACTIVE, when
// AUTH_PROOF was lost or overtaken. Spec protocol §4.2.
std::optional<SessionHandle> Endpoint::open_half_open(const Moment& moment, const Route& from,
                                                      const wire::FrameView& frame) {
    const stc::Key* session_key = responder_.half_open_session_key(frame.session_id);
    if (session_key == nullptr) return std::nullopt;
    const session::ReceiveKeys keys(stc::DerivationKey(*session_key), session::Role::initiator,
                                    frame.session_id);
    const auto key = keys.opening_key(frame.epoch, frame.stream_id);
    if (!key) return std::nullopt;
    // On a copy: the session opens the frame once more, by its own keys. Its room is kept, so that
    // forged frames allocate nothing.
    frame_copy_.assign(frame.payload.begin(), frame.payload.end());
    stc::UnfoldJob job{
        key->get(), {frame.header, frame.metadata_head}, frame_copy_, frame.tag, false};
    if (!stc::unfold(job)) return std::nullopt;
    handshake::Established established = responder_.establish(moment.unix_ms, frame.session_id);
    return accept(moment.now, std::move(established), from, 0);
}

SessionHandle Endpoint::accept(Instant now, handshake::Established established, const Route& from,
                               std::size_t auth_proof_size) {
    const Route peer = established.hello_source;
    const Bytes final_frame = established.final_message.frame();
    ConnectionSetup setup;
    setup.role = session::Role::responder;
    setup.session_id = established.session_id;
    setup.peer_node_id = established.peer_node_id;
    setup.peer = peer;
    setup.is_path_validated = from == peer;
    if (!setup.is_path_validated) {
        // HELLO came from there, RESPONSE went there, and FINAL follows. A session frame makes
        // its source the candidate by itself.
        setup.bytes_received = handshake::padded_frame_size;
        setup.bytes_sent = handshake::padded_frame_size + final_frame.size();
        if (auth_proof_size > 0) setup.candidate = from;
        setup.candidate_bytes_received = auth_proof_size;
    }
    const SessionHandle session = next_session_;
    Entry& entry =
        add_session(now, established.seed_id, std::move(setup), std::move(established.session_key));
    ++counted_.sessions_accepted;
    if (peer.is_reliable()) note_route(session, peer);
    if (from.is_reliable()) note_route(session, from);
    entry.final_frame.assign(final_frame.begin(), final_frame.end());
    entry.auth_proof_fingerprint = established.auth_proof_fingerprint;
    queue_datagram(peer, final_frame);
    events_.push_back(SessionAccepted{session});
    return session;
}

Endpoint::Entry& Endpoint::add_session(Instant now, handshake::SeedId seed, ConnectionSetup setup,
                                       stc::Key&& session_key) {
    const SessionHandle session = next_session_++;
    Entry& entry = sessions_[session];
    by_handle_.emplace(session, &entry);
    by_session_id_[setup.session_id] = {session, &entry};
    by_seed_.emplace(seed, session);
    scratch_.buffers.set_size_max(buffer_pool_size_max(sessions_.size()));
    entry.seed = seed;
    entry.connection = std::make_unique<Connection>(config_.connection, scratch_, std::move(setup),
                                                    std::move(session_key), now, *random_);
    touch(session);
    return entry;
}

}  // namespace stt::connection
