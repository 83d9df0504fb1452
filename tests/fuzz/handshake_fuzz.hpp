// A seed that the fuzzer holds, so that what it makes reaches past authentication.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <stt/bytes.hpp>
#include <stt/value.hpp>
#include <vector>

#include "base/route.hpp"
#include "core/handshake/initiator.hpp"
#include "core/handshake/messages.hpp"
#include "core/handshake/responder.hpp"
#include "stc/context.hpp"
#include "testing/sealed_handshake.hpp"
#include "testing/seeded_random.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace stt::fuzz {

using ByteVector = std::vector<std::uint8_t>;

inline constexpr std::int64_t unix_ms = 1'800'000'000'000;
inline constexpr auto none_in_use = [](const wire::SessionId&) { return false; };

// What the first byte of an input asks for beside the message itself.
namespace repair {
inline constexpr std::uint8_t secrets = 0x10;  // commitment, challenge, proof: as they should be
inline constexpr std::uint8_t size = 0x20;     // padding to 1,200 bytes
}  // namespace repair

inline const stc::Context& shared_context() {
    static const stc::Context context = *stc::Context::create(ByteVector(32, 0x5e));
    return context;
}

inline handshake::NodeId node_id_of(std::uint8_t byte) {
    handshake::NodeId id;
    id.fill(byte);
    return id;
}
inline handshake::NodeId initiator_id() {
    return node_id_of(0x11);
}
inline handshake::NodeId responder_id() {
    return node_id_of(0x22);
}

inline handshake::ResponderConfig responder_config() {
    handshake::ResponderConfig config;
    config.own_node_id = responder_id();
    config.capabilities = {.streaming = true, .udp = true};
    return config;
}

inline handshake::Initiator initiator(stc::RandomSource& random) {
    handshake::InitiatorConfig config;
    config.own_node_id = initiator_id();
    config.capabilities = {.streaming = true, .udp = true};
    return handshake::Initiator(shared_context(), config, unix_ms, random);
}

// The field when it is BYTES of that size.
template <std::size_t size>
std::optional<std::array<std::uint8_t, size>> field(const Value::Dict& dict, const char* key) {
    const auto found = dict.find(key);
    const auto* bytes = found == dict.end() ? nullptr : found->second.bytes();
    if (bytes == nullptr || bytes->size() != size) return std::nullopt;
    std::array<std::uint8_t, size> copy;
    std::copy(bytes->begin(), bytes->end(), copy.begin());
    return copy;
}

inline ByteVector joined(Bytes one, Bytes other) {
    ByteVector both(one.begin(), one.end());
    both.insert(both.end(), other.begin(), other.end());
    return both;
}

// The plaintext of a message: the input's bytes as they stand, or, when repairs are asked for and
// they are a DICT, that DICT after `repair_secrets` and with padding.
template <class RepairSecrets>
ByteVector plaintext_of(std::uint8_t mode, Bytes bytes, bool has_hint, bool is_padded,
                        const RepairSecrets& repair_secrets) {
    ByteVector plaintext(bytes.begin(), bytes.end());
    if ((mode & (repair::secrets | repair::size)) == 0) return plaintext;
    auto value = decode(bytes);
    if (!value || value->dict() == nullptr) return plaintext;
    Value::Dict dict = *value->dict();
    if ((mode & repair::secrets) != 0) repair_secrets(dict);
    if ((mode & repair::size) == 0 || !is_padded) return encode(Value(std::move(dict)));
    ByteVector padded = testing::padded_dict(std::move(dict), has_hint);
    return padded.empty() ? plaintext : padded;
}

// A frame of the seed around it.
inline ByteVector sealed(wire::FrameType type, const wire::SessionId& session_id, bool has_hint,
                         Bytes plaintext) {
    testing::HandshakeEnvelope envelope{type, session_id, has_hint, {}};
    envelope.nonce.fill(0x77);
    return testing::seal_handshake(shared_context(), shared_context(), envelope, plaintext);
}

// The plaintext that a frame of the seed holds.
inline ByteVector opened(Bytes frame) {
    ByteVector copy(frame.begin(), frame.end());
    const auto view = wire::parse_frame(copy);
    STT_CHECK(view.has_value());
    const auto message = handshake::OpenedMessage::open(shared_context(), *view);
    STT_CHECK(message.has_value());
    return {message->dict().begin(), message->dict().end()};
}

inline void repair_challenge(Value::Dict& dict, Bytes hello_dict) {
    const auto hello = handshake::parse_hello(hello_dict);
    const auto nonce = field<32>(dict, "nonce");
    const auto node = field<32>(dict, "node_id");
    if (!hello || !nonce || !node) return;
    const auto th1 = handshake::Transcript(hello_dict).th1();
    const auto bound = encode(Value(Value::Dict{{"purpose", Value("handshake_challenge")},
                                                {"initiator", Value(Bytes(hello->node_id))},
                                                {"responder", Value(Bytes(*node))},
                                                {"transcript", Value(Bytes(th1))}}));
    ByteVector challenge = joined(hello->nonce, *nonce);
    const auto metadata = shared_context().encrypt(challenge, bound, handshake::FrameNonce{4});
    dict.insert_or_assign("challenge", Value(challenge));
    dict.insert_or_assign("metadata", Value(Bytes(metadata)));
}

}  // namespace stt::fuzz
