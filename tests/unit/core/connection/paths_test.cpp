// How a session moves, to the letter. Spec protocol §4.2, §10.5, §11.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/core/connection/path_testing.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ControlMessage;

const Address moved = Address::ipv4({10, 0, 0, 77}, 4'000);
const Address victim = Address::ipv4({203, 0, 113, 5}, 443);

std::size_t datagrams_to(const RawPeer& peer, const Route& route) {
    const auto& all = peer.datagrams();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const auto& datagram) { return datagram.to == route; }));
}

void move_to(RawPeer& peer, const Route& route) {
    peer.deliver_from(route, sealed(peer, wire::Ping{}));
    answer_challenge(peer, route);
}

struct PathTrace : trace::Sink {
    void on_event(const trace::Record& record) override {
        const auto* changed = std::get_if<trace::PathChanged>(&record.event);
        if (changed != nullptr) stages.emplace_back(changed->stage, changed->remote);
    }
    std::vector<std::pair<trace::PathChanged::Stage, Route>> stages;
};

TEST_CASE("trace: a path is told as candidate, validated and taken, then as silent and back") {
    using Stage = trace::PathChanged::Stage;
    PathTrace seen;
    connection::EndpointConfig config;
    config.connection.trace = &seen;
    RawPeer peer(1, config);
    settle(peer);
    seen.stages.clear();
    move_to(peer, moved);
    REQUIRE(seen.stages.size() == 3);
    CHECK(seen.stages[0] == std::pair{Stage::candidate, Route(moved)});
    CHECK(seen.stages[1] == std::pair{Stage::validated, Route(moved)});
    CHECK(seen.stages[2] == std::pair{Stage::taken, Route(moved)});
    seen.stages.clear();
    for (int i = 0; i < 60; ++i) peer.advance(seconds(1));
    REQUIRE(seen.stages.size() == 1);
    CHECK(seen.stages[0] == std::pair{Stage::unreachable, Route(moved)});
    peer.deliver_from(moved, sealed(peer, wire::Ping{}));
    REQUIRE(seen.stages.size() == 2);
    CHECK(seen.stages[1] == std::pair{Stage::reachable, Route(moved)});
}

TEST_CASE("protocol §11.1 (b): PATH_*, ACK and PADDING from elsewhere make no candidate") {
    RawPeer peer(1);
    settle(peer);
    peer.deliver_from(moved, sealed(peer, wire::PathChallenge{}));
    peer.deliver_from(moved, sealed(peer, wire::PathResponse{}));
    peer.deliver_from(moved, sealed(peer, wire::Padding{20}));
    wire::Ack ack;
    peer.deliver_from(moved, sealed(peer, ack));
    CHECK(peer.connection()->paths().count() == 1);
    CHECK(messages_to<wire::PathChallenge>(peer, moved).empty());
    // Nor does any other frame that has not the highest Sequence so far.
    const auto late = sealed(peer, wire::Ping{});
    peer.send(ControlMessage(wire::Ping{}));
    peer.deliver_from(moved, late);
    CHECK(peer.connection()->paths().count() == 1);
    // Every other kind does, on CONTROL and elsewhere.
    peer.deliver_from(moved, sealed(peer, wire::FlowCredit{3'000'000}));
    CHECK(peer.connection()->paths().count() == 2);
    CHECK(messages_to<wire::PathChallenge>(peer, moved).size() == 1);
    CHECK(peer.connection()->route() == peer.address());
}

TEST_CASE("protocol §11.2 (a): data stays on the old path until the candidate is validated") {
    RawPeer peer(2);
    settle(peer);
    peer.deliver_from(moved, sealed(peer, wire::Ping{}));
    CHECK(messages_to<wire::PathChallenge>(peer, moved).size() == 1);
    CHECK(messages_to<wire::PathChallenge>(peer, peer.address()).size() == 1);
    const auto tokens = peer.messages<wire::PathChallenge>();
    REQUIRE(tokens.size() == 2);
    CHECK(tokens[0].token != tokens[1].token);
    const auto key = peer.connection()->open_stream("x");
    REQUIRE(key.has_value());
    REQUIRE(peer.connection()->write(*key, bytes_of("to the old place")).has_value());
    peer.touch();
    const auto goes_to = [&](const Route& route) {
        return std::any_of(peer.frames().begin(), peer.frames().end(), [&](const RawFrame& frame) {
            return frame.type == wire::FrameType::data && peer.route_of(frame) == route;
        });
    };
    CHECK(goes_to(peer.address()));
    CHECK(!goes_to(moved));
    const auto challenge = messages_to<wire::PathChallenge>(peer, moved).front();
    SUBCASE("by an answer from there") {
        peer.clear();
        peer.deliver_from(moved, sealed(peer, wire::PathResponse{challenge.token}));
        CHECK(peer.connection()->route() == moved);
        REQUIRE(events_of<connection::PathTaken>(peer).size() == 1);
        CHECK(events_of<connection::PathTaken>(peer).front().route == moved);
        // The peer is told where it is seen, after each validation.
        REQUIRE(peer.messages<wire::ObservedAddress>().size() == 1);
        const std::vector<std::uint8_t> expected{10, 0, 0, 77, 0x0f, 0xa0};
        CHECK(std::ranges::equal(peer.messages<wire::ObservedAddress>().front().address, expected));
    }
    SUBCASE("protocol §11.2 (d): an answer counts only from the address that was challenged") {
        peer.send(ControlMessage(wire::PathResponse{challenge.token}));
        peer.deliver_from(victim, sealed(peer, wire::PathResponse{challenge.token}));
        CHECK(peer.connection()->route() == peer.address());
        peer.deliver_from(moved, sealed(peer, wire::PathResponse{wire::Token{1}}));
        CHECK(peer.connection()->route() == peer.address());
    }
}

TEST_CASE("protocol §11.2 (c): three challenges with fresh tokens, one each PTO, then dropped") {
    RawPeer peer(3);
    settle(peer);
    peer.deliver_from(moved, sealed(peer, wire::Ping{}));
    // A large frame of no meaning for paths: the candidate's budget shall not be the limit.
    peer.deliver_from(moved, sealed(peer, wire::Padding{1'000}));
    peer.advance(milliseconds(1'000));
    CHECK(messages_to<wire::PathChallenge>(peer, moved).size() == 1);
    peer.advance(milliseconds(2'100));
    const auto challenges = messages_to<wire::PathChallenge>(peer, moved);
    REQUIRE(challenges.size() == 3);
    CHECK(challenges[0].token != challenges[1].token);
    CHECK(challenges[1].token != challenges[2].token);
    peer.acknowledge_all();
    peer.advance(seconds(10));
    CHECK(messages_to<wire::PathChallenge>(peer, moved).size() == 3);
    CHECK(peer.connection()->paths().count() == 1);
    // The answer to a dropped candidate's challenge validates nothing.
    peer.deliver_from(moved, sealed(peer, wire::PathResponse{challenges[2].token}));
    CHECK(peer.connection()->route() == peer.address());
}

TEST_CASE(
    "protocol §11.2 (b): an address that is not validated gets at most three times its bytes") {
    RawPeer peer(4);
    settle(peer);
    std::size_t received = 0;
    const auto deliver = [&](const ControlMessage& message) {
        const auto frame = sealed(peer, message);
        received += frame.size();
        peer.deliver_from(victim, frame);
        CHECK(bytes_to(peer, victim) <= 3 * received);
    };
    deliver(wire::Ping{});
    for (std::uint8_t i = 0; i < 20; ++i) {
        deliver(wire::PathChallenge{wire::Token{i}});
        deliver(wire::Ping{wire::Token{i}});
        peer.advance(milliseconds(200));
        CHECK(bytes_to(peer, victim) <= 3 * received);
    }
    // Acknowledgements, closes and what the application writes go to the old path.
    const auto key = peer.connection()->open_stream("x");
    REQUIRE(key.has_value());
    REQUIRE(peer.connection()->write(*key, std::vector<std::uint8_t>(500'000)).has_value());
    peer.touch();
    peer.connection()->close(peer.now(), 5, std::string(255, 'r'));
    peer.touch();
    CHECK(bytes_to(peer, victim) <= 3 * received);
    for (int i = 0; i < 20; ++i) deliver(wire::Ping{});
    // Many questions in one frame bring no more either.
    RawPeer flooded(5);
    settle(flooded);
    RawPeer::Frame frame;
    for (std::uint8_t i = 0; i < 4; ++i) {
        for (const ControlMessage& message : {ControlMessage(wire::PathChallenge{wire::Token{i}}),
                                              ControlMessage(wire::Ping{wire::Token{i}})}) {
            const std::size_t before = frame.plaintext.size();
            frame.plaintext.resize(before + wire::encoded_size(message));
            codec::Writer writer(MutableBytes(frame.plaintext).subspan(before));
            wire::write(writer, message);
        }
    }
    const auto bytes = flooded.seal(frame);
    flooded.deliver_from(victim, bytes);
    CHECK(bytes_to(flooded, victim) <= 3 * bytes.size());
    flooded.advance(seconds(20));
    CHECK(bytes_to(flooded, victim) <= 3 * bytes.size());
}

TEST_CASE("protocol §13.1 (a): larger datagrams are asked for once a session is used") {
    const auto largest = [](const RawPeer& peer) {
        std::size_t size = 0;
        for (const auto& datagram : peer.datagrams()) size = std::max(size, datagram.bytes.size());
        return size;
    };
    using Use = void (*)(RawPeer&);
    const Use opens = [](RawPeer& peer) {
        REQUIRE(peer.connection()->open_stream("here").has_value());
        peer.touch();
    };
    const Use accepts = [](RawPeer& peer) {
        wire::Open open;
        open.endpoint = bytes_of("there");
        peer.send(1, 0, open);
    };
    const Use sends = [](RawPeer& peer) {
        REQUIRE(peer.connection()->send_custom(0x80, 0, {}).has_value());
        peer.touch();
    };
    for (const Use use : {opens, accepts, sends}) {
        RawPeer peer(16);
        rest(peer);
        CHECK(largest(peer) <= 1'200);
        use(peer);
        CHECK(largest(peer) == 1'472);
        CHECK(peer.connection()->path().mtu().current() == 1'200);
        peer.acknowledge_all();
        CHECK(peer.connection()->path().mtu().current() == 1'472);
    }
}

TEST_CASE("protocol §11.3 (a): another host starts its own RTT and congestion, another port not") {
    RawPeer peer(6);
    settle(peer);
    const Duration measured = peer.connection()->path().rtt().smoothed();
    const auto mtu = peer.connection()->path().mtu().current();
    REQUIRE(mtu > 1'200);
    const Address other_port = peer.address().with_port(5'555);
    move_to(peer, other_port);
    REQUIRE(peer.connection()->route() == other_port);
    CHECK(peer.connection()->path().rtt().smoothed() == measured);
    CHECK(peer.connection()->path().mtu().current() == mtu);
    move_to(peer, moved);
    REQUIRE(peer.connection()->route() == moved);
    CHECK(!peer.connection()->path().rtt().has_sample());
    CHECK(peer.connection()->path().mtu().current() == 1'200);
}

TEST_CASE(
    "protocol §11.3 (b): a frame from the former path makes it the path again, for three PTOs") {
    RawPeer peer(7);
    settle(peer);
    move_to(peer, moved);
    REQUIRE(peer.connection()->route() == moved);
    peer.acknowledge_all();
    SUBCASE("at once, without a challenge") {
        peer.clear();
        peer.send(ControlMessage(wire::Ping{}));
        CHECK(peer.connection()->route() == peer.address());
        CHECK(peer.messages<wire::PathChallenge>().empty());
        // And there and back again.
        peer.deliver_from(moved, sealed(peer, wire::Ping{}));
        CHECK(peer.connection()->route() == moved);
    }
    SUBCASE("not by ACK alone, nor by what is older") {
        const auto older = sealed(peer, wire::Ping{});
        peer.deliver_from(moved, sealed(peer, wire::Ping{}));
        peer.deliver(older);
        peer.acknowledge_all();
        CHECK(peer.connection()->route() == moved);
    }
    SUBCASE("afterwards it must answer a challenge like any other") {
        peer.advance(milliseconds(800));
        peer.clear();
        peer.send(ControlMessage(wire::Ping{}));
        CHECK(peer.connection()->route() == moved);
        CHECK(messages_to<wire::PathChallenge>(peer, peer.address()).size() == 1);
    }
}

TEST_CASE("protocol §11.1 (b): replays of old frames from elsewhere move nothing") {
    RawPeer peer(8);
    settle(peer);
    std::vector<std::vector<std::uint8_t>> old;
    for (int i = 0; i < 50; ++i) {
        old.push_back(sealed(peer, wire::Ping{}));
        peer.deliver(old.back());
    }
    peer.clear();
    for (const auto& frame : old) peer.deliver_from(victim, frame);
    CHECK(peer.connection()->paths().count() == 1);
    CHECK(peer.datagrams().empty());
}

TEST_CASE(
    "protocol §11.2 (f): somebody who sends copies from a thousand addresses costs a bounded "
    "number of paths, and the peer stays where it is") {
    RawPeer peer(9);
    settle(peer);
    std::size_t most = 0;
    std::size_t received = 0;
    for (std::uint16_t i = 0; i < 1'000; ++i) {
        const Address copier = Address::ipv4({198, 51, 100, static_cast<std::uint8_t>(i)},
                                             static_cast<std::uint16_t>(1'000 + i));
        const auto frame = sealed(peer, wire::Ping{});
        received += frame.size();
        peer.deliver_from(copier, frame);
        CHECK(bytes_to(peer, copier) <= 3 * frame.size());
        most = std::max(most, peer.connection()->paths().count());
        peer.deliver(frame);
        peer.send(ControlMessage(wire::Ping{}));
    }
    CHECK(most == 1 + connection::candidate_count_max);
    CHECK(peer.connection()->route() == peer.address());
    peer.acknowledge_all();
    peer.advance(seconds(5));
    CHECK(peer.connection()->paths().count() == 1);
    CHECK(!peer.closed());
}

TEST_CASE("protocol §11.2 (f): an answer that comes after the peer went on takes no path") {
    RawPeer peer(10);
    settle(peer);
    peer.deliver_from(moved, sealed(peer, wire::Ping{}));
    const auto challenge = messages_to<wire::PathChallenge>(peer, moved).front();
    peer.send(ControlMessage(wire::Ping{}));  // it never left
    peer.deliver_from(moved, sealed(peer, wire::PathResponse{challenge.token}));
    CHECK(peer.connection()->route() == peer.address());
    // But it is validated now: what comes from there moves the session at once.
    peer.deliver_from(moved, sealed(peer, wire::Ping{}));
    CHECK(peer.connection()->route() == moved);
}

TEST_CASE(
    "protocol §10.5 (b), §11.3 (c): when a WebSocket closes, the last validated path is used") {
    RawPeer peer(11);
    settle(peer);
    const Route websocket(moved, 7);
    move_to(peer, websocket);
    REQUIRE(peer.connection()->route() == websocket);
    CHECK(peer.connection()->path().is_reliable());
    peer.acknowledge_all();
    // Longer than the former path stays validated: it is remembered all the same.
    peer.advance(seconds(10));
    const auto key = peer.connection()->open_stream("x");
    REQUIRE(key.has_value());
    REQUIRE(peer.connection()->write(*key, bytes_of("by whatever path")).has_value());
    peer.touch();
    peer.clear();
    peer.close_route(Route(moved, 8));  // another one
    CHECK(peer.connection()->route() == websocket);
    peer.close_route(websocket);
    CHECK(peer.connection()->route() == peer.address());
    CHECK(!peer.connection()->path().is_reliable());
    // What was under way on it is lost at once, and goes out again.
    const auto is_data = [&](const RawFrame& frame) {
        return frame.type == wire::FrameType::data && peer.route_of(frame) == peer.address();
    };
    CHECK(std::any_of(peer.frames().begin(), peer.frames().end(), is_data));
}

TEST_CASE(
    "protocol §11.2 (a): with the old path closed, data goes to the candidate, within limits") {
    const Route websocket(moved, 7);
    RawPeer peer(12, {}, websocket);
    settle(peer);
    REQUIRE(peer.connection()->route() == websocket);
    const auto key = peer.connection()->open_stream("x");
    REQUIRE(key.has_value());
    REQUIRE(peer.connection()->write(*key, std::vector<std::uint8_t>(50'000)).has_value());
    peer.close_route(websocket);
    peer.clear();
    peer.touch();
    peer.advance(seconds(30));
    CHECK(peer.datagrams().empty());  // there is no path
    const auto frame = sealed(peer, wire::Ping{});
    peer.deliver_from(victim, frame);
    CHECK(peer.connection()->route() == victim);
    peer.advance(seconds(30));
    CHECK(bytes_to(peer, victim) > 0);
    CHECK(bytes_to(peer, victim) <= 3 * frame.size());
    peer.clear();
    const auto again = sealed(peer, wire::Ping{});
    peer.deliver_from(victim, again);
    const auto challenges = messages_to<wire::PathChallenge>(peer, victim);
    REQUIRE(!challenges.empty());
    peer.deliver_from(victim, sealed(peer, wire::PathResponse{challenges.back().token}));
    CHECK(bytes_to(peer, victim) > 10'000);
}

TEST_CASE("protocol §4.2 (c): AUTH_PROOF from elsewhere than its HELLO makes a candidate") {
    RawPeer peer(13, {}, RawPeer::AuthProofFrom{moved});
    CHECK(peer.connection()->route() == peer.address());
    CHECK(!peer.connection()->paths().is_validated());
    CHECK(peer.connection()->paths().count() == 2);
    const auto challenges = messages_to<wire::PathChallenge>(peer, moved);
    REQUIRE(challenges.size() == 1);
    CHECK(messages_to<wire::PathChallenge>(peer, peer.address()).size() == 1);
    // HELLO's address is not validated either: to it, too, three times what came from there.
    const auto key = peer.connection()->open_stream("x");
    REQUIRE(key.has_value());
    REQUIRE(peer.connection()->write(*key, std::vector<std::uint8_t>(100'000)).has_value());
    peer.touch();
    peer.advance(seconds(3));
    CHECK(bytes_to(peer, peer.address()) <= 3 * 1'200);
    peer.deliver_from(moved, sealed(peer, wire::PathResponse{challenges.front().token}));
    CHECK(peer.connection()->route() == moved);
    CHECK(peer.connection()->paths().is_validated());
}

TEST_CASE("protocol §8.1 OBSERVED_ADDRESS: a claim of the peer's, told once, and never nobody's") {
    RawPeer peer(14);
    settle(peer);
    const auto observe = [&](std::vector<std::uint8_t> bytes) {
        peer.send(ControlMessage(wire::ObservedAddress{bytes}));
        return events_of<connection::AddressObserved>(peer).size();
    };
    CHECK(observe({0, 0, 0, 0, 1, 1}) == 0);
    CHECK(observe({10, 0, 0, 1, 0, 0}) == 0);
    CHECK(observe({224, 0, 0, 1, 1, 1}) == 0);
    CHECK(observe({255, 255, 255, 255, 1, 1}) == 0);
    CHECK(observe(std::vector<std::uint8_t>(18, 0)) == 0);
    CHECK(observe(std::vector<std::uint8_t>(18, 0xff)) == 0);
    CHECK(observe({198, 51, 100, 7, 0x23, 0x29}) == 1);
    CHECK(observe({198, 51, 100, 7, 0x23, 0x29}) == 1);
    const auto seen = events_of<connection::AddressObserved>(peer).front().address;
    CHECK(seen == Address::ipv4({198, 51, 100, 7}, 9'001));
    CHECK(!peer.closed());
    CHECK(peer.connection()->route() == peer.address());
}

TEST_CASE("protocol §12.3 (a): a close is repeated to where the peer went, as far as it pays") {
    RawPeer peer(15);
    settle(peer);
    peer.connection()->close(peer.now(), 1'000, std::string(255, 'r'));
    peer.touch();
    REQUIRE(datagrams_to(peer, peer.address()) == 1);
    const std::size_t close_size = peer.datagrams().front().bytes.size();
    peer.clear();
    peer.deliver_from(moved, sealed(peer, wire::Ping{}));
    CHECK(3 * sealed(peer, wire::Ping{}).size() < close_size);
    CHECK(datagrams_to(peer, moved) == 0);
    CHECK(datagrams_to(peer, peer.address()) == 1);
    peer.deliver_from(moved, sealed(peer, wire::Padding{200}));
    CHECK(datagrams_to(peer, moved) == 1);
}

TEST_CASE(
    "protocol §11.3 (a): when this node's network changed, what was measured counts no more") {
    RawPeer peer(16);
    settle(peer);
    REQUIRE(peer.connection()->path().rtt().has_sample());
    for (int i = 0; i < 20; ++i) peer.network_changed();
    CHECK(peer.connection()->route() == peer.address());
    CHECK(peer.connection()->paths().is_validated());
    CHECK(!peer.connection()->path().rtt().has_sample());
    CHECK(peer.messages<wire::Ping>().size() >= 20);
    peer.acknowledge_all();
    CHECK(peer.connection()->path().rtt().has_sample());
    peer.advance(seconds(10));
    CHECK(!peer.closed());
}

}  // namespace
}  // namespace stt
