// The STC contexts of the handshake, which builders and verifiers share. Spec protocol §4.
#pragma once

#include <string_view>

#include "codec/dict_encoder.hpp"
#include "core/handshake/messages.hpp"

namespace stt::handshake {

// {"purpose", "initiator", "responder", "transcript"}: what binds a challenge or a proof.
class BoundContext {
public:
    BoundContext(std::string_view purpose, const Parties& parties,
                 const Digest32& transcript) noexcept {
        dict_.bytes("initiator", parties.initiator)
            .string("purpose", purpose)
            .bytes("responder", parties.responder)
            .bytes("transcript", transcript);
    }
    Bytes encoded() const noexcept { return dict_.encoded(); }

private:
    codec::ContextDict dict_;
};

inline constexpr std::string_view challenge_purpose = "handshake_challenge";
inline constexpr std::string_view proof_purpose = "auth_proof";

// {"purpose": "frame", "header": …}: the context of a frame of metadata kind 1 or 2. The header
// is the frame's bytes up to the payload, then the metadata without its tag. Spec protocol §3.
class FrameContext {
public:
    FrameContext(Bytes header, Bytes metadata_head) noexcept;
    Bytes encoded() const noexcept { return dict_.encoded(); }

private:
    codec::ContextDict dict_;
};

// nonce_I ‖ nonce_R, the challenge's plaintext.
std::array<std::uint8_t, 64> challenge_plaintext(const Parties& parties) noexcept;

}  // namespace stt::handshake
