// Handshakes of both roles, and the sessions they make. Spec protocol §4.
#include <algorithm>

#include "core/connection/endpoint.hpp"

namespace stt::connection {

AttemptId Endpoint::connect(const Moment& moment, handshake::SeedId seed,
                            std::span<const Address> addresses,
                            const std::optional<handshake::NodeId>& wanted) {
    const stc::Context& context = *seeds_.at(seed);
    const AttemptId id = next_attempt_++;
    Attempt& attempt = attempts_[id];
    attempt.started_at = moment.now;
    attempt.deadline = moment.now + config_.connection.handshake_timeout;
    for (const Address& address : addresses) {
        const handshake::InitiatorConfig config{node_id_, config_.capabilities, wanted};
        Try one;
        one.route = address;
        one.initiator =
            std::make_unique<handshake::Initiator>(context, config, moment.unix_ms, *random_);
        one.interval = config_.connection.handshake_resend_first;
        by_handshake_id_[one.initiator->handshake_id()] = {id, attempt.tries.size()};
        send_hello(moment.now, one);
        attempt.tries.push_back(std::move(one));
    }
    return id;
}

void Endpoint::cancel(AttemptId id) {
    const auto found = attempts_.find(id);
    if (found == attempts_.end()) return;
    for (const Try& one : found->second.tries) {
        by_handshake_id_.erase(one.initiator->handshake_id());
    }
    attempts_.erase(found);
}

// The same bytes after 250 ms, then doubling to 2 s. Spec protocol §4.3.
void Endpoint::send_hello(Instant now, Try& one) {
    queue_datagram(one.route, one.initiator->hello_frame());
    ++one.sent_count;
    one.resend_at = now + one.interval;
    one.interval = std::min(2 * one.interval, config_.connection.handshake_resend_max);
}

void Endpoint::handle_attempt_timeouts(Instant now) {
    std::vector<AttemptId> failed;
    for (auto& [id, attempt] : attempts_) {
        if (now >= attempt.deadline) {
            failed.push_back(id);
            continue;
        }
        for (Try& one : attempt.tries) {
            if (now >= one.resend_at) send_hello(now, one);
        }
    }
    for (const AttemptId id : failed) {
        cancel(id);
        events_.push_back(ConnectFailed{id});
    }
}

void Endpoint::handle_handshake_frame(const Moment& moment, const Route& from,
                                      const wire::FrameView& frame) {
    if (frame.type == wire::FrameType::auth) return handle_auth_proof(moment, from, frame);
    if (frame.kind == wire::MetadataKind::seed_with_hint) return handle_hello(moment, from, frame);
    if (const auto place = by_handshake_id_.find(frame.session_id);
        place != by_handshake_id_.end()) {
        return handle_response(moment, from, frame, place->second);
    }
    if (const auto session = by_session_id_.find(frame.session_id);
        session != by_session_id_.end()) {
        return handle_final(moment, session->second, frame);
    }
    drop(wire::DropReason::handshake_unexpected);
}

void Endpoint::handle_hello(const Moment& moment, const Route& from, const wire::FrameView& frame) {
    if (sessions_.size() >= config_.session_count_max) {
        return drop(wire::DropReason::handshake_limit);
    }
    const auto response = responder_.handle_hello(
        moment.now, moment.unix_ms, from, frame,
        [this](const wire::SessionId& id) { return is_session_id_in_use(id); });
    if (!response) return drop(response.error());
    tell_received(moment.now, from, frame, trace::HandshakeMessage::hello);
    queue_datagram(from, *response);
}

void Endpoint::handle_response(const Moment& moment, const Route& from,
                               const wire::FrameView& frame, TryPlace place) {
    Attempt& attempt = attempts_.at(place.attempt);
    Try& one = attempt.tries[place.index];
    if (from != one.route) return drop(wire::DropReason::handshake_wrong_address);
    const auto handled =
        one.initiator->handle_response(frame, moment.unix_ms, [this](const wire::SessionId& id) {
            return is_session_id_in_use(id) || responder_.half_open_session_key(id) != nullptr;
        });
    if (!handled) return drop(handled.error());
    tell_received(moment.now, from, frame, trace::HandshakeMessage::response);

    ConnectionSetup setup;
    setup.role = session::Role::initiator;
    setup.session_id = one.initiator->session_id();
    setup.peer_node_id = one.initiator->peer_node_id();
    setup.peer = one.route;
    const Bytes auth_proof = one.initiator->auth_proof_frame();
    setup.auth_proof.assign(auth_proof.begin(), auth_proof.end());
    const Duration handshake = moment.now - attempt.started_at;
    // After a resend it is not known which HELLO was answered: no sample then.
    if (one.sent_count == 1) setup.round_trip = handshake;
    std::unique_ptr<handshake::Initiator> initiator = std::move(one.initiator);
    by_handshake_id_.erase(initiator->handshake_id());
    const SessionHandle session =
        add_session(moment.now, std::move(setup), initiator->take_session_key());
    sessions_.at(session).initiator = std::move(initiator);
    events_.push_back(SessionConnected{place.attempt, session, handshake});
    std::erase_if(attempt.tries, [](const Try& each) { return each.initiator == nullptr; });
    cancel(place.attempt);
}

void Endpoint::handle_final(const Moment& moment, SessionHandle session,
                            const wire::FrameView& frame) {
    Entry& entry = sessions_.at(session);
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
        const Entry& entry = sessions_.at(session->second);
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
    const Route peer = established->hello_source;
    accept(moment.now, peer, *std::move(established));
}

// The first frame that opens under a half-open session's keys makes it ACTIVE, when
// AUTH_PROOF was lost or overtaken. Spec protocol §4.2.
std::optional<SessionHandle> Endpoint::open_half_open(const Moment& moment,
                                                      const wire::FrameView& frame) {
    const stc::Key* session_key = responder_.half_open_session_key(frame.session_id);
    if (session_key == nullptr) return std::nullopt;
    const session::ReceiveKeys keys(*session_key, session::Role::initiator, frame.session_id);
    const auto key = keys.opening_key(frame.epoch, frame.stream_id);
    if (!key) return std::nullopt;
    // On a copy: the session opens the frame once more, by its own keys.
    std::vector<std::uint8_t> payload(frame.payload.begin(), frame.payload.end());
    stc::UnfoldJob job{key->get(), {frame.header, frame.metadata_head}, payload, frame.tag, false};
    if (!stc::unfold(job)) return std::nullopt;
    handshake::Established established = responder_.establish(moment.unix_ms, frame.session_id);
    const Route peer = established.hello_source;
    return accept(moment.now, peer, std::move(established));
}

SessionHandle Endpoint::accept(Instant now, const Route& peer, handshake::Established established) {
    ConnectionSetup setup;
    setup.role = session::Role::responder;
    setup.session_id = established.session_id;
    setup.peer_node_id = established.peer_node_id;
    setup.peer = peer;
    const SessionHandle session =
        add_session(now, std::move(setup), std::move(established.session_key));
    Entry& entry = sessions_.at(session);
    const Bytes final_frame = established.final_message.frame();
    entry.final_frame.assign(final_frame.begin(), final_frame.end());
    entry.auth_proof_fingerprint = established.auth_proof_fingerprint;
    queue_datagram(peer, final_frame);
    events_.push_back(SessionAccepted{session});
    return session;
}

SessionHandle Endpoint::add_session(Instant now, ConnectionSetup setup, stc::Key&& session_key) {
    const SessionHandle session = next_session_++;
    by_session_id_[setup.session_id] = session;
    Entry& entry = sessions_[session];
    entry.connection = std::make_unique<Connection>(config_.connection, scratch_, std::move(setup),
                                                    std::move(session_key), now, *random_);
    touch(session);
    return session;
}

}  // namespace stt::connection
