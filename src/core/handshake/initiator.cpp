#include "core/handshake/initiator.hpp"

#include <stt/check.hpp>
#include <utility>

#include "stc/dsf.hpp"

namespace stt::handshake {

using wire::DropReason;

Initiator::Initiator(const stc::Context& context, const InitiatorConfig& config,
                     std::int64_t unix_ms, stc::RandomSource& random) noexcept
    : context_(&context), random_(&random), config_(config), timestamp_(unix_ms) {
    random.fill(handshake_id_);
    random.fill(nonce_);
    HelloInput input{.handshake_id = handshake_id_,
                     .node_id = config.own_node_id,
                     .nonce = nonce_,
                     .timestamp = timestamp_,
                     .capabilities = config.capabilities};
    random.fill(input.frame_nonce);
    hello_ = build_hello(context, input);
}

Result<void, DropReason> Initiator::handle_response(const wire::FrameView& frame,
                                                    std::int64_t unix_ms,
                                                    SessionIdInUse is_in_use) {
    const bool is_expected = !session_ && frame.type == wire::FrameType::handshake &&
                             frame.kind == wire::MetadataKind::seed &&
                             frame.session_id == handshake_id_;
    if (!is_expected) return Unexpected(DropReason::handshake_unexpected);
    if (frame.size != padded_frame_size) return Unexpected(DropReason::handshake_malformed);
    STT_TRY(const OpenedMessage opened, OpenedMessage::open(*context_, frame));
    STT_TRY(const Response response, parse_response(opened.dict()));
    if (response.node_id == config_.own_node_id) {
        return Unexpected(DropReason::handshake_own_node);
    }
    if (config_.wanted_peer && response.node_id != *config_.wanted_peer) {
        return Unexpected(DropReason::handshake_wrong_peer);
    }
    AuthProofInput input{.parties = {.initiator = config_.own_node_id,
                                     .responder = response.node_id,
                                     .nonce_initiator = nonce_,
                                     .nonce_responder = response.nonce},
                         .timestamp = unix_ms};
    const Transcript transcript(hello_.dict());
    if (!is_challenge_good(*context_, response, input.parties, transcript.th1())) {
        return Unexpected(DropReason::handshake_commitment);
    }
    const wire::SessionId session_id = session_id_of(input.parties);
    if (is_in_use(session_id)) return Unexpected(DropReason::handshake_session_id_in_use);

    input.th2 = transcript.th2(opened.dict());
    random_->fill(input.proof_nonce);
    random_->fill(input.frame_nonce);
    stc::Key session_key = session_key_of(*context_, input.parties, timestamp_, input.th2);
    session_ = Session{.session_id = session_id,
                       .peer_node_id = response.node_id,
                       // A responder may claim to use only what was offered.
                       .used = intersection(config_.capabilities, response.capabilities),
                       .confirmation = confirmation_of(session_key, nonce_),
                       .auth_proof = build_auth_proof(*context_, input),
                       .session_key = std::move(session_key)};
    return {};
}

const wire::SessionId& Initiator::session_id() const noexcept {
    STT_CHECK(has_session());
    return session_->session_id;
}

const NodeId& Initiator::peer_node_id() const noexcept {
    STT_CHECK(has_session());
    return session_->peer_node_id;
}

const Capabilities& Initiator::used_capabilities() const noexcept {
    STT_CHECK(has_session());
    return session_->used;
}

Bytes Initiator::auth_proof_frame() const noexcept {
    STT_CHECK(has_session());
    return session_->auth_proof.frame();
}

stc::Key Initiator::take_session_key() noexcept {
    STT_CHECK(has_session() && session_->session_key);
    stc::Key session_key = *std::move(session_->session_key);
    session_->session_key.reset();
    return session_key;
}

Result<void, DropReason> Initiator::handle_final(const wire::FrameView& frame) const {
    const bool is_expected = session_ && frame.type == wire::FrameType::handshake &&
                             frame.kind == wire::MetadataKind::seed &&
                             frame.session_id == session_->session_id;
    if (!is_expected) return Unexpected(DropReason::handshake_unexpected);
    STT_TRY(const OpenedMessage opened, OpenedMessage::open(*context_, frame));
    STT_TRY(const Final final_message, parse_final(opened.dict()));
    if (final_message.session_id != session_->session_id) {
        return Unexpected(DropReason::handshake_malformed);
    }
    if (!stc::equal_constant_time(final_message.confirmation, session_->confirmation)) {
        return Unexpected(DropReason::handshake_commitment);
    }
    return {};
}

}  // namespace stt::handshake
