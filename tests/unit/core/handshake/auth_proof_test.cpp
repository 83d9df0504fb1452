#include <doctest/doctest.h>

#include "tests/unit/core/handshake/forge.hpp"

namespace stt::handshake {
namespace {

// A handshake up to RESPONSE, so that AUTH_PROOF is next.
struct Waiting {
    explicit Waiting(std::uint64_t seed = 21)
        : world(seed), table(world.config(), world.random), initiator(world.initiator()) {
        CHECK(table.add_seed(1, world.context));
        Frame hello(initiator.hello_frame());
        const auto answer =
            table.handle_hello(world.now, world.unix_ms, world.from, hello.view(), none_in_use);
        REQUIRE(answer);
        Frame response(*answer);
        REQUIRE(initiator.handle_response(response.view(), world.unix_ms, none_in_use));
        session_id = initiator.session_id();
        th2 = Transcript(dict_of(world.context, hello)).th2(dict_of(world.context, response));
    }

    Dict good_dict() const {
        return *decode_strict(dict_of(world.context, Frame(initiator.auth_proof_frame())))->dict();
    }
    Frame frame_of(const Dict& dict) const {
        return seal(world.context, envelope(), encode(Value(dict)));
    }
    Envelope envelope() const { return {.type = wire::FrameType::auth, .session_id = session_id}; }
    Result<Established, DropReason> send(Frame frame) { return send(frame, world.from); }
    Result<Established, DropReason> send(Frame frame, const Route& from) {
        return table.handle_auth_proof(world.now, world.unix_ms, from, frame.view());
    }
    void check_dropped(const Frame& frame, DropReason reason) {
        CHECK(reason_of(send(frame)) == reason);
        CHECK(table.half_open_count() == 1);
    }
    void check_good_one_works() {
        CHECK(send(Frame(initiator.auth_proof_frame())));
        CHECK(table.half_open_count() == 0);
    }

    World world;
    ResponderTable table;
    Initiator initiator;
    wire::SessionId session_id{};
    Digest32 th2{};
};

}  // namespace

TEST_CASE(
    "protocol §4.0 (f) AUTH_PROOF: an AUTH_PROOF with any field missing, or of a wrong type "
    "or size, is dropped") {
    Waiting waiting;
    for (const Mutation& mutation : malformed(waiting.good_dict())) {
        CAPTURE(mutation.name);
        waiting.check_dropped(waiting.frame_of(mutation.dict), DropReason::handshake_malformed);
    }
    waiting.check_good_one_works();
}

TEST_CASE("protocol §4.0 (f): an AUTH_PROOF with another proof or metadata is dropped") {
    Waiting waiting;
    for (const std::string key : {"proof", "metadata"}) {
        Dict dict = waiting.good_dict();
        ByteVector changed = *dict.at(key).bytes();
        for (std::size_t byte = 0; byte < changed.size(); ++byte) {
            changed[byte] ^= 0x01;
            dict.insert_or_assign(key, Value(changed));
            waiting.check_dropped(waiting.frame_of(dict), DropReason::handshake_commitment);
            changed[byte] ^= 0x01;
        }
    }
    Dict dict = waiting.good_dict();
    dict.insert_or_assign("session_id", Value(ByteVector(8, 1)));
    waiting.check_dropped(waiting.frame_of(dict), DropReason::handshake_malformed);
    waiting.check_good_one_works();
}

TEST_CASE(
    "protocol §4.0 (d)(f): a proof is bound to the transcript, both node ids and the "
    "session_id") {
    Waiting waiting;
    const Dict bound{{"purpose", Value("auth_proof")},
                     {"initiator", value_of(waiting.world.initiator_id)},
                     {"responder", value_of(waiting.world.responder_id)},
                     {"transcript", value_of(waiting.th2)}};
    const auto forged = [&](const Dict& context, const wire::SessionId& plaintext) {
        wire::SessionId proof = plaintext;
        const stc::Metadata metadata =
            waiting.world.context.encrypt(proof, encode(Value(context)), FrameNonce{});
        Dict dict = waiting.good_dict();
        dict.insert_or_assign("proof", value_of(proof));
        dict.insert_or_assign("metadata", value_of(metadata));
        return waiting.frame_of(dict);
    };
    for (const auto& [key, value] : bound) {
        CAPTURE(key);
        Dict changed = bound;
        changed.insert_or_assign(key, key == "purpose" ? Value("proof") : value_of(Digest32{}));
        waiting.check_dropped(forged(changed, waiting.session_id),
                              DropReason::handshake_commitment);
    }
    waiting.check_dropped(forged(bound, wire::SessionId{}), DropReason::handshake_commitment);

    // Another handshake's AUTH_PROOF under this one's Session ID.
    Waiting second(99);
    Dict dict = second.good_dict();
    dict.insert_or_assign("session_id", value_of(waiting.session_id));
    waiting.check_dropped(waiting.frame_of(dict), DropReason::handshake_commitment);
    CHECK(waiting.send(forged(bound, waiting.session_id)));
}

TEST_CASE(
    "protocol §4.0 (f): an AUTH_PROOF with any bit flipped is dropped, and the good one "
    "still works") {
    Waiting waiting;
    const Bytes frame = waiting.initiator.auth_proof_frame();
    for (std::size_t bit = 0; bit < 8 * frame.size(); ++bit) {
        ByteVector flipped(frame.begin(), frame.end());
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        const ByteVector before = flipped;
        const auto view = wire::parse_frame(flipped);
        if (!view) continue;
        REQUIRE(!waiting.table.handle_auth_proof(waiting.world.now, waiting.world.unix_ms,
                                                 waiting.world.from, *view));
        REQUIRE(flipped == before);
    }
    waiting.check_good_one_works();
}

TEST_CASE("protocol §4.0 (f): what is no AUTH_PROOF frame of a half-open session is dropped") {
    Waiting waiting;
    const ByteVector dict = encode(Value(waiting.good_dict()));
    const stc::Context& context = waiting.world.context;
    waiting.check_dropped(seal(context, {.session_id = waiting.session_id}, dict),
                          DropReason::handshake_unexpected);
    Envelope envelope = waiting.envelope();
    envelope.hint_of = &context;
    waiting.check_dropped(seal(context, envelope, dict), DropReason::handshake_unexpected);
    envelope = waiting.envelope();
    envelope.session_id[0] ^= 1;
    waiting.check_dropped(seal(context, envelope, dict), DropReason::handshake_unexpected);
    waiting.check_dropped(seal(waiting.world.other_context, waiting.envelope(), dict),
                          DropReason::not_authentic);
    waiting.check_dropped(seal(context, waiting.envelope(), ByteVector(1'300)),
                          DropReason::handshake_malformed);
    waiting.check_good_one_works();
}

TEST_CASE(
    "protocol §4.2 (c): from its HELLO's address AUTH_PROOF validates the path, else it does "
    "not") {
    Waiting here;
    CHECK(here.send(Frame(here.initiator.auth_proof_frame()))->is_path_validated);
    Waiting elsewhere;
    const auto established =
        elsewhere.send(Frame(elsewhere.initiator.auth_proof_frame()), elsewhere.world.elsewhere);
    REQUIRE(established);
    CHECK(!established->is_path_validated);
    CHECK(established->hello_source == elsewhere.world.from);
    Waiting other_transport;
    CHECK(!other_transport
               .send(Frame(other_transport.initiator.auth_proof_frame()),
                     Route(other_transport.world.from.address, 3))
               ->is_path_validated);
}

TEST_CASE("protocol §4.2 (b): a repeated AUTH_PROOF is recognised by its fingerprint") {
    Waiting waiting;
    Frame frame(waiting.initiator.auth_proof_frame());
    const auto established = waiting.send(frame);
    REQUIRE(established);
    CHECK(established->auth_proof_fingerprint == fingerprint_of(frame.view()));
    CHECK(reason_of(waiting.send(frame)) == DropReason::handshake_unexpected);
    ByteVector changed = frame.bytes();
    changed.back() ^= 1;
    CHECK(established->auth_proof_fingerprint != fingerprint_of(Frame(changed).view()));
}

}  // namespace stt::handshake
