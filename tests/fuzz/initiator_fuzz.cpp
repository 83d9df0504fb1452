// The initiator's side of a handshake, fed RESPONSE and FINAL: as raw frames, and as plaintext
// that is sealed under the right seed.
#include <stt/address.hpp>

#include "tests/fuzz/handshake_fuzz.hpp"

using namespace stt;
using fuzz::ByteVector;

namespace {

// Takes the session, which a RESPONSE must have made whole.
void check_session(handshake::Initiator& initiator) {
    STT_CHECK(initiator.has_session());
    STT_CHECK(initiator.peer_node_id() != fuzz::initiator_id());
    STT_CHECK(initiator.auth_proof_frame().size() <= 256);
    static_cast<void>(initiator.take_session_key());
}

void feed_raw(handshake::Initiator& initiator, Bytes input) {
    ByteVector frame(input.begin(), input.end());
    const auto view = wire::parse_frame(frame);
    if (!view || view->kind == wire::MetadataKind::session) return;
    const auto taken = initiator.handle_response(*view, fuzz::unix_ms, fuzz::none_in_use);
    STT_CHECK(taken.has_value() == initiator.has_session());
    if (!taken) STT_CHECK(!initiator.handle_final(*view).has_value());
}

void feed_response(handshake::Initiator& initiator, std::uint8_t mode, Bytes input) {
    const ByteVector hello = fuzz::opened(initiator.hello_frame());
    const ByteVector plaintext = fuzz::plaintext_of(
        mode, input, false, true, [&](auto& dict) { fuzz::repair_challenge(dict, hello); });
    ByteVector frame =
        fuzz::sealed(wire::FrameType::handshake, initiator.handshake_id(), false, plaintext);
    const auto view = wire::parse_frame(frame);
    if (!view) return;
    const auto taken = initiator.handle_response(*view, fuzz::unix_ms, fuzz::none_in_use);
    STT_CHECK(taken.has_value() == initiator.has_session());
    if (!taken) return;
    check_session(initiator);
    // The first good one counts, and only it.
    STT_CHECK(!initiator.handle_response(*view, fuzz::unix_ms, fuzz::none_in_use).has_value());
}

void feed_final(handshake::Initiator& initiator, std::uint8_t mode, Bytes input) {
    testing::SeededRandom random(7);
    handshake::ResponderTable table(fuzz::responder_config(), random);
    STT_CHECK(table.add_seed(1, fuzz::shared_context()));
    const Route source{Address::ipv4({192, 0, 2, 1}, 9001)};
    const Instant now(std::chrono::seconds(5));
    ByteVector hello(initiator.hello_frame().begin(), initiator.hello_frame().end());
    const auto response = table.handle_hello(now, fuzz::unix_ms, source, *wire::parse_frame(hello),
                                             fuzz::none_in_use);
    STT_CHECK(response.has_value());
    ByteVector answer(response->begin(), response->end());
    STT_CHECK(
        initiator.handle_response(*wire::parse_frame(answer), fuzz::unix_ms, fuzz::none_in_use)
            .has_value());
    ByteVector proof(initiator.auth_proof_frame().begin(), initiator.auth_proof_frame().end());
    const auto established =
        table.handle_auth_proof(now, fuzz::unix_ms, source, *wire::parse_frame(proof));
    STT_CHECK(established.has_value());
    const auto good = decode(fuzz::opened(established->final_message.frame()));
    const ByteVector plaintext = fuzz::plaintext_of(mode, input, false, false, [&](auto& dict) {
        dict.insert_or_assign("confirmation", *good->find("confirmation"));
        dict.insert_or_assign("session_id", *good->find("session_id"));
    });
    ByteVector frame =
        fuzz::sealed(wire::FrameType::handshake, initiator.session_id(), false, plaintext);
    const auto view = wire::parse_frame(frame);
    if (!view || !initiator.handle_final(*view).has_value()) return;
    const auto message = decode_strict(plaintext);
    STT_CHECK(message.has_value() && *message->find("confirmation") == *good->find("confirmation"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::FuzzInput input(data, size);
    const std::uint8_t mode = input.u8();
    testing::SeededRandom random(9);
    handshake::Initiator initiator = fuzz::initiator(random);
    if (mode % 3 == 0) feed_raw(initiator, input.rest());
    if (mode % 3 == 1) feed_response(initiator, mode, input.rest());
    if (mode % 3 == 2) feed_final(initiator, mode, input.rest());
    return 0;
}
