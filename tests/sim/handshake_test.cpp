// Handshakes between two endpoints on a bad network. Spec protocol §4.
#include <doctest/doctest.h>

#include <array>

#include "testing/session_pair.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::DropReason;

enum class Place { hello, response, auth_proof, final };

// Which handshake message a datagram begins with, if any.
std::optional<Place> place_of(Bytes datagram) {
    std::vector<std::uint8_t> copy(datagram.begin(), datagram.end());
    const auto frame = wire::parse_frame(copy);
    if (!frame || frame->kind == wire::MetadataKind::session) return std::nullopt;
    if (frame->type == wire::FrameType::auth) return Place::auth_proof;
    if (frame->kind == wire::MetadataKind::seed_with_hint) return Place::hello;
    return frame->size == handshake::padded_frame_size ? Place::response : Place::final;
}

// Drops the first `count` messages at each place.
void lose(SessionPair& pair, std::array<unsigned, 4> counts) {
    pair.network.filter = [counts](const DatagramView& datagram) mutable {
        const auto place = place_of(datagram.bytes);
        if (!place) return Verdict::pass;
        unsigned& left = counts[static_cast<std::size_t>(*place)];
        if (left == 0) return Verdict::pass;
        --left;
        return Verdict::drop;
    };
}

TEST_CASE(
    "protocol §4.3 (a): up to three losses at any of the four places only delay a handshake") {
    for (unsigned code = 0; code < 256; ++code) {
        const std::array<unsigned, 4> counts{code & 3, (code >> 2) & 3, (code >> 4) & 3, code >> 6};
        if (counts[0] + counts[1] + counts[2] + counts[3] > 3) continue;
        CAPTURE(code);
        SessionPair pair(code);
        pair.network.set_links(client, server, delayed(milliseconds(20)));
        lose(pair, counts);
        REQUIRE(pair.establish());
        const auto key = pair.open(client);
        pair.write(client, key, "hello");
        pair.finish(client, key);
        REQUIRE(pair.network.run_until([&] { return pair.received(server, key).is_ended; },
                                       seconds(10)));
        CHECK(pair.received(server, key).text == "hello");
        CHECK(pair.network.endpoint(server).half_open_count() == 0);
        CHECK(pair.network.endpoint(server).session_count() == 1);
    }
}

TEST_CASE(
    "protocol §4.3 (c): data leaves with AUTH_PROOF, and arrives after one round trip and a "
    "half") {
    SessionPair pair(1);
    pair.network.set_links(client, server, delayed(milliseconds(50)));
    const Instant started = pair.network.now();
    std::optional<stream::StreamKey> key;
    pair.network.on_event = [&, keep = pair.network.on_event](
                                NodeNumber node, const connection::EndpointEvent& event) {
        keep(node, event);
        if (node == client && std::holds_alternative<connection::SessionConnected>(event)) {
            key = pair.open(client);
            pair.write(client, *key, "early");
        }
    };
    pair.network.connect(client, server);
    REQUIRE(pair.network.run_until(
        [&] { return key && pair.received(server, *key).text == "early"; }, seconds(5)));
    CHECK(pair.network.now() - started == milliseconds(150));
}

TEST_CASE("protocol §4.2 (a): data confirms a session whose AUTH_PROOF was lost for good") {
    SessionPair pair(2);
    pair.network.set_links(client, server, delayed(milliseconds(20)));
    // AUTH_PROOF comes alone and never arrives; what is sent behind it does.
    pair.network.filter = [](const DatagramView& datagram) {
        return place_of(datagram.bytes) == Place::auth_proof ? Verdict::drop : Verdict::pass;
    };
    pair.network.connect(client, server);
    REQUIRE(pair.network.run_until([&] { return pair.session[client] != 0; }, seconds(5)));
    const auto key = pair.open(client);
    pair.write(client, key, "data");
    REQUIRE(pair.network.run_until([&] { return pair.is_established(); }, seconds(9)));
    CHECK(pair.received(server, key).text == "data");
}

TEST_CASE("protocol §4.2 (b): a repeated AUTH_PROOF gets the stored FINAL, byte for byte") {
    SessionPair pair(3);
    pair.network.set_recording(true);
    // Only FINAL confirms: the server's session frames are lost for a while.
    unsigned finals = 0;
    pair.network.filter = [&](const DatagramView& datagram) {
        if (datagram.from == client) return Verdict::pass;
        const auto place = place_of(datagram.bytes);
        if (place == Place::response) return Verdict::pass;
        return place == Place::final && ++finals == 3 ? Verdict::pass : Verdict::drop;
    };
    REQUIRE(pair.establish());
    std::vector<std::vector<std::uint8_t>> final_frames;
    for (const auto& datagram : pair.network.recorded()) {
        if (place_of(datagram.bytes) == Place::final) final_frames.push_back(datagram.bytes);
    }
    REQUIRE(final_frames.size() == 3);
    CHECK(final_frames[0] == final_frames[1]);
    CHECK(final_frames[0] == final_frames[2]);
    CHECK(pair.network.endpoint(server).session_count() == 1);
}

// A HELLO that was sent, and the server that got it.
struct ReplayedHello {
    ReplayedHello() : pair(4) {
        pair.network.set_recording(true);
        // Stays half-open: the client hears nothing.
        pair.network.filter = [this](const DatagramView& datagram) {
            if (datagram.from == server)
                answers.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
            return datagram.from == server || datagram.number > 0 ? Verdict::drop : Verdict::pass;
        };
        pair.network.connect(client, server);
        pair.network.run_for(milliseconds(100));
        hello = pair.network.recorded().front().bytes;
    }
    SessionPair pair;
    std::vector<std::uint8_t> hello;
    std::vector<std::vector<std::uint8_t>> answers;
};

TEST_CASE("protocol §4.1 (f): a repeated HELLO gets the same RESPONSE, at most eight times") {
    ReplayedHello scene;
    REQUIRE(scene.answers.size() == 1);
    for (int i = 0; i < 20; ++i) {
        scene.pair.network.inject(scene.pair.network.address(client), server, scene.hello);
        scene.pair.network.run_for(milliseconds(1));
    }
    REQUIRE(scene.answers.size() == 9);
    for (const auto& answer : scene.answers) CHECK(answer == scene.answers.front());
    CHECK(scene.pair.network.endpoint(server).half_open_count() == 1);
    CHECK(scene.pair.drops(server, DropReason::handshake_repeat_limit) == 12);
}

TEST_CASE(
    "protocol §4.1 (a): a HELLO replayed from another address, or later, is met with silence") {
    ReplayedHello scene;
    const Address elsewhere = Address::ipv4({10, 9, 9, 9}, 1'234);
    scene.pair.network.inject(elsewhere, server, scene.hello);
    scene.pair.network.inject(scene.pair.network.address(client).with_port(1), server, scene.hello);
    scene.pair.network.run_for(milliseconds(1));
    CHECK(scene.answers.size() == 1);
    CHECK(scene.pair.drops(server, DropReason::handshake_wrong_address) == 2);
    // Half-open state is gone after 10 s; the nonce is remembered.
    scene.pair.network.run_for(seconds(11));
    CHECK(scene.pair.network.endpoint(server).half_open_count() == 0);
    scene.pair.network.inject(scene.pair.network.address(client), server, scene.hello);
    scene.pair.network.run_for(milliseconds(1));
    CHECK(scene.answers.size() == 1);
    CHECK(scene.pair.drops(server, DropReason::handshake_replayed) == 1);
}

TEST_CASE("protocol §4.1 (c): a timestamp up to 120 s old or early is taken, one beyond is not") {
    for (const int sign : {-1, 1}) {
        for (const int over_ms : {0, 1}) {
            SessionPair pair(5);
            pair.network.set_clock_offset(client, milliseconds(sign * (120'000 + over_ms)));
            // Before the first resend, which would be less early.
            CHECK(pair.establish(milliseconds(100)) == (over_ms == 0));
            CHECK((pair.drops(server, DropReason::handshake_timestamp) == 0) == (over_ms == 0));
        }
    }
}

TEST_CASE("protocol §4.1 (c): with the timestamp check off clocks may differ by years") {
    connection::EndpointConfig config;
    config.responder.timestamp_window = milliseconds(0);
    SessionPair pair(6, config);
    pair.network.set_clock_offset(client, std::chrono::hours(-24 * 365 * 10));
    CHECK(pair.establish());
}

TEST_CASE("two nodes that connect to each other at once get two sessions, and both work") {
    SessionPair pair(7);
    pair.network.set_links(client, server, delayed(milliseconds(30)));
    pair.network.connect(client, server);
    pair.network.connect(server, client);
    pair.network.run_for(seconds(3));
    CHECK(pair.network.endpoint(client).session_count() == 2);
    CHECK(pair.network.endpoint(server).session_count() == 2);
    // The newest session of each node; whichever that is, a stream on it works.
    for (const NodeNumber node : {client, server}) {
        const auto key = pair.open(node);
        pair.write(node, key, "both");
        pair.network.run_for(seconds(1));
        CHECK(pair.count(1 - node, stream::StreamEvent::Kind::opened) == 1);
    }
}

TEST_CASE("protocol §4.3 (e): RESPONSE from where HELLO did not go is dropped") {
    SessionPair pair(8);
    std::vector<std::uint8_t> response;
    pair.network.filter = [&](const DatagramView& datagram) {
        if (place_of(datagram.bytes) != Place::response) return Verdict::pass;
        response.assign(datagram.bytes.begin(), datagram.bytes.end());
        return Verdict::drop;
    };
    pair.network.connect(client, server);
    pair.network.run_for(milliseconds(10));
    REQUIRE(!response.empty());
    pair.network.inject(Address::ipv4({10, 9, 9, 9}, 9'001), client, response);
    pair.network.run_for(milliseconds(10));
    CHECK(pair.session[client] == 0);
    CHECK(pair.drops(client, DropReason::handshake_wrong_address) == 1);
    pair.network.inject(pair.network.address(server), client, response);
    pair.network.run_for(milliseconds(10));
    CHECK(pair.session[client] != 0);
    // Later ones are dropped.
    pair.network.inject(pair.network.address(server), client, response);
    pair.network.run_for(milliseconds(10));
    CHECK(pair.network.endpoint(client).session_count() == 1);
    CHECK(pair.drops(client, DropReason::handshake_unexpected) == 1);
}

TEST_CASE("protocol §4.3 (f): only the node id that is wanted may answer") {
    for (const bool is_right : {true, false}) {
        SessionPair pair(9);
        handshake::NodeId wanted = pair.network.endpoint(server).node_id();
        if (!is_right) wanted[0] ^= 1;
        pair.network.connect(client, server, wanted);
        pair.network.run_for(seconds(12));
        CHECK((pair.session[client] != 0) == is_right);
        CHECK((pair.drops(client, DropReason::handshake_wrong_peer) == 0) == is_right);
        CHECK(!pair.events[client].empty());
    }
}

TEST_CASE("protocol §4.4 (c): a node does not talk to itself, also when its messages come back") {
    SessionPair pair(10);
    pair.network.connect(client, client);
    pair.network.run_for(seconds(12));
    CHECK(pair.session[client] == 0);
    CHECK(pair.drops(client, DropReason::handshake_own_node) > 0);
    CHECK(pair.network.endpoint(client).half_open_count() == 0);
}

TEST_CASE("protocol §4.3 (a): an attempt that nobody answers fails after 10 s and eight HELLOs") {
    SessionPair pair(11);
    pair.network.set_recording(true);
    pair.network.filter = [](const DatagramView&) { return Verdict::drop; };
    const Instant started = pair.network.now();
    pair.network.connect(client, server);
    REQUIRE(pair.network.run_until([&] { return !pair.events[client].empty(); }, seconds(60)));
    CHECK(std::holds_alternative<connection::ConnectFailed>(pair.events[client].front()));
    CHECK(pair.network.now() - started == seconds(10));
    // At 0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75 and 9.75 s, the same bytes.
    REQUIRE(pair.network.recorded().size() == 8);
    for (const auto& datagram : pair.network.recorded()) {
        CHECK(datagram.bytes == pair.network.recorded().front().bytes);
    }
    CHECK(pair.network.recorded()[2].at - started == milliseconds(750));
    CHECK(pair.network.recorded()[7].at - started == milliseconds(9'750));
}

TEST_CASE("protocol §4.3 (d): a session that the peer never confirms ends after 10 s") {
    SessionPair pair(12);
    pair.network.filter = [](const DatagramView& datagram) {
        const auto place = place_of(datagram.bytes);
        return place == Place::hello || place == Place::response ? Verdict::pass : Verdict::drop;
    };
    pair.network.connect(client, server);
    pair.network.run_for(milliseconds(1));
    REQUIRE(pair.session[client] != 0);
    pair.network.run_for(milliseconds(9'990));
    CHECK(!pair.closed(client));
    pair.network.run_for(milliseconds(20));
    REQUIRE(pair.closed(client));
    CHECK(pair.closed(client)->cause == connection::CloseCause::unconfirmed);
    CHECK(pair.network.endpoint(client).session_count() == 0);
    CHECK(pair.session[server] == 0);
}

TEST_CASE("a seed is a run: the same one gives the same bytes at the same times") {
    const auto run = [](std::uint64_t seed) {
        SessionPair pair(seed);
        LinkOptions link = delayed(milliseconds(10));
        link.loss = 50'000;
        link.corrupt = 10'000;
        link.duplicate = 30'000;
        link.reorder = 50'000;
        pair.network.set_links(client, server, link);
        REQUIRE(pair.establish());
        const auto key = pair.open(client);
        pair.write(client, key, std::string(200'000, 'x'));
        pair.finish(client, key);
        pair.network.run_for(seconds(60));
        REQUIRE(pair.received(server, key).is_ended);
        return pair.network.trace_hash();
    };
    CHECK(run(1) == run(1));
    CHECK(run(1) != run(2));
}

}  // namespace
}  // namespace stt
