#include <algorithm>
#include <stt/check.hpp>

#include "codec/dict_encoder.hpp"
#include "codec/tlv_primitives.hpp"
#include "core/handshake/contexts.hpp"
#include "core/handshake/messages.hpp"

namespace stt::handshake {
namespace {

using codec::DictEncoder;

// How a message's frame looks from outside.
struct Envelope {
    wire::FrameType type = wire::FrameType::handshake;
    wire::SessionId session_id{};
    bool has_hint = false;
    FrameNonce nonce{};
};

// A canonical LIST of the words, in ascending order.
class CapabilityList {
public:
    explicit CapabilityList(const Capabilities& capabilities) noexcept : writer_(storage_) {
        const std::uint32_t count = static_cast<std::uint32_t>(
            capabilities.streaming + capabilities.udp + capabilities.websocket);
        codec::write_count(writer_, codec::Tag::list, count);
        if (capabilities.streaming) codec::write_string(writer_, "streaming");
        if (capabilities.udp) codec::write_string(writer_, "udp");
        if (capabilities.websocket) codec::write_string(writer_, "websocket");
    }
    Bytes encoded() const noexcept { return writer_.written(); }

private:
    std::array<std::uint8_t, 64> storage_{};
    codec::Writer writer_;
};

}  // namespace

class Sealer {
public:
    // `write_dict(DictEncoder&)` writes the dict.
    template <class WriteDict>
    static SealedMessage seal(const stc::Context& context, const Envelope& envelope,
                              const WriteDict& write_dict) noexcept {
        SealedMessage message;
        DictEncoder encoder(message.dict_);
        write_dict(encoder);
        message.dict_size_ = encoder.encoded().size();
        seal_dict(context, envelope, message);
        return message;
    }

    // The same for HELLO and RESPONSE: a dict with a padding, as much as makes the frame 1,200
    // bytes.
    template <class WriteDict>
    static SealedMessage seal_padded(const stc::Context& context, const Envelope& envelope,
                                     const WriteDict& write_dict) noexcept {
        // The payload's length takes two bytes from 128 on, and the payload is always longer.
        const std::size_t overhead =
            wire::handshake_frame_overhead(padded_frame_size, envelope.has_hint);
        SealedMessage message = seal(context, envelope, [&](DictEncoder& encoder) {
            write_dict(encoder);
            encoder.fill_up(padded_frame_size - overhead);
        });
        STT_CHECK(message.frame_size_ == padded_frame_size);
        return message;
    }

private:
    static void seal_dict(const stc::Context& context, const Envelope& envelope,
                          SealedMessage& message) noexcept {
        stc::SeedHint hint{};
        if (envelope.has_hint) hint = context.seed_hint(envelope.nonce);
        const wire::FrameLayout layout = wire::lay_out_handshake_frame(
            envelope.type, envelope.session_id, envelope.has_hint ? Bytes(hint) : Bytes{},
            envelope.nonce, message.dict_size_, message.frame_);
        const Bytes dict = message.dict();
        std::copy(dict.begin(), dict.end(), layout.payload.begin());
        const FrameContext frame_context(layout.header, layout.metadata_head);
        const stc::Metadata metadata =
            context.encrypt(layout.payload, frame_context.encoded(), envelope.nonce);
        // 0x01 ‖ N ‖ T: the frame places N by itself.
        std::copy(metadata.end() - wire::handshake_tag_size, metadata.end(), layout.tag.begin());
        message.frame_size_ = layout.size;
    }
};

SealedMessage build_hello(const stc::Context& context, const HelloInput& input) noexcept {
    const Digest32 commitment = commitment_of(context, input.nonce, input.node_id, input.timestamp);
    const CapabilityList capabilities(input.capabilities);
    const Envelope envelope{
        .session_id = input.handshake_id, .has_hint = true, .nonce = input.frame_nonce};
    return Sealer::seal_padded(context, envelope, [&](DictEncoder& dict) {
        dict.encoded_value("capabilities", capabilities.encoded())
            .bytes("commitment", commitment)
            .bytes("node_id", input.node_id)
            .bytes("nonce", input.nonce)
            .padding("padding")
            .integer("timestamp", input.timestamp)
            .string("type", "HELLO")
            .integer("version", protocol_version);
    });
}

SealedMessage build_response(const stc::Context& context, const ResponseInput& input) noexcept {
    std::array<std::uint8_t, 64> challenge = challenge_plaintext(input.parties);
    const BoundContext bound(challenge_purpose, input.parties, input.th1);
    const stc::Metadata metadata =
        context.encrypt(challenge, bound.encoded(), input.challenge_nonce);
    const CapabilityList capabilities(input.used);
    const Envelope envelope{.session_id = input.handshake_id, .nonce = input.frame_nonce};
    return Sealer::seal_padded(context, envelope, [&](DictEncoder& dict) {
        dict.encoded_value("capabilities", capabilities.encoded())
            .bytes("challenge", challenge)
            .bytes("metadata", metadata)
            .bytes("node_id", input.parties.responder)
            .bytes("nonce", input.parties.nonce_responder)
            .padding("padding")
            .integer("timestamp", input.timestamp)
            .string("type", "RESPONSE")
            .integer("version", protocol_version);
    });
}

SealedMessage build_auth_proof(const stc::Context& context, const AuthProofInput& input) noexcept {
    const wire::SessionId session_id = session_id_of(input.parties);
    wire::SessionId proof = session_id;
    const BoundContext bound(proof_purpose, input.parties, input.th2);
    const stc::Metadata metadata = context.encrypt(proof, bound.encoded(), input.proof_nonce);
    const Envelope envelope{
        .type = wire::FrameType::auth, .session_id = session_id, .nonce = input.frame_nonce};
    return Sealer::seal(context, envelope, [&](DictEncoder& dict) {
        dict.bytes("metadata", metadata)
            .bytes("proof", proof)
            .bytes("session_id", session_id)
            .integer("timestamp", input.timestamp)
            .string("type", "AUTH_PROOF");
    });
}

SealedMessage build_final(const stc::Context& context, const FinalInput& input) noexcept {
    const Envelope envelope{.session_id = input.session_id, .nonce = input.frame_nonce};
    return Sealer::seal(context, envelope, [&](DictEncoder& dict) {
        dict.bytes("confirmation", input.confirmation)
            .bytes("session_id", input.session_id)
            .integer("timestamp", input.timestamp)
            .string("type", "FINAL");
    });
}

}  // namespace stt::handshake
