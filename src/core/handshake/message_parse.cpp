#include <algorithm>
#include <stt/value.hpp>
#include <utility>

#include "core/handshake/contexts.hpp"
#include "core/handshake/messages.hpp"
#include "stc/dsf.hpp"

namespace stt::handshake {
namespace {

using wire::DropReason;

// The dict of one message. Fields are asked for one by one; a field that is missing, of another
// type or of another size is remembered, and finish() tells.
class Fields {
public:
    static Result<Fields, DropReason> parse(Bytes dict, std::string_view type) {
        auto decoded = decode_strict(dict);
        if (!decoded) return Unexpected(DropReason::handshake_malformed);
        Fields fields(*std::move(decoded));
        const std::string* const named = fields.string("type");
        if (named == nullptr || *named != type) return Unexpected(DropReason::handshake_malformed);
        return fields;
    }

    // Before all else: another version may have other fields.
    Result<void, DropReason> check_version() {
        const Value* const field = value_.find("version");
        if (field == nullptr) return Unexpected(DropReason::handshake_malformed);
        if (field->large_integer() != nullptr) return Unexpected(DropReason::handshake_version);
        if (field->integer() == nullptr) return Unexpected(DropReason::handshake_malformed);
        if (*field->integer() != protocol_version) return Unexpected(DropReason::handshake_version);
        return {};
    }

    void bytes(std::string_view key, MutableBytes output) {
        const Value* const field = value_.find(key);
        const bool is_good = field != nullptr && field->bytes() != nullptr &&
                             field->bytes()->size() == output.size();
        if (!is_good) return fail();
        std::copy(field->bytes()->begin(), field->bytes()->end(), output.begin());
    }

    void timestamp(std::int64_t& output) {
        const Value* const field = value_.find("timestamp");
        // Over 2^63 - 1 is no time that anything here can compare.
        if (field == nullptr || field->integer() == nullptr) return fail();
        output = *field->integer();
    }

    void capabilities(Capabilities& output) {
        const Value* const field = value_.find("capabilities");
        if (field == nullptr || field->list() == nullptr) return fail();
        for (const Value& item : *field->list()) {
            if (item.string() == nullptr) return fail();
            if (*item.string() == "streaming") output.streaming = true;
            if (*item.string() == "udp") output.udp = true;
            if (*item.string() == "websocket") output.websocket = true;
        }
    }

    // Bytes whose number makes the frame's size, and whose values nobody checks.
    void padding() {
        const Value* const field = value_.find("padding");
        if (field == nullptr || field->bytes() == nullptr) fail();
    }

    Result<void, DropReason> finish() const {
        if (has_failed_) return Unexpected(DropReason::handshake_malformed);
        return {};
    }

private:
    explicit Fields(Value value) : value_(std::move(value)) {}
    const std::string* string(std::string_view key) const {
        const Value* const field = value_.find(key);
        return field == nullptr ? nullptr : field->string();
    }
    void fail() { has_failed_ = true; }

    Value value_;
    bool has_failed_ = false;
};

}  // namespace

Result<OpenedMessage, DropReason> OpenedMessage::open(const stc::Context& context,
                                                      const wire::FrameView& frame) noexcept {
    if (frame.size > padded_frame_size) return Unexpected(DropReason::handshake_malformed);
    if (frame.kind == wire::MetadataKind::session) {
        return Unexpected(DropReason::handshake_unexpected);
    }
    OpenedMessage message;
    message.size_ = frame.payload.size();
    std::copy(frame.payload.begin(), frame.payload.end(), message.dict_.begin());
    // 0x01 ‖ N ‖ T, as Context.decrypt wants it.
    stc::Metadata metadata{0x01};
    std::copy(frame.nonce.begin(), frame.nonce.end(), metadata.begin() + 1);
    std::copy(frame.tag.begin(), frame.tag.end(), metadata.end() - wire::handshake_tag_size);
    const FrameContext frame_context(frame.header, frame.metadata_head);
    const MutableBytes payload = MutableBytes(message.dict_).first(message.size_);
    if (!context.decrypt(payload, frame_context.encoded(), metadata)) {
        return Unexpected(DropReason::not_authentic);
    }
    return message;
}

Result<Hello, DropReason> parse_hello(Bytes dict) {
    STT_TRY(Fields fields, Fields::parse(dict, "HELLO"));
    STT_TRY_VOID(fields.check_version());
    Hello hello;
    fields.bytes("node_id", hello.node_id);
    fields.bytes("nonce", hello.nonce);
    fields.timestamp(hello.timestamp);
    fields.capabilities(hello.capabilities);
    fields.bytes("commitment", hello.commitment);
    fields.padding();
    STT_TRY_VOID(fields.finish());
    return hello;
}

Result<Response, DropReason> parse_response(Bytes dict) {
    STT_TRY(Fields fields, Fields::parse(dict, "RESPONSE"));
    STT_TRY_VOID(fields.check_version());
    Response response;
    fields.bytes("node_id", response.node_id);
    fields.bytes("nonce", response.nonce);
    fields.timestamp(response.timestamp);
    fields.capabilities(response.capabilities);
    fields.bytes("challenge", response.challenge);
    fields.bytes("metadata", response.metadata);
    fields.padding();
    STT_TRY_VOID(fields.finish());
    return response;
}

Result<AuthProof, DropReason> parse_auth_proof(Bytes dict) {
    STT_TRY(Fields fields, Fields::parse(dict, "AUTH_PROOF"));
    AuthProof auth_proof;
    fields.bytes("session_id", auth_proof.session_id);
    fields.bytes("proof", auth_proof.proof);
    fields.bytes("metadata", auth_proof.metadata);
    fields.timestamp(auth_proof.timestamp);
    STT_TRY_VOID(fields.finish());
    return auth_proof;
}

Result<Final, DropReason> parse_final(Bytes dict) {
    STT_TRY(Fields fields, Fields::parse(dict, "FINAL"));
    Final final_message;
    fields.bytes("session_id", final_message.session_id);
    fields.bytes("confirmation", final_message.confirmation);
    fields.timestamp(final_message.timestamp);
    STT_TRY_VOID(fields.finish());
    return final_message;
}

bool is_commitment_good(const stc::Context& context, const Hello& hello) noexcept {
    const Digest32 expected = commitment_of(context, hello.nonce, hello.node_id, hello.timestamp);
    return stc::equal_constant_time(expected, hello.commitment);
}

bool is_challenge_good(const stc::Context& context, const Response& response,
                       const Parties& parties, const Digest32& th1) noexcept {
    std::array<std::uint8_t, 64> challenge = response.challenge;
    const BoundContext bound(challenge_purpose, parties, th1);
    return context.decrypt(challenge, bound.encoded(), response.metadata) &&
           stc::equal_constant_time(challenge, challenge_plaintext(parties));
}

bool is_proof_good(const stc::Context& context, const AuthProof& auth_proof, const Parties& parties,
                   const Digest32& th2) noexcept {
    std::array<std::uint8_t, 8> proof = auth_proof.proof;
    const BoundContext bound(proof_purpose, parties, th2);
    return context.decrypt(proof, bound.encoded(), auth_proof.metadata) &&
           stc::equal_constant_time(proof, session_id_of(parties));
}

}  // namespace stt::handshake
