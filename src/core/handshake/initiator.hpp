// The initiator's side of one handshake. Spec protocol §4.3.
#pragma once

#include <cstdint>
#include <optional>
#include <stt/bytes.hpp>
#include <stt/result.hpp>

#include "core/handshake/messages.hpp"
#include "core/handshake/session_id_in_use.hpp"
#include "stc/random.hpp"

namespace stt::handshake {

struct InitiatorConfig {
    NodeId own_node_id{};
    Capabilities capabilities{};
    std::optional<NodeId> wanted_peer;  // set: a RESPONSE from another node is dropped
};

// One try at one address by one transport; another try is another Initiator, with a new HELLO.
//
// The caller keeps the timers (resending the same bytes, giving up) and the addresses: it
// hands over only what came from where HELLO went (else it counts handshake_wrong_address).
// A frame of type HANDSHAKE belongs to handle_response() when its Session ID is
// handshake_id(), and to handle_final() when it is session_id(). What is dropped changes
// nothing: a good one may still come.
class Initiator {
public:
    // Draws handshake id, nonces and, later, those of AUTH_PROOF from `random`. `context` and
    // `random` are borrowed for the life of this object. `unix_ms` goes into HELLO.
    Initiator(const stc::Context& context, const InitiatorConfig& config, std::int64_t unix_ms,
              stc::RandomSource& random) noexcept;

    const HandshakeId& handshake_id() const noexcept { return handshake_id_; }
    // Exactly 1,200 bytes. Lives as long as this object.
    Bytes hello_frame() const noexcept { return hello_.frame(); }

    // The first good RESPONSE makes has_session() true. Drops: handshake_unexpected (not a
    // RESPONSE to this HELLO, or one was taken already), not_authentic, handshake_malformed,
    // handshake_version, handshake_own_node, handshake_wrong_peer, handshake_commitment,
    // handshake_session_id_in_use (`is_in_use` says that the caller has such a session: its
    // keys must not be installed twice, §4.4).
    Result<void, wire::DropReason> handle_response(const wire::FrameView& frame,
                                                   std::int64_t unix_ms, SessionIdInUse is_in_use);
    bool has_session() const noexcept { return session_.has_value(); }

    // All that follow: only when has_session().
    const wire::SessionId& session_id() const noexcept;
    const NodeId& peer_node_id() const noexcept;
    const Capabilities& used_capabilities() const noexcept;
    // AUTH_PROOF, at most 256 bytes, the same at each call. Lives as long as this object.
    Bytes auth_proof_frame() const noexcept;
    // The session key, moved out: once. It is wiped here.
    stc::Key take_session_key() noexcept;
    // Verifies that the peer has the session key. It may be called again; a repeated good FINAL
    // is good. Drops: handshake_unexpected (no session yet, or not a FINAL of it),
    // not_authentic, handshake_malformed, handshake_commitment.
    Result<void, wire::DropReason> handle_final(const wire::FrameView& frame) const;

private:
    struct Session {
        wire::SessionId session_id{};
        NodeId peer_node_id{};
        Capabilities used;
        Digest32 confirmation{};
        SealedMessage auth_proof;
        std::optional<stc::Key> session_key;
    };

    const stc::Context* context_;
    stc::RandomSource* random_;
    InitiatorConfig config_;
    HandshakeId handshake_id_{};
    HandshakeNonce nonce_{};
    std::int64_t timestamp_;
    SealedMessage hello_;
    std::optional<Session> session_;
};

}  // namespace stt::handshake
