#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <variant>

#include "codec/dict_view.hpp"
#include "core/handshake/contexts.hpp"
#include "core/handshake/messages.hpp"
#include "stc/dsf.hpp"

namespace stt::handshake {
namespace {

using wire::DropReason;

constexpr std::array<std::string_view, 13> keys{
    "capabilities", "challenge", "commitment", "confirmation", "metadata", "node_id", "nonce",
    "padding",      "proof",     "session_id", "timestamp",    "type",     "version"};

// The dict of one message. Fields are asked for one by one; a field that is missing, of another
// type or of another size is remembered, and finish() tells.
class Fields {
public:
    static Result<Fields, DropReason> parse(Bytes dict, std::string_view type) {
        const auto view = codec::DictView::parse_strict(dict, keys);
        if (!view) return Unexpected(DropReason::handshake_malformed);
        const auto* const named = view->find_as<std::string_view>("type");
        if (named == nullptr || *named != type) return Unexpected(DropReason::handshake_malformed);
        return Fields(*view);
    }

    // Before all else: another version may have other fields.
    Result<void, DropReason> check_version() {
        if (view_.find_as<std::uint64_t>("version") != nullptr) {
            return Unexpected(DropReason::handshake_version);
        }
        const auto* const version = view_.find_as<std::int64_t>("version");
        if (version == nullptr) return Unexpected(DropReason::handshake_malformed);
        if (*version != protocol_version) return Unexpected(DropReason::handshake_version);
        return {};
    }

    void bytes(std::string_view key, MutableBytes output) {
        const auto* const value = view_.find_as<Bytes>(key);
        if (value == nullptr || value->size() != output.size()) return fail();
        std::copy(value->begin(), value->end(), output.begin());
    }

    void timestamp(std::int64_t& output) {
        // Over 2^63 - 1 is no time that anything here can compare.
        const auto* const value = view_.find_as<std::int64_t>("timestamp");
        if (value == nullptr) return fail();
        output = *value;
    }

    void capabilities(Capabilities& output) {
        const auto* const list = view_.find_as<codec::DictView::List>("capabilities");
        if (list == nullptr) return fail();
        auto rest = *list;
        while (const auto item = codec::DictView::take(rest)) {
            const auto* const name = std::get_if<std::string_view>(&*item);
            if (name == nullptr) return fail();
            if (*name == "streaming") output.streaming = true;
            if (*name == "udp") output.udp = true;
            if (*name == "websocket") output.websocket = true;
        }
    }

    // Bytes whose number makes the frame's size, and whose values nobody checks.
    void padding() {
        if (view_.find_as<Bytes>("padding") == nullptr) fail();
    }

    Result<void, DropReason> finish() const {
        if (has_failed_) return Unexpected(DropReason::handshake_malformed);
        return {};
    }

private:
    explicit Fields(const codec::DictView& view) : view_(view) {}
    void fail() { has_failed_ = true; }

    codec::DictView view_;
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
