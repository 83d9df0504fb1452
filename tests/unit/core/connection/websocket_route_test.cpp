// A session on a WebSocket, and one that goes to another route by its own choice. Spec protocol
// §10.5, §11.4, §12.1, §13.3.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "tests/unit/core/connection/path_testing.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Route websocket(Address::ipv4({10, 0, 0, 77}, 8'080), 7);

void choose(RawPeer& peer, const Route& route) {
    peer.endpoint().move_to({peer.now(), 0}, peer.session(), route);
    peer.touch();
}

void write(RawPeer& peer, std::size_t size) {
    const auto key = peer.connection()->open_stream("x");
    REQUIRE(key.has_value());
    REQUIRE(peer.connection()->write(*key, std::vector<std::uint8_t>(size)).has_value());
    peer.touch();
}

TEST_CASE("protocol §11.4 (a): a side that chooses a route asks there by PING and PATH_CHALLENGE") {
    RawPeer peer(1);
    settle(peer);
    choose(peer, websocket);
    CHECK(messages_to<wire::Ping>(peer, websocket).size() == 1);
    CHECK(messages_to<wire::PathChallenge>(peer, websocket).size() == 1);
    CHECK(peer.connection()->route() == peer.address());
    answer_challenge(peer, websocket);
    CHECK(peer.connection()->route() == websocket);
    CHECK(peer.connection()->paths().is_validated());
}

TEST_CASE("protocol §11.4 (a): a route that is chosen in vain is asked three times, and dropped") {
    RawPeer peer(2);
    settle(peer);
    choose(peer, websocket);
    for (int i = 0; i < 20; ++i) {
        peer.advance(seconds(1));
        peer.acknowledge_all();
    }
    CHECK(messages_to<wire::PathChallenge>(peer, websocket).size() == 3);
    CHECK(peer.connection()->route() == peer.address());
    CHECK(!peer.connection()->paths().has(websocket));
}

TEST_CASE("protocol §11.4 (b): it is taken though the path in use brought a newer frame") {
    RawPeer peer(3);
    settle(peer);
    choose(peer, websocket);
    peer.deliver(sealed(peer, wire::Ping{}));
    answer_challenge(peer, websocket);
    CHECK(peer.connection()->route() == websocket);
}

TEST_CASE("protocol §11.4 (c): for 5 s a frame of the path that was left moves nothing") {
    RawPeer peer(4);
    settle(peer);
    choose(peer, websocket);
    answer_challenge(peer, websocket);
    REQUIRE(peer.connection()->route() == websocket);
    peer.advance(milliseconds(4'900));
    peer.deliver(sealed(peer, wire::Ping{}));
    CHECK(peer.connection()->route() == websocket);
    // Whoever goes on sending there has its reasons.
    peer.advance(seconds(10));
    peer.clear();
    peer.deliver(sealed(peer, wire::Ping{}));
    answer_challenge(peer, peer.address());
    CHECK(peer.connection()->route() == peer.address());
}

TEST_CASE("protocol §11.2 (d): a question by the path that was left is answered, newest or not") {
    RawPeer peer(11);
    settle(peer);
    write(peer, 60'000);  // what has gone there is no reason not to answer
    choose(peer, websocket);
    answer_challenge(peer, websocket);
    peer.advance(seconds(10));
    peer.acknowledge_all();
    const auto slow = sealed(peer, wire::PathChallenge{});
    peer.deliver_from(websocket, sealed(peer, wire::Ping{}));
    peer.clear();
    peer.deliver(slow);
    CHECK(messages_to<wire::PathResponse>(peer, peer.address()).size() == 1);
}

TEST_CASE("protocol §11.4: a session whose only WebSocket has closed is asked for by the next") {
    RawPeer peer(5, {}, websocket);
    settle(peer);
    const auto was_told = [&] {
        return std::any_of(peer.events().begin(), peer.events().end(), [](const auto& event) {
            const auto* of = std::get_if<connection::SessionEvent>(&event);
            return of != nullptr && std::holds_alternative<connection::PathTaken>(of->event);
        });
    };
    peer.close_route(websocket);
    CHECK_FALSE(was_told());
    peer.clear();
    const Route next(websocket.address, 8);
    choose(peer, next);
    CHECK(peer.connection()->route() == next);
    CHECK(was_told());
    CHECK(messages_to<wire::PathChallenge>(peer, next).size() == 1);
    // Nothing but questions goes where nobody has answered yet.
    write(peer, 50'000);
    CHECK(bytes_to(peer, next) < 200);
    answer_challenge(peer, next);
    CHECK(bytes_to(peer, next) > 50'000);
}

TEST_CASE("protocol §10.5 (b): a WebSocket that is full holds data back, and questions not") {
    RawPeer peer(6, {}, websocket);
    settle(peer);
    peer.endpoint().set_route_full(websocket, true);
    write(peer, 50'000);
    CHECK(bytes_to(peer, websocket) == 0);
    peer.deliver(sealed(peer, wire::Ping{}));
    CHECK(messages_to<wire::Pong>(peer, websocket).size() == 1);
    peer.advance(seconds(3));
    CHECK(bytes_to(peer, websocket) < 200);
    REQUIRE(peer.endpoint().is_quiet());
    peer.endpoint().set_route_full(websocket, false);
    CHECK(!peer.endpoint().is_quiet());
    peer.touch();
    CHECK(bytes_to(peer, websocket) > 50'000);
}

TEST_CASE(
    "protocol §13.3 (d): a WebSocket has frames of 1,200 bytes until a probe shows that more "
    "pass") {
    RawPeer peer(7, {}, websocket);
    for (const auto& datagram : peer.datagrams()) {
        CHECK((datagram.bytes.size() <= 1'200 || datagram.bytes.size() == 8'188));
    }
    CHECK(peer.connection()->statistics(peer.now()).path_mtu == 1'200);
    settle(peer);
    write(peer, 1'000'000);
    std::size_t largest = 0;
    for (const auto& datagram : peer.datagrams()) {
        largest = std::max(largest, datagram.bytes.size());
    }
    // RawPeer takes transmissions apart into what the engine calls datagrams.
    CHECK(largest == 8'188);
    CHECK(peer.connection()->statistics(peer.now()).path_mtu == 8'188);
}

TEST_CASE("protocol §12.1 (b): on a WebSocket the maximum is a plaintext of 16,384 bytes") {
    for (const auto policy :
         {connection::PaddingPolicy::bucket, connection::PaddingPolicy::constant}) {
        connection::EndpointConfig config;
        config.connection.padding = policy;
        RawPeer peer(8, config, websocket);
        settle(peer);
        write(peer, 100'000);
        std::size_t count = 0;
        for (const RawFrame& frame : peer.frames()) {
            if (frame.type != wire::FrameType::data) continue;
            CHECK(frame.plaintext.size() <= 16'384);
            if (frame.plaintext.size() == 16'384) ++count;
        }
        // Of the 65,536 bytes of the first credit.
        CHECK(count >= 3);
    }
}

TEST_CASE("protocol §13.3 (d): a probe waits where the caller takes only small messages") {
    const Route next(websocket.address, 8);
    RawPeer peer(9, {}, websocket);
    settle(peer);
    choose(peer, next);
    const auto challenges = messages_to<wire::PathChallenge>(peer, next);
    REQUIRE(!challenges.empty());
    auto response = sealed(peer, wire::PathResponse{challenges.back().token});
    const connection::Moment moment{peer.now(), 0};
    peer.endpoint().handle_datagrams(moment, next, response, response.size(), 0);
    REQUIRE(peer.connection()->route() == next);
    // A probe of this path is due, and its frames are of 1,200 bytes.
    std::array<std::uint8_t, 2'048> buffer;
    while (const auto transmit = peer.endpoint().poll_transmit(moment, buffer)) {
        CHECK(transmit->size <= buffer.size());
    }
    peer.clear();
    peer.touch();
    CHECK(bytes_to(peer, next) >= 8'188);
}

TEST_CASE(
    "protocol §13.3 (a): whether a WebSocket carries a session is known once a frame opened") {
    RawPeer peer(9);
    settle(peer);
    CHECK(!peer.endpoint().carries_session(websocket));
    std::vector<std::uint8_t> forged = sealed(peer, wire::Ping{});
    forged.back() ^= 1;
    peer.deliver_from(websocket, forged);
    CHECK(!peer.endpoint().carries_session(websocket));
    peer.deliver_from(websocket, sealed(peer, wire::Ping{}));
    CHECK(peer.endpoint().carries_session(websocket));
    peer.close_route(websocket);
    CHECK(!peer.endpoint().carries_session(websocket));
}

TEST_CASE("a WebSocket that has lost its last session is told to be of no use") {
    RawPeer peer(10, {}, websocket);
    settle(peer);
    peer.connection()->close(peer.now(), 0, {});
    peer.touch();
    const auto is_told = [&](const connection::EndpointEvent& event) {
        const auto* unused = std::get_if<connection::WebSocketUnused>(&event);
        return unused != nullptr && unused->connection == websocket.connection;
    };
    CHECK(std::count_if(peer.events().begin(), peer.events().end(), is_told) == 0);
    peer.advance(seconds(10));
    CHECK(std::count_if(peer.events().begin(), peer.events().end(), is_told) == 1);
    CHECK(peer.connection() == nullptr);
}

}  // namespace
}  // namespace stt
