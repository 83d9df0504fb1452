// What a session has to send, and whether it knows when that is all. Spec protocol §10.
#include <doctest/doctest.h>

#include "testing/raw_peer.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::microseconds;

// One of what gives a session something to send.
void use_at_random(RawPeer& peer, SeededRandom& random, stream::StreamKey key) {
    connection::Connection& connection = *peer.connection();
    const std::vector<std::uint8_t> bytes(random.below(random.chance(200'000) ? 60'000 : 3'000));
    switch (random.below(7)) {
        case 0:
        case 1:
            REQUIRE(connection.write(key, bytes).has_value());
            break;
        case 2:
            static_cast<void>(
                connection.send_custom(0x80, 0, Bytes(bytes).first(bytes.size() / 64)));
            break;
        case 3:
            static_cast<void>(connection.ping(peer.now()));
            break;
        case 4:
            static_cast<void>(connection.open_stream("another"));
            break;
        case 5:
            peer.send(wire::Ping{});
            break;
        default:
            peer.acknowledge_all();
    }
}

}  // namespace

TEST_CASE("a session that says it has given all there was gives nothing more") {
    std::vector<std::uint8_t> buffer(65'507);
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        SeededRandom random(seed);
        RawPeer peer(seed);
        settle(peer);
        const auto key = peer.connection()->open_stream("one");
        REQUIRE(key.has_value());
        std::size_t drained_count = 0;
        for (int i = 0; i < 300; ++i) {
            use_at_random(peer, random, *key);
            connection::Connection& connection = *peer.connection();
            while (connection.poll_transmit(peer.now(), buffer)) {
                if (!connection.is_drained()) continue;
                ++drained_count;
                CHECK_FALSE(connection.poll_transmit(peer.now(), buffer).has_value());
                break;
            }
            if (random.chance(300'000)) peer.advance(microseconds(random.below(20'000)));
        }
        CHECK(drained_count > 50);
    }
}

}  // namespace stt
