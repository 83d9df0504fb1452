// Repeats, replays, seeds and what becomes of a half-open handshake.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/core/handshake/forge.hpp"

namespace stt::handshake {
namespace {

struct Pair {
    Pair() : table(world.config(), world.random), initiator(world.initiator()) {
        CHECK(table.add_seed(1, world.context));
    }

    Result<Bytes, DropReason> hello(const Route& from) {
        Frame frame(initiator.hello_frame());
        return table.handle_hello(world.now, world.unix_ms, from, frame.view(), none_in_use);
    }
    Result<Bytes, DropReason> hello() { return hello(world.from); }
    // Up to AUTH_PROOF.
    void respond() {
        const auto answer = hello();
        REQUIRE(answer);
        Frame response(*answer);
        REQUIRE(initiator.handle_response(response.view(), world.unix_ms, none_in_use));
    }
    Result<Established, DropReason> auth_proof(const Route& from) {
        Frame frame(initiator.auth_proof_frame());
        return table.handle_auth_proof(world.now, world.unix_ms, from, frame.view());
    }
    Result<Established, DropReason> auth_proof() { return auth_proof(world.from); }
    void pass(std::chrono::microseconds time) {
        world.now += time;
        world.unix_ms += time.count() / 1'000;
    }

    World world;
    ResponderTable table;
    Initiator initiator;
};

bool is_equal(Bytes a, Bytes b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

TEST_CASE("protocol §4.0 (a): four messages make one session with one key on both sides") {
    Pair pair;
    pair.respond();
    auto established = pair.auth_proof();
    REQUIRE(established);
    CHECK(established->session_id == pair.initiator.session_id());
    CHECK(is_equal(established->session_key.bytes(), pair.initiator.take_session_key().bytes()));
    CHECK(established->peer_node_id == pair.world.initiator_id);
    CHECK(pair.initiator.peer_node_id() == pair.world.responder_id);
    CHECK(established->used_capabilities == Capabilities{.udp = true});
    CHECK(pair.initiator.used_capabilities() == established->used_capabilities);
    CHECK(established->seed_id == 1);
    CHECK(established->hello_source == pair.world.from);
    CHECK(established->is_path_validated);
    Frame final_frame(established->final_message.frame());
    CHECK(pair.initiator.handle_final(final_frame.view()));
    CHECK(pair.table.half_open_count() == 0);
    CHECK(!pair.table.poll_timeout().has_value());
}

TEST_CASE("protocol §4.1 (f): a repeated HELLO gets the same bytes, 8 times") {
    Pair pair;
    const auto first = pair.hello();
    REQUIRE(first);
    const ByteVector response(first->begin(), first->end());
    for (int i = 0; i < 8; ++i) {
        const auto again = pair.hello();
        REQUIRE(again);
        CHECK(is_equal(*again, response));
    }
    CHECK(reason_of(pair.hello()) == DropReason::handshake_repeat_limit);
    CHECK(pair.table.half_open_count() == 1);
    // The handshake itself goes on.
    Frame frame(response);
    REQUIRE(pair.initiator.handle_response(frame.view(), pair.world.unix_ms, none_in_use));
    CHECK(pair.auth_proof());
}

TEST_CASE("protocol §4.1 (f): a repeat from another address, transport or connection is dropped") {
    Pair pair;
    REQUIRE(pair.hello());
    CHECK(reason_of(pair.hello(pair.world.elsewhere)) == DropReason::handshake_wrong_address);
    const Route websocket(pair.world.from.address, 7);
    CHECK(reason_of(pair.hello(websocket)) == DropReason::handshake_wrong_address);
    // Such ones use up nothing.
    for (int i = 0; i < 20; ++i) static_cast<void>(pair.hello(pair.world.elsewhere));
    for (int i = 0; i < 8; ++i) CHECK(pair.hello());

    Pair by_websocket;
    REQUIRE(by_websocket.hello(websocket));
    CHECK(by_websocket.hello(websocket));
    CHECK(reason_of(by_websocket.hello(Route(websocket.address, 8))) ==
          DropReason::handshake_wrong_address);
}

TEST_CASE("protocol §4.1 (e): another HELLO with a nonce that was seen is dropped") {
    Pair pair;
    World::HelloGiven given = pair.world.hello_given();
    const auto send = [&] {
        Frame frame = pair.world.hello(pair.world.hello_dict(given));
        return pair.table.handle_hello(pair.world.now, pair.world.unix_ms, pair.world.from,
                                       frame.view(), none_in_use);
    };
    REQUIRE(send());
    // The same dict, sealed once more: other bytes.
    CHECK(reason_of(send()) == DropReason::handshake_replayed);
    given.timestamp += 1;
    CHECK(reason_of(send()) == DropReason::handshake_replayed);
    given.node_id[0] ^= 1;
    CHECK(reason_of(send()) == DropReason::handshake_replayed);
    given.nonce[0] ^= 1;
    CHECK(send());
}

TEST_CASE("protocol §4.4 (b): a HELLO starts at most one session") {
    Pair pair;
    pair.respond();
    REQUIRE(pair.auth_proof());
    CHECK(reason_of(pair.hello()) == DropReason::handshake_replayed);

    Pair expired;
    REQUIRE(expired.hello());
    expired.pass(std::chrono::seconds(10));
    CHECK(reason_of(expired.hello()) == DropReason::handshake_replayed);
    CHECK(expired.table.half_open_count() == 0);
}

TEST_CASE("protocol §4.1 (g): a session_id in use makes the responder draw another nonce") {
    Pair pair;
    Frame frame(pair.initiator.hello_frame());
    int asked = 0;
    const auto first_three_in_use = [&asked](const wire::SessionId&) { return ++asked <= 3; };
    const auto answer = pair.table.handle_hello(pair.world.now, pair.world.unix_ms, pair.world.from,
                                                frame.view(), first_three_in_use);
    REQUIRE(answer);
    CHECK(asked == 4);
    Frame response(*answer);
    REQUIRE(pair.initiator.handle_response(response.view(), pair.world.unix_ms, none_in_use));
    CHECK(pair.auth_proof());

    // When none is free it is dropped, and may try again.
    Pair full;
    Frame again(full.initiator.hello_frame());
    CHECK(reason_of(full.table.handle_hello(full.world.now, full.world.unix_ms, full.world.from,
                                            again.view(), all_in_use)) ==
          DropReason::handshake_session_id_in_use);
    CHECK(full.table.nonce_count() == 0);
    CHECK(full.hello());
}

TEST_CASE("protocol §4.1 (h): half-open state lives 10 s") {
    Pair pair;
    pair.respond();
    const Instant begin = pair.world.now;
    CHECK(pair.table.poll_timeout() == begin + std::chrono::seconds(10));
    pair.table.handle_timeout(begin + std::chrono::microseconds(9'999'999));
    CHECK(pair.table.half_open_count() == 1);
    pair.world.now = begin + std::chrono::microseconds(9'999'999);
    Pair other;
    CHECK(pair.auth_proof());

    other.respond();
    other.world.now += std::chrono::seconds(10);
    CHECK(reason_of(other.auth_proof()) == DropReason::handshake_unexpected);
    CHECK(other.table.half_open_count() == 0);
    CHECK(other.table.half_open_session_key(other.initiator.session_id()) == nullptr);
    CHECK(!other.table.poll_timeout().has_value());
}

TEST_CASE(
    "protocol §4.2 (a): a frame that opens under the half-open keys makes the session active") {
    Pair pair;
    CHECK(pair.table.half_open_session_key({}) == nullptr);
    pair.respond();
    const wire::SessionId session_id = pair.initiator.session_id();
    const stc::Key* const key = pair.table.half_open_session_key(session_id);
    REQUIRE(key != nullptr);
    const stc::Key expected = pair.initiator.take_session_key();
    CHECK(is_equal(key->bytes(), expected.bytes()));
    const Established established = pair.table.establish(pair.world.unix_ms, session_id);
    CHECK(is_equal(established.session_key.bytes(), expected.bytes()));
    CHECK(established.hello_source == pair.world.from);
    CHECK(!established.is_path_validated);
    CHECK(!established.auth_proof_fingerprint.has_value());
    Frame final_frame(established.final_message.frame());
    CHECK(pair.initiator.handle_final(final_frame.view()));
    // It is consumed, once and for all.
    CHECK(pair.table.half_open_session_key(session_id) == nullptr);
    CHECK(reason_of(pair.auth_proof()) == DropReason::handshake_unexpected);
    CHECK(reason_of(pair.hello()) == DropReason::handshake_replayed);
}

TEST_CASE("protocol §4.1 (b): each HELLO is answered under the seed that it was made with") {
    Pair pair;
    CHECK(!pair.table.add_seed(1, pair.world.other_context));
    CHECK(pair.table.add_seed(2, pair.world.other_context));
    CHECK(pair.table.seed_count() == 2);
    pair.respond();
    CHECK(pair.auth_proof()->seed_id == 1);

    pair.initiator = Initiator(pair.world.other_context, pair.world.initiator_config(),
                               pair.world.unix_ms, pair.world.random);
    pair.respond();
    CHECK(pair.auth_proof()->seed_id == 2);

    pair.initiator = Initiator(pair.world.other_context, pair.world.initiator_config(),
                               pair.world.unix_ms, pair.world.random);
    pair.respond();
    CHECK(pair.table.remove_seed(2));
    CHECK(!pair.table.remove_seed(2));
    CHECK(pair.table.half_open_count() == 0);
    CHECK(reason_of(pair.auth_proof()) == DropReason::handshake_unexpected);
    CHECK(reason_of(pair.hello()) == DropReason::handshake_seed_unknown);
}

TEST_CASE("protocol §4.0: two initiators with one handshake id do not disturb each other") {
    World world;
    ResponderTable table(world.config(), world.random);
    CHECK(table.add_seed(1, world.context));
    for (int i = 0; i < 2; ++i) {
        Frame hello = world.good_hello();
        const auto answer =
            table.handle_hello(world.now, world.unix_ms, world.from, hello.view(), none_in_use);
        REQUIRE(answer);
        CHECK(Frame(*answer).view().session_id == world.handshake_id);
    }
    CHECK(table.half_open_count() == 2);
}

}  // namespace stt::handshake
