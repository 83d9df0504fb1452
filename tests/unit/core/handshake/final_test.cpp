#include <doctest/doctest.h>

#include "tests/unit/core/handshake/forge.hpp"

namespace stt::handshake {
namespace {

// An initiator that has sent AUTH_PROOF.
struct Unconfirmed {
    Unconfirmed() : initiator(world.initiator()) {
        Frame response = world.response(initiator, world.response_dict(initiator));
        REQUIRE(initiator.handle_response(response.view(), world.unix_ms, none_in_use));
        session_key = initiator.take_session_key();
        nonce = world.parties(initiator, world.responder_id, world.nonce_responder).nonce_initiator;
    }
    Dict good_dict() const {
        return {{"type", Value("FINAL")},
                {"session_id", value_of(initiator.session_id())},
                {"confirmation", value_of(confirmation_of(session_key, nonce))},
                {"timestamp", Value(world.unix_ms)}};
    }
    Envelope envelope() const { return {.session_id = initiator.session_id()}; }
    Frame frame_of(const Dict& dict) const {
        return seal(world.context, envelope(), encode(Value(dict)));
    }
    Result<void, DropReason> send(Frame frame) const {
        return initiator.handle_final(frame.view());
    }
    void check_dropped(const Frame& frame, DropReason reason) const {
        CHECK(reason_of(send(frame)) == reason);
    }

    World world;
    Initiator initiator;
    stc::Key session_key;
    HandshakeNonce nonce{};
};

}  // namespace

TEST_CASE("protocol §4.3 (d): FINAL with a good confirmation confirms, as often as it comes") {
    const Unconfirmed unconfirmed;
    CHECK(unconfirmed.send(unconfirmed.frame_of(unconfirmed.good_dict())));
    CHECK(unconfirmed.send(unconfirmed.frame_of(unconfirmed.good_dict())));
}

TEST_CASE(
    "protocol §4.0 (f) FINAL: a FINAL with any field missing, or of a wrong type or size, is "
    "dropped") {
    const Unconfirmed unconfirmed;
    for (const Mutation& mutation : malformed(unconfirmed.good_dict())) {
        CAPTURE(mutation.name);
        unconfirmed.check_dropped(unconfirmed.frame_of(mutation.dict),
                                  DropReason::handshake_malformed);
    }
}

TEST_CASE("protocol §4.0 (f): a FINAL with another confirmation or session_id is dropped") {
    const Unconfirmed unconfirmed;
    Dict dict = unconfirmed.good_dict();
    ByteVector confirmation = *dict.at("confirmation").bytes();
    for (std::size_t byte = 0; byte < confirmation.size(); ++byte) {
        confirmation[byte] ^= 0x01;
        dict.insert_or_assign("confirmation", Value(confirmation));
        unconfirmed.check_dropped(unconfirmed.frame_of(dict), DropReason::handshake_commitment);
        confirmation[byte] ^= 0x01;
    }
    dict = unconfirmed.good_dict();
    dict.insert_or_assign("session_id", Value(ByteVector(8)));
    unconfirmed.check_dropped(unconfirmed.frame_of(dict), DropReason::handshake_malformed);
    // The confirmation of a holder of the seed who does not have the session's key.
    dict = unconfirmed.good_dict();
    dict.insert_or_assign("confirmation", value_of(confirmation_of(stc::Key(), unconfirmed.nonce)));
    unconfirmed.check_dropped(unconfirmed.frame_of(dict), DropReason::handshake_commitment);
}

TEST_CASE("protocol §4.0 (f): a FINAL with any bit flipped is dropped") {
    const Unconfirmed unconfirmed;
    const ByteVector good = unconfirmed.frame_of(unconfirmed.good_dict()).bytes();
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        ByteVector flipped = good;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        const ByteVector before = flipped;
        const auto view = wire::parse_frame(flipped);
        if (!view) continue;
        REQUIRE(!unconfirmed.initiator.handle_final(*view));
        REQUIRE(flipped == before);
    }
}

TEST_CASE("protocol §4.0 (f): what is no FINAL frame of this session is dropped") {
    Unconfirmed unconfirmed;
    const ByteVector dict = encode(Value(unconfirmed.good_dict()));
    const stc::Context& context = unconfirmed.world.context;
    Envelope envelope = unconfirmed.envelope();
    envelope.session_id[0] ^= 1;
    unconfirmed.check_dropped(seal(context, envelope, dict), DropReason::handshake_unexpected);
    envelope = unconfirmed.envelope();
    envelope.type = wire::FrameType::auth;
    unconfirmed.check_dropped(seal(context, envelope, dict), DropReason::handshake_unexpected);
    envelope = unconfirmed.envelope();
    envelope.hint_of = &context;
    unconfirmed.check_dropped(seal(context, envelope, dict), DropReason::handshake_unexpected);
    unconfirmed.check_dropped(seal(unconfirmed.world.other_context, unconfirmed.envelope(), dict),
                              DropReason::not_authentic);
    unconfirmed.check_dropped(seal(context, unconfirmed.envelope(), ByteVector(1'300)),
                              DropReason::handshake_malformed);
    // Its own AUTH_PROOF, reflected.
    unconfirmed.check_dropped(Frame(unconfirmed.initiator.auth_proof_frame()),
                              DropReason::handshake_unexpected);
    // Before RESPONSE there is no session to confirm.
    const Initiator fresh = unconfirmed.world.initiator();
    Frame early = unconfirmed.frame_of(unconfirmed.good_dict());
    CHECK(reason_of(fresh.handle_final(early.view())) == DropReason::handshake_unexpected);
}

}  // namespace stt::handshake
