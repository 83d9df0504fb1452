// Keys that rotate under load, loss and attack. Spec protocol §5.
#include <doctest/doctest.h>

#include "testing/raw_peer.hpp"
#include "testing/session_pair.hpp"

namespace stt::connection {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::DropReason;

struct Thresholds {
    std::uint64_t frames = 100'000;
    std::uint64_t bytes = 1'000'000'000;
    Duration time = seconds(3'600);
};

// Both sides send at once over a path that does everything to them.
void carry_under(const Thresholds& thresholds, std::uint64_t seed) {
    EndpointConfig config;
    config.connection.rotation_frames = thresholds.frames;
    config.connection.rotation_bytes = thresholds.bytes;
    config.connection.rotation_time = thresholds.time;
    SessionPair pair(seed, config);
    LinkOptions link;
    link.delay = milliseconds(10);
    link.jitter = milliseconds(3);
    link.loss = 50'000;
    link.reorder = 50'000;
    link.reorder_delay = milliseconds(30);
    link.duplicate = 50'000;
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    constexpr std::size_t size = 600'000;
    const std::string text(size, 'r');
    std::size_t sent[2] = {0, 0};
    const auto is_done = [&] {
        return pair.received(client, key).text.size() == size &&
               pair.received(server, key).text.size() == size;
    };
    pair.write(client, key, "");
    for (int i = 0; i < 2'000 && !is_done(); ++i) {
        for (const NodeNumber node : {client, server}) {
            if (node == server && pair.count(server, stream::StreamEvent::Kind::opened) == 0) {
                continue;
            }
            const auto rest = std::string_view(text).substr(sent[node]);
            sent[node] += pair.write(node, key, rest.substr(0, 20'000));
        }
        pair.network.run_for(milliseconds(20));
    }
    REQUIRE(is_done());
    for (const NodeNumber node : {client, server}) {
        CHECK(pair.connection(node).send_epoch() >= 3);
        CHECK(pair.connection(node).receive_epoch() + 1 >= pair.connection(1 - node).send_epoch());
        CHECK(pair.drops(node, DropReason::not_authentic) == 0);
        CHECK(!pair.closed(node));
    }
}

TEST_CASE("protocol §5.1: keys rotate by frames, by bytes and by time, both directions at once") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        carry_under({.frames = 40}, seed);
        carry_under({.bytes = 40'000}, seed);
        carry_under({.time = milliseconds(60)}, seed);
    }
}

TEST_CASE("protocol §5.2: a peer that rotates endlessly costs bounded work and memory") {
    RawPeer peer(1);
    for (std::uint64_t epoch = 1; epoch <= 300; ++epoch) {
        session::RotationNonce nonce{};
        nonce.fill(static_cast<std::uint8_t>(epoch));
        peer.announce_epoch(epoch, nonce);
        REQUIRE(!peer.closed());
        CHECK(peer.connection()->receive_epoch() + 1 >= epoch);
    }
    peer.send(wire::ControlMessage(wire::Ping{}));
    CHECK(peer.connection()->receive_epoch() == 300);
}

TEST_CASE("protocol §5.2: any epoch but the next is error 2") {
    for (const std::uint64_t epoch : {2u, 3u, 1'000u}) {
        RawPeer peer(2);
        peer.send(wire::ControlMessage(wire::KeyRotation{epoch, {}}));
        REQUIRE(peer.closed().has_value());
        CHECK(peer.closed()->code == 2);
    }
}

TEST_CASE("protocol §5.2: the next announcement comes while the previous epoch is not wiped") {
    RawPeer peer(3);
    session::RotationNonce nonce{};
    for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
        // What was sealed under the epoch before arrives late, and still opens.
        RawPeer::Frame late;
        late.plaintext = {0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8};
        const auto sealed = peer.seal(late);
        nonce.fill(static_cast<std::uint8_t>(epoch));
        peer.announce_epoch(epoch, nonce);
        peer.send(wire::ControlMessage(wire::Ping{}));
        CHECK(peer.connection()->receive_epoch() == epoch);
        peer.clear();
        peer.deliver(sealed);
        CHECK(peer.messages<wire::Pong>().size() == 1);
    }
    CHECK(!peer.closed());
    CHECK(peer.drops(DropReason::epoch_unknown) == 0);
}

TEST_CASE("protocol §5.2: frames of an epoch that was wiped are dropped, and no error") {
    RawPeer peer(4);
    RawPeer::Frame late;
    late.plaintext = {0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8};
    const auto sealed = peer.seal(late);
    peer.announce_epoch(1, {});
    peer.send(wire::ControlMessage(wire::Ping{}));
    peer.advance(seconds(10));
    peer.clear();
    peer.deliver(sealed);
    CHECK(peer.messages<wire::Pong>().empty());
    CHECK(peer.drops(DropReason::epoch_unknown) == 1);
    CHECK(!peer.closed());
}

}  // namespace
}  // namespace stt::connection
