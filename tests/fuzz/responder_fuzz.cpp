// The responder's side of handshakes, fed HELLO and AUTH_PROOF: as raw frames, and as plaintext
// that is sealed under the right seed.
#include <stt/address.hpp>

#include "tests/fuzz/handshake_fuzz.hpp"

using namespace stt;
using fuzz::ByteVector;

namespace {

struct Responder {
    Responder() : random(7), table(fuzz::responder_config(), random) {
        STT_CHECK(table.add_seed(1, fuzz::shared_context()));
    }

    // Hands a frame over; what it changed is told by the counts.
    std::optional<ByteVector> hello(const wire::FrameView& view) {
        const std::size_t before = table.half_open_count();
        const auto response =
            table.handle_hello(now, fuzz::unix_ms, source, view, fuzz::none_in_use);
        if (!response) {
            STT_CHECK(table.half_open_count() == before);
            return std::nullopt;
        }
        STT_CHECK(view.size == handshake::padded_frame_size);
        STT_CHECK(response->size() == handshake::padded_frame_size);
        STT_CHECK(table.half_open_count() <= before + 1);
        return ByteVector(response->begin(), response->end());
    }
    void auth_proof(const wire::FrameView& view) {
        const std::size_t before = table.half_open_count();
        const auto established = table.handle_auth_proof(now, fuzz::unix_ms, source, view);
        STT_CHECK(table.half_open_count() + (established ? 1 : 0) == before);
        if (established) STT_CHECK(established->session_id == view.session_id);
    }
    void frame(MutableBytes bytes) {
        const auto view = wire::parse_frame(bytes);
        if (!view || view->kind == wire::MetadataKind::session) return;
        if (view->type == wire::FrameType::handshake) static_cast<void>(hello(*view));
        if (view->type == wire::FrameType::auth) auth_proof(*view);
    }

    testing::SeededRandom random;
    handshake::ResponderTable table;
    Instant now = Instant(std::chrono::seconds(5));
    Route source{Address::ipv4({192, 0, 2, 1}, 9001)};
};

void repair_commitment(Value::Dict& dict) {
    const auto nonce = fuzz::field<32>(dict, "nonce");
    const auto node = fuzz::field<32>(dict, "node_id");
    const auto timestamp = dict.find("timestamp");
    if (!nonce || !node || timestamp == dict.end() || timestamp->second.integer() == nullptr)
        return;
    const auto commitment = handshake::commitment_of(fuzz::shared_context(), *nonce, *node,
                                                     *timestamp->second.integer());
    dict.insert_or_assign("commitment", Value(Bytes(commitment)));
}

void feed_hello(Responder& responder, std::uint8_t mode, Bytes input) {
    const ByteVector plaintext =
        fuzz::plaintext_of(mode, input, true, true, [](auto& dict) { repair_commitment(dict); });
    ByteVector frame = fuzz::sealed(wire::FrameType::handshake, {1, 2, 3}, true, plaintext);
    const auto view = wire::parse_frame(frame);
    if (!view) return;
    const auto first = responder.hello(*view);
    // The same again gets the same answer, or none.
    const auto second = responder.hello(*view);
    STT_CHECK(first.has_value() == second.has_value() && (!first || *first == *second));
    STT_CHECK(responder.table.half_open_count() == (first ? 1u : 0u));
}

void feed_auth_proof(Responder& responder, std::uint8_t mode, Bytes input) {
    testing::SeededRandom random(9);
    handshake::Initiator initiator = fuzz::initiator(random);
    ByteVector hello(initiator.hello_frame().begin(), initiator.hello_frame().end());
    auto response = responder.hello(*wire::parse_frame(hello));
    STT_CHECK(response.has_value());
    const auto taken =
        initiator.handle_response(*wire::parse_frame(*response), fuzz::unix_ms, fuzz::none_in_use);
    STT_CHECK(taken.has_value());
    const auto good = decode(fuzz::opened(initiator.auth_proof_frame()));
    const ByteVector plaintext = fuzz::plaintext_of(mode, input, false, false, [&](auto& dict) {
        for (const char* key : {"proof", "metadata", "session_id"}) {
            dict.insert_or_assign(key, *good->find(key));
        }
    });
    ByteVector frame =
        fuzz::sealed(wire::FrameType::auth, initiator.session_id(), false, plaintext);
    if (const auto view = wire::parse_frame(frame)) responder.auth_proof(*view);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::FuzzInput input(data, size);
    const std::uint8_t mode = input.u8();
    Responder responder;
    switch (mode % 3) {
        case 0: {
            ByteVector frame(input.rest().begin(), input.rest().end());
            responder.frame(frame);
            break;
        }
        case 1:
            feed_hello(responder, mode, input.rest());
            break;
        default:
            feed_auth_proof(responder, mode, input.rest());
    }
    responder.now += std::chrono::seconds(11);
    responder.table.handle_timeout(responder.now);
    STT_CHECK(responder.table.half_open_count() == 0 && !responder.table.poll_timeout());
    return 0;
}
