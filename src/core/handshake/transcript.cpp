// What the handshake's values are computed from. Spec protocol §4.
#include <algorithm>
#include <cstring>
#include <stt/check.hpp>

#include "core/handshake/contexts.hpp"
#include "core/handshake/messages.hpp"
#include "stc/phe.hpp"

namespace stt::handshake {
namespace {

stc::Digest digest_with(std::string_view purpose) noexcept {
    codec::ContextDict context;
    context.string("purpose", purpose);
    return stc::Digest(context.encoded());
}

Digest32 finished(stc::Digest& digest) noexcept {
    Digest32 output;
    digest.finish(output);
    return output;
}

// digest(a ‖ b, {"purpose": purpose}).
Digest32 digest_of(std::string_view purpose, Bytes a, Bytes b = {}) noexcept {
    stc::Digest digest = digest_with(purpose);
    digest.update(a);
    digest.update(b);
    return finished(digest);
}

std::array<std::uint8_t, 64> joined(const HandshakeNonce& a, const HandshakeNonce& b) noexcept {
    std::array<std::uint8_t, 64> both;
    std::copy(a.begin(), a.end(), both.begin());
    std::copy(b.begin(), b.end(), both.begin() + 32);
    return both;
}

}  // namespace

Capabilities intersection(const Capabilities& ours, const Capabilities& theirs) noexcept {
    return {.streaming = ours.streaming && theirs.streaming,
            .udp = ours.udp && theirs.udp,
            .websocket = ours.websocket && theirs.websocket};
}

NodeId node_id_of(std::span<const std::uint8_t, 32> identity) noexcept {
    return digest_of("node_id", identity);
}

wire::SessionId session_id_of(const Parties& parties) noexcept {
    wire::SessionId session_id;
    for (std::size_t i = 0; i < session_id.size(); ++i) {
        session_id[i] =
            static_cast<std::uint8_t>(parties.nonce_initiator[i] ^ parties.nonce_responder[i] ^
                                      parties.initiator[i] ^ parties.responder[i]);
    }
    return session_id;
}

Digest32 commitment_of(const stc::Context& context, const HandshakeNonce& nonce,
                       const NodeId& node_id, std::int64_t timestamp) noexcept {
    codec::ContextDict bound;
    bound.string("purpose", "hello_commitment").integer("timestamp", timestamp);
    Digest32 commitment;
    context.hash(joined(nonce, node_id), bound.encoded(), commitment);
    return commitment;
}

Transcript::Transcript(Bytes hello_dict) noexcept : hello_(digest_with("transcript")) {
    hello_.update(hello_dict);
}

Digest32 Transcript::th1() const noexcept {
    return th2({});
}

Digest32 Transcript::th2(Bytes response_dict) const noexcept {
    stc::Digest both = hello_;
    both.update(response_dict);
    return finished(both);
}

stc::Key session_key_of(const stc::Context& context, const Parties& parties, std::int64_t timestamp,
                        const Digest32& th2) noexcept {
    codec::ContextDict bound;
    bound.bytes("node_a", parties.initiator)
        .bytes("node_b", parties.responder)
        .bytes("nonce_a", parties.nonce_initiator)
        .bytes("nonce_b", parties.nonce_responder)
        .string("purpose", "session_key")
        .integer("timestamp", timestamp)
        .bytes("transcript", th2);
    return context.derive_key(bound.encoded());
}

Digest32 confirmation_of(const stc::Key& session_key,
                         const HandshakeNonce& nonce_initiator) noexcept {
    return digest_of("auth_challenge", session_key.bytes(), nonce_initiator);
}

FrameContext::FrameContext(Bytes header, Bytes metadata_head) noexcept {
    // Magic to Payload Length of a frame outside sessions, with the widest length; kind, hint, N.
    constexpr std::size_t size_max = 2 + 1 + 8 + 1 + 1 + 1 + 3 + 1 + 8 + 16;
    std::array<std::uint8_t, size_max> joined_header;
    STT_CHECK(header.size() + metadata_head.size() <= size_max);
    std::copy(header.begin(), header.end(), joined_header.begin());
    std::copy(metadata_head.begin(), metadata_head.end(),
              joined_header.begin() + static_cast<std::ptrdiff_t>(header.size()));
    dict_.bytes("header", Bytes(joined_header).first(header.size() + metadata_head.size()))
        .string("purpose", "frame");
}

std::array<std::uint8_t, 64> challenge_plaintext(const Parties& parties) noexcept {
    return joined(parties.nonce_initiator, parties.nonce_responder);
}

Digest32 fingerprint_of(const wire::FrameView& frame) noexcept {
    stc::Digest digest = digest_with("frame_fingerprint");
    digest.update(frame.header);
    digest.update(frame.payload);
    digest.update(frame.metadata_head);
    digest.update(frame.tag);
    return finished(digest);
}

}  // namespace stt::handshake
