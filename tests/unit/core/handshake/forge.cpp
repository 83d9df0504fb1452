#include "tests/unit/core/handshake/forge.hpp"

#include <algorithm>

#include "codec/tlv_primitives.hpp"
#include "testing/sealed_handshake.hpp"

namespace stt::handshake {
namespace {

stc::Context context_of(std::uint8_t first) {
    ByteVector seed(32, 0x5e);
    seed[0] = first;
    return *stc::Context::create(seed);
}

ByteVector joined(Bytes a, Bytes b) {
    ByteVector both(a.begin(), a.end());
    both.insert(both.end(), b.begin(), b.end());
    return both;
}

}  // namespace

Frame seal(const stc::Context& context, const Envelope& envelope, Bytes dict) {
    static test::Seeded seeded(31);
    FrameNonce nonce{};
    seeded.fill(nonce);
    const bool has_hint = envelope.hint_of != nullptr;
    return Frame(testing::seal_handshake(context, has_hint ? *envelope.hint_of : context,
                                         {envelope.type, envelope.session_id, has_hint, nonce},
                                         dict));
}

ByteVector padded(Dict dict, bool has_hint, const std::string& filler, std::size_t frame_size) {
    ByteVector bytes = testing::padded_dict(std::move(dict), has_hint, filler, frame_size);
    REQUIRE(!bytes.empty());
    return bytes;
}

ByteVector dict_in_order(const std::vector<std::pair<std::string, Value>>& entries) {
    ByteVector bytes(5);
    codec::Writer writer(bytes);
    codec::write_count(writer, codec::Tag::dict, static_cast<std::uint32_t>(entries.size()));
    for (const auto& [key, value] : entries) {
        bytes = joined(bytes, encode(Value(key)));
        bytes = joined(bytes, encode(value));
    }
    return bytes;
}

ByteVector dict_of(const stc::Context& context, Frame frame) {
    const auto opened = OpenedMessage::open(context, frame.view());
    REQUIRE(opened);
    return {opened->dict().begin(), opened->dict().end()};
}

std::vector<Mutation> malformed(const Dict& good) {
    std::vector<Mutation> mutations;
    for (const auto& [key, value] : good) {
        Dict without = good;
        without.erase(key);
        mutations.push_back({key + " missing", without, key});
        const auto replace = [&, name = key](const std::string& what, Value by) {
            Dict dict = good;
            dict.insert_or_assign(name, std::move(by));
            mutations.push_back({name + " is " + what, std::move(dict), name});
        };
        replace("null", Value());
        replace("true", Value(true));
        replace("a float", Value(1.0));
        replace("a dict", Value(Dict{}));
        replace("a list of numbers", Value(Value::List{Value(1)}));
        if (value.integer() == nullptr) replace("an integer", Value(1));
        if (value.string() != nullptr) replace("another text", Value("HELLO?"));
        if (value.string() == nullptr) replace("a text", Value("text"));
        if (value.list() == nullptr) replace("an empty list", Value(Value::List{}));
        const ByteVector bytes = value.bytes() != nullptr ? *value.bytes() : ByteVector{};
        if (value.bytes() == nullptr) replace("bytes", Value(ByteVector(32)));
        if (value.bytes() == nullptr || key == "padding") continue;
        replace("one byte longer", Value(joined(bytes, ByteVector{0})));
        replace("one byte shorter", Value(ByteVector(bytes.begin(), bytes.end() - 1)));
        replace("empty", Value(ByteVector{}));
    }
    return mutations;
}

World::World(std::uint64_t seed)
    : context(context_of(1)), other_context(context_of(2)), random(seed) {
    initiator_id.fill(0x11);
    responder_id.fill(0x22);
    nonce_responder.fill(0x33);
}

ResponderConfig World::config() const {
    ResponderConfig config;
    config.own_node_id = responder_id;
    config.capabilities = {.streaming = true, .udp = true};
    return config;
}

InitiatorConfig World::initiator_config() const {
    InitiatorConfig config;
    config.own_node_id = initiator_id;
    config.capabilities = {.udp = true, .websocket = true};
    return config;
}

World::HelloGiven World::hello_given() {
    HelloGiven given{.node_id = initiator_id, .timestamp = unix_ms};
    random.fill(given.nonce);
    return given;
}

Dict World::hello_dict(const HelloGiven& given) const {
    const ByteVector bound = encode(
        Value(Dict{{"purpose", Value("hello_commitment")}, {"timestamp", Value(given.timestamp)}}));
    Digest32 commitment{};
    context.hash(joined(given.nonce, given.node_id), bound, commitment);
    return {{"type", Value("HELLO")},
            {"version", Value(1)},
            {"node_id", value_of(given.node_id)},
            {"nonce", value_of(given.nonce)},
            {"timestamp", Value(given.timestamp)},
            {"capabilities", Value(Value::List{Value("streaming"), Value("udp")})},
            {"commitment", value_of(commitment)}};
}

Frame World::hello(const Dict& dict, const std::string& filler) const {
    return seal(context, {.session_id = handshake_id, .hint_of = &context},
                padded(dict, true, filler));
}

Parties World::parties(const Initiator& initiator, const NodeId& responder,
                       const HandshakeNonce& nonce) const {
    const auto hello = parse_hello(dict_of(context, Frame(initiator.hello_frame())));
    REQUIRE(hello);
    return {hello->node_id, responder, hello->nonce, nonce};
}

Dict World::response_dict(const Initiator& initiator, const NodeId& responder,
                          const HandshakeNonce& nonce) const {
    const ByteVector hello = dict_of(context, Frame(initiator.hello_frame()));
    const Parties both = parties(initiator, responder, nonce);
    const ByteVector bound = encode(Value(Dict{{"purpose", Value("handshake_challenge")},
                                               {"initiator", value_of(both.initiator)},
                                               {"responder", value_of(both.responder)},
                                               {"transcript", value_of(Transcript(hello).th1())}}));
    ByteVector challenge = joined(both.nonce_initiator, both.nonce_responder);
    FrameNonce challenge_nonce{};
    challenge_nonce.fill(0x44);
    const stc::Metadata metadata = context.encrypt(challenge, bound, challenge_nonce);
    return {{"type", Value("RESPONSE")},      {"version", Value(1)},
            {"node_id", value_of(responder)}, {"nonce", value_of(nonce)},
            {"timestamp", Value(unix_ms)},    {"capabilities", Value(Value::List{Value("udp")})},
            {"challenge", Value(challenge)},  {"metadata", value_of(metadata)}};
}

Frame World::response(const Initiator& initiator, const Dict& dict,
                      const std::string& filler) const {
    return seal(context, {.session_id = initiator.handshake_id()}, padded(dict, false, filler));
}

}  // namespace stt::handshake
