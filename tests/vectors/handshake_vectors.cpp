#include <algorithm>
#include <deque>

#include "core/handshake/initiator.hpp"
#include "core/handshake/messages.hpp"
#include "core/handshake/responder.hpp"
#include "stc/context.hpp"
#include "tests/vectors/vector_files.hpp"

namespace stt::vectors {
namespace {

using namespace stt::handshake;

// Random bytes that are known before.
class ScriptedRandom final : public stc::RandomSource {
public:
    void push(Bytes bytes) { script_.emplace_back(bytes.begin(), bytes.end()); }
    void fill(MutableBytes output) noexcept override {
        STT_CHECK(!script_.empty() && script_.front().size() == output.size());
        std::copy(script_.front().begin(), script_.front().end(), output.begin());
        script_.pop_front();
    }
    bool is_used_up() const { return script_.empty(); }

private:
    std::deque<ByteVector> script_;
};

Capabilities capabilities_of(const Json& words) {
    Capabilities capabilities;
    for (const Json& word : words) {
        if (word == "streaming") capabilities.streaming = true;
        if (word == "udp") capabilities.udp = true;
        if (word == "websocket") capabilities.websocket = true;
    }
    return capabilities;
}

// All that an entry gives.
struct Given {
    explicit Given(const Entry& entry)
        : context(*stc::Context::create(entry.bytes("seed"))),
          parties{entry.fixed<32>("initiator_node_id"), entry.fixed<32>("responder_node_id"),
                  entry.fixed<32>("nonce_initiator"), entry.fixed<32>("nonce_responder")},
          handshake_id(entry.fixed<8>("handshake_id")),
          initiator_capabilities(capabilities_of(entry.at("initiator_capabilities"))),
          responder_capabilities(capabilities_of(entry.at("responder_capabilities"))),
          used(intersection(responder_capabilities, initiator_capabilities)),
          th1(entry.fixed<32>("th1")),
          th2(entry.fixed<32>("transcript")),
          session_id(entry.fixed<8>("session_id")),
          session_key(entry.bytes("session_key")) {
        for (std::size_t i = 0; i < timestamps.size(); ++i) {
            timestamps[i] = entry.at("timestamps").at(i).get<std::int64_t>();
        }
        const Entry nonces(entry.at("frame_nonces"));
        hello = nonces.fixed<16>("hello");
        challenge = nonces.fixed<16>("challenge");
        response = nonces.fixed<16>("response");
        proof = nonces.fixed<16>("proof");
        auth_proof = nonces.fixed<16>("auth_proof");
        final_frame = nonces.fixed<16>("final");
    }

    stc::Context context;
    Parties parties;
    HandshakeId handshake_id;
    Capabilities initiator_capabilities;
    Capabilities responder_capabilities;
    Capabilities used;
    Digest32 th1;
    Digest32 th2;
    wire::SessionId session_id;
    ByteVector session_key;
    std::array<std::int64_t, 4> timestamps{};
    FrameNonce hello{}, challenge{}, response{}, proof{}, auth_proof{}, final_frame{};
};

void check_values(const Entry& entry, const Given& given, Tally& tally) {
    tally.check(node_id_of(entry.fixed<32>("initiator_identity")) == given.parties.initiator,
                "node id of the initiator");
    tally.check(node_id_of(entry.fixed<32>("responder_identity")) == given.parties.responder,
                "node id of the responder");
    const ByteVector hello = entry.bytes("hello_payload");
    const ByteVector response = entry.bytes("response_payload");
    tally.check(Transcript(hello).th1() == given.th1, "th1");
    tally.check(Transcript(hello).th2(response) == given.th2, "th2");
    tally.check(session_id_of(given.parties) == given.session_id, "session_id");
    const stc::Key key =
        session_key_of(given.context, given.parties, given.timestamps[0], given.th2);
    tally.check(is_equal(key.bytes(), given.session_key), "session_key");
}

void check_message(const Entry& entry, const std::string& name, const SealedMessage& built,
                   const stc::Context& context, Tally& tally) {
    const ByteVector payload = entry.bytes(name + "_payload");
    ByteVector frame = entry.bytes(name + "_frame");
    tally.check(is_equal(built.dict(), payload), name + ": payload built differently");
    tally.check(is_equal(built.frame(), frame), name + ": frame built differently");
    const auto view = wire::parse_frame(frame);
    if (!view || view->size != frame.size()) return tally.check(false, name + ": refused");
    const auto opened = OpenedMessage::open(context, *view);
    tally.check(opened && is_equal(opened->dict(), payload), name + ": does not open");
    tally.check(frame == entry.bytes(name + "_frame"), name + ": the datagram was changed");
}

void check_built(const Entry& entry, const Given& given, Tally& tally) {
    const HelloInput hello{
        given.handshake_id,  given.parties.initiator,      given.parties.nonce_initiator,
        given.timestamps[0], given.initiator_capabilities, given.hello};
    check_message(entry, "hello", build_hello(given.context, hello), given.context, tally);
    const ResponseInput response{given.handshake_id,  given.parties, given.th1,
                                 given.timestamps[1], given.used,    given.challenge,
                                 given.response};
    check_message(entry, "response", build_response(given.context, response), given.context, tally);
    const AuthProofInput auth_proof{given.parties, given.th2, given.timestamps[2], given.proof,
                                    given.auth_proof};
    check_message(entry, "auth_proof", build_auth_proof(given.context, auth_proof), given.context,
                  tally);
    const Digest32 confirmation = confirmation_of(stc::Key(Entry::exactly<32>(given.session_key)),
                                                  given.parties.nonce_initiator);
    const FinalInput final_input{given.session_id, confirmation, given.timestamps[3],
                                 given.final_frame};
    check_message(entry, "final", build_final(given.context, final_input), given.context, tally);
}

void check_read(const Entry& entry, const Given& given, Tally& tally) {
    const auto hello = parse_hello(entry.bytes("hello_payload"));
    tally.check(hello && hello->node_id == given.parties.initiator &&
                    hello->nonce == given.parties.nonce_initiator &&
                    hello->timestamp == given.timestamps[0] &&
                    hello->capabilities == given.initiator_capabilities &&
                    is_commitment_good(given.context, *hello),
                "HELLO read differently");
    const auto response = parse_response(entry.bytes("response_payload"));
    tally.check(response && response->node_id == given.parties.responder &&
                    response->nonce == given.parties.nonce_responder &&
                    response->timestamp == given.timestamps[1] &&
                    response->capabilities == given.used &&
                    is_challenge_good(given.context, *response, given.parties, given.th1),
                "RESPONSE read differently");
    const auto auth_proof = parse_auth_proof(entry.bytes("auth_proof_payload"));
    tally.check(auth_proof && auth_proof->session_id == given.session_id &&
                    auth_proof->timestamp == given.timestamps[2] &&
                    is_proof_good(given.context, *auth_proof, given.parties, given.th2),
                "AUTH_PROOF read differently");
    const auto final_message = parse_final(entry.bytes("final_payload"));
    tally.check(final_message && final_message->session_id == given.session_id &&
                    final_message->timestamp == given.timestamps[3],
                "FINAL read differently");
}

wire::FrameView view_of(ByteVector& frame) {
    return *wire::parse_frame(frame);
}

// The whole exchange, by the two state machines.
void check_exchange(const Entry& entry, const Given& given, Tally& tally) {
    ScriptedRandom initiator_random;
    for (Bytes bytes : {Bytes(given.handshake_id), Bytes(given.parties.nonce_initiator),
                        Bytes(given.hello), Bytes(given.proof), Bytes(given.auth_proof)}) {
        initiator_random.push(bytes);
    }
    ScriptedRandom responder_random;
    for (Bytes bytes : {Bytes(given.parties.nonce_responder), Bytes(given.challenge),
                        Bytes(given.response), Bytes(given.final_frame)}) {
        responder_random.push(bytes);
    }
    const auto none_in_use = [](const wire::SessionId&) { return false; };
    const Address address = Address::ipv4({192, 0, 2, 1}, 9001);

    Initiator initiator(
        given.context,
        {given.parties.initiator, given.initiator_capabilities, given.parties.responder},
        given.timestamps[0], initiator_random);
    ByteVector hello = entry.bytes("hello_frame");
    tally.check(is_equal(initiator.hello_frame(), hello), "the initiator's HELLO");

    ResponderConfig config;
    config.own_node_id = given.parties.responder;
    config.capabilities = given.responder_capabilities;
    ResponderTable responder(config, responder_random);
    responder.add_seed(1, given.context);
    const auto answer = responder.handle_hello(Instant{}, given.timestamps[1], address,
                                               view_of(hello), none_in_use);
    ByteVector response = entry.bytes("response_frame");
    tally.check(answer && is_equal(*answer, response), "the responder's RESPONSE");

    const auto taken =
        initiator.handle_response(view_of(response), given.timestamps[2], none_in_use);
    if (!taken) return tally.check(false, "the initiator drops RESPONSE");
    ByteVector auth_proof = entry.bytes("auth_proof_frame");
    tally.check(is_equal(initiator.auth_proof_frame(), auth_proof), "the initiator's AUTH_PROOF");
    tally.check(is_equal(initiator.take_session_key().bytes(), given.session_key),
                "the initiator's key");

    const auto established =
        responder.handle_auth_proof(Instant{}, given.timestamps[3], address, view_of(auth_proof));
    if (!established) return tally.check(false, "the responder drops AUTH_PROOF");
    tally.check(is_equal(established->session_key.bytes(), given.session_key),
                "the responder's key");
    ByteVector final_frame = entry.bytes("final_frame");
    tally.check(is_equal(established->final_message.frame(), final_frame), "the responder's FINAL");
    tally.check(initiator.handle_final(view_of(final_frame)).has_value(),
                "the initiator drops FINAL");
    tally.check(initiator_random.is_used_up() && responder_random.is_used_up(),
                "random bytes left over");
}

}  // namespace

// protocol §3.6 (b)(c), §3.7 (c), §4.0 (a)(d): the four messages are these bytes.
void run_handshake(const Entry& entry, Tally& tally) {
    const Given given(entry);
    check_values(entry, given, tally);
    check_built(entry, given, tally);
    check_read(entry, given, tally);
    check_exchange(entry, given, tally);
}

}  // namespace stt::vectors
