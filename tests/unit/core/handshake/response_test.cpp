// What an initiator does with a RESPONSE that is not quite one.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/core/handshake/forge.hpp"

namespace stt::handshake {
namespace {

struct Waiting {
    Waiting() : initiator(world.initiator()) {}
    explicit Waiting(const NodeId& wanted) : initiator(with_wanted(world, wanted)) {}

    static Initiator with_wanted(World& world, const NodeId& wanted) {
        InitiatorConfig config = world.initiator_config();
        config.wanted_peer = wanted;
        return Initiator(world.context, config, world.unix_ms, world.random);
    }
    Dict good_dict() const { return world.response_dict(initiator); }
    Result<void, DropReason> send(Frame frame) {
        return initiator.handle_response(frame.view(), world.unix_ms, none_in_use);
    }
    Result<void, DropReason> send(const Dict& dict) {
        return send(world.response(initiator, dict));
    }
    void check_dropped(const Frame& frame, DropReason reason) {
        CHECK(reason_of(send(frame)) == reason);
        CHECK(!initiator.has_session());
    }
    void check_good_one_works() {
        CHECK(send(good_dict()));
        CHECK(initiator.has_session());
    }

    World world;
    Initiator initiator;
};

}  // namespace

TEST_CASE("protocol §4.3 (a): HELLO says who its sender is, and is the same bytes each time") {
    World world;
    const Initiator initiator = world.initiator();
    CHECK(initiator.hello_frame().size() == 1'200);
    CHECK(initiator.hello_frame().data() == initiator.hello_frame().data());
    Frame frame(initiator.hello_frame());
    CHECK(frame.view().session_id == initiator.handshake_id());
    const auto hello = parse_hello(dict_of(world.context, frame));
    REQUIRE(hello);
    CHECK(hello->node_id == world.initiator_id);
    CHECK(hello->timestamp == world.unix_ms);
    CHECK(is_commitment_good(world.context, *hello));
    // Another one draws other nonces.
    const Initiator other = world.initiator();
    CHECK(other.handshake_id() != initiator.handshake_id());
    CHECK(parse_hello(dict_of(world.context, Frame(other.hello_frame())))->nonce != hello->nonce);
}

TEST_CASE(
    "protocol §4.0 (f) RESPONSE: a RESPONSE with any field missing, or of a wrong type or "
    "size, is dropped") {
    Waiting waiting;
    Dict good = waiting.good_dict();
    good.emplace("padding", Value(ByteVector{}));
    for (const Mutation& mutation : malformed(good)) {
        CAPTURE(mutation.name);
        const bool is_of_padding = mutation.key == "padding";
        waiting.check_dropped(waiting.world.response(waiting.initiator, mutation.dict,
                                                     is_of_padding ? "zz" : "padding"),
                              DropReason::handshake_malformed);
    }
    waiting.check_good_one_works();
}

TEST_CASE("protocol §4.0 (b): a RESPONSE of a version other than 1 is dropped") {
    Waiting waiting;
    for (const std::int64_t version : {0, 2, 300}) {
        Dict dict = waiting.good_dict();
        dict.insert_or_assign("version", Value(version));
        waiting.check_dropped(waiting.world.response(waiting.initiator, dict),
                              DropReason::handshake_version);
    }
    waiting.check_good_one_works();
}

TEST_CASE("protocol §4.0 (f): a RESPONSE whose challenge is of other values is dropped") {
    Waiting waiting;
    for (const std::string key : {"node_id", "nonce", "challenge", "metadata"}) {
        Dict dict = waiting.good_dict();
        ByteVector changed = *dict.at(key).bytes();
        for (const std::size_t byte : {std::size_t{0}, changed.size() / 2, changed.size() - 1}) {
            changed[byte] ^= 0x10;
            dict.insert_or_assign(key, Value(changed));
            waiting.check_dropped(waiting.world.response(waiting.initiator, dict),
                                  DropReason::handshake_commitment);
            changed[byte] ^= 0x10;
        }
    }
    // Good for another HELLO of the same initiator.
    const Initiator other = waiting.world.initiator();
    waiting.check_dropped(
        waiting.world.response(waiting.initiator, waiting.world.response_dict(other)),
        DropReason::handshake_commitment);
    waiting.check_good_one_works();
}

TEST_CASE(
    "protocol §4.3 (f): a RESPONSE from a node that is not wanted is dropped, waiting goes on") {
    World world;
    Waiting waiting(world.responder_id);
    NodeId stranger{};
    stranger.fill(0x99);
    waiting.check_dropped(
        waiting.world.response(waiting.initiator,
                               waiting.world.response_dict(waiting.initiator, stranger,
                                                           waiting.world.nonce_responder)),
        DropReason::handshake_wrong_peer);
    waiting.check_good_one_works();
    Waiting any;
    CHECK(any.send(any.world.response_dict(any.initiator, stranger, any.world.nonce_responder)));
    CHECK(any.initiator.peer_node_id() == stranger);
}

TEST_CASE("protocol §4.4 (c): a RESPONSE that carries the initiator's own node id is dropped") {
    Waiting waiting;
    waiting.check_dropped(
        waiting.world.response(waiting.initiator, waiting.world.response_dict(
                                                      waiting.initiator, waiting.world.initiator_id,
                                                      waiting.world.nonce_responder)),
        DropReason::handshake_own_node);
    waiting.check_good_one_works();
}

TEST_CASE("protocol §4.3 (c): the first good RESPONSE counts, later ones are dropped") {
    Waiting waiting;
    waiting.check_good_one_works();
    const Bytes auth_proof = waiting.initiator.auth_proof_frame();
    const ByteVector before(auth_proof.begin(), auth_proof.end());
    const wire::SessionId session_id = waiting.initiator.session_id();
    HandshakeNonce other{};
    CHECK(reason_of(waiting.send(waiting.good_dict())) == DropReason::handshake_unexpected);
    CHECK(reason_of(waiting.send(
              waiting.world.response_dict(waiting.initiator, waiting.world.responder_id, other))) ==
          DropReason::handshake_unexpected);
    CHECK(waiting.initiator.session_id() == session_id);
    const Bytes after = waiting.initiator.auth_proof_frame();
    CHECK(ByteVector(after.begin(), after.end()) == before);
}

TEST_CASE("protocol §4.3 (g): a RESPONSE whose session_id is in use is dropped") {
    Waiting waiting;
    Frame frame = waiting.world.response(waiting.initiator, waiting.good_dict());
    wire::SessionId asked{};
    const auto in_use = [&asked](const wire::SessionId& session_id) {
        asked = session_id;
        return true;
    };
    CHECK(
        reason_of(waiting.initiator.handle_response(frame.view(), waiting.world.unix_ms, in_use)) ==
        DropReason::handshake_session_id_in_use);
    CHECK(!waiting.initiator.has_session());
    waiting.check_good_one_works();
    CHECK(asked == waiting.initiator.session_id());
    CHECK(asked ==
          session_id_of(waiting.world.parties(waiting.initiator, waiting.world.responder_id,
                                              waiting.world.nonce_responder)));
}

TEST_CASE("protocol §4.3 (e): what is no RESPONSE frame to this HELLO is dropped") {
    Waiting waiting;
    const stc::Context& context = waiting.world.context;
    const ByteVector dict = padded(waiting.good_dict(), false);
    Envelope envelope{.session_id = waiting.initiator.handshake_id()};
    envelope.session_id[7] ^= 1;
    waiting.check_dropped(seal(context, envelope, dict), DropReason::handshake_unexpected);
    envelope = {.type = wire::FrameType::auth, .session_id = waiting.initiator.handshake_id()};
    waiting.check_dropped(seal(context, envelope, dict), DropReason::handshake_unexpected);
    // Its own HELLO, reflected.
    waiting.check_dropped(Frame(waiting.initiator.hello_frame()), DropReason::handshake_unexpected);
    envelope = {.session_id = waiting.initiator.handshake_id()};
    waiting.check_dropped(seal(waiting.world.other_context, envelope, dict),
                          DropReason::not_authentic);
    for (const std::size_t size : {std::size_t{1'199}, std::size_t{1'201}}) {
        waiting.check_dropped(
            seal(context, envelope, padded(waiting.good_dict(), false, "padding", size)),
            DropReason::handshake_malformed);
    }
    waiting.check_good_one_works();
}

TEST_CASE(
    "protocol §4.0 (f): a RESPONSE with any bit flipped is dropped, and the good one still "
    "works") {
    Waiting waiting;
    const ByteVector good = waiting.world.response(waiting.initiator, waiting.good_dict()).bytes();
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        ByteVector flipped = good;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        const ByteVector before = flipped;
        const auto view = wire::parse_frame(flipped);
        if (!view) continue;
        REQUIRE(!waiting.initiator.handle_response(*view, waiting.world.unix_ms, none_in_use));
        REQUIRE(flipped == before);
    }
    waiting.check_good_one_works();
}

TEST_CASE("protocol §4.0 (g): a responder cannot make use of what was not offered") {
    Waiting waiting;
    Dict dict = waiting.good_dict();
    dict.insert_or_assign("capabilities",
                          Value(Value::List{Value("streaming"), Value("udp"), Value("zz")}));
    CHECK(waiting.send(dict));
    CHECK(waiting.initiator.used_capabilities() == Capabilities{.udp = true});
}

TEST_CASE("protocol §4.0 (d): the session key is handed over, and is that of the transcript") {
    Waiting waiting;
    Frame frame = waiting.world.response(waiting.initiator, waiting.good_dict());
    CHECK(waiting.send(frame));
    const ByteVector hello = dict_of(waiting.world.context, Frame(waiting.initiator.hello_frame()));
    const ByteVector response = dict_of(waiting.world.context, frame);
    const stc::Key expected =
        session_key_of(waiting.world.context,
                       waiting.world.parties(waiting.initiator, waiting.world.responder_id,
                                             waiting.world.nonce_responder),
                       waiting.world.unix_ms, Transcript(hello).th2(response));
    const stc::Key key = waiting.initiator.take_session_key();
    CHECK(std::equal(key.bytes().begin(), key.bytes().end(), expected.bytes().begin()));
}

}  // namespace stt::handshake
