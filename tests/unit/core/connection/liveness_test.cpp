// Silence: unreachable, reachable again, given up; and sleep. Spec protocol §12.2.
#include <doctest/doctest.h>

#include "testing/raw_peer.hpp"

namespace stt {
namespace {

using namespace testing;
using connection::CloseCause;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ControlMessage;

// A session whose endpoint has written to a stream and heard that it arrived.
stream::StreamKey open_stream(RawPeer& peer) {
    peer.advance(milliseconds(50));
    peer.acknowledge_all();
    const auto key = peer.connection()->open_stream("quiet");
    REQUIRE(key.has_value());
    peer.touch();
    peer.advance(milliseconds(20));
    peer.acknowledge_all();
    peer.clear();
    return *key;
}

std::size_t bytes_sent(const RawPeer& peer) {
    std::size_t size = 0;
    for (const auto& datagram : peer.datagrams()) size += datagram.bytes.size();
    return size;
}

TEST_CASE(
    "protocol §12.2 (b)(c): a peer that lost its state is found unreachable within seconds, "
    "asked every two, and given up after 300") {
    RawPeer peer(1);
    const auto key = open_stream(peer);
    const Instant heard = peer.now();
    REQUIRE(peer.connection()->write(key, bytes_of("anybody?")).has_value());
    peer.touch();
    peer.advance(milliseconds(3'990));
    CHECK(events_of<connection::Unreachable>(peer).empty());
    peer.advance(milliseconds(20));
    REQUIRE(events_of<connection::Unreachable>(peer).size() == 1);
    CHECK(events_of<connection::Unreachable>(peer).front().since == heard);
    CHECK(peer.connection()->is_unreachable());
    peer.clear();
    peer.advance(seconds(200));
    CHECK(peer.datagrams().size() >= 99);
    CHECK(peer.datagrams().size() <= 101);
    CHECK(bytes_sent(peer) < 60 * peer.datagrams().size());
    CHECK(events_of<connection::Unreachable>(peer).empty());
    peer.advance(heard + seconds(300) - peer.now() - milliseconds(1));
    CHECK(!peer.closed());
    peer.advance(milliseconds(1));
    REQUIRE(peer.closed());
    CHECK(peer.closed()->cause == CloseCause::lost);
    CHECK(peer.closed()->code == static_cast<std::uint64_t>(ErrorCode::timeout));
    CHECK(peer.endpoint().session_count() == 0);
}

TEST_CASE("protocol §12.2 (a): who waits quietly with a stream open notices by the keep-alive") {
    RawPeer peer(2);
    open_stream(peer);
    peer.advance(milliseconds(14'900));
    CHECK(peer.datagrams().empty());
    peer.advance(milliseconds(4'200));
    CHECK(events_of<connection::Unreachable>(peer).size() == 1);
}

TEST_CASE("protocol §12.3 (a): a session that was closed tells nothing when its peer answers") {
    RawPeer peer(12);
    const auto key = open_stream(peer);
    REQUIRE(peer.connection()->write(key, bytes_of("anybody?")).has_value());
    peer.touch();
    peer.advance(seconds(5));
    REQUIRE(peer.connection()->is_unreachable());
    peer.connection()->close(peer.now(), 1'000, {});
    peer.touch();
    peer.advance(milliseconds(20));
    REQUIRE(peer.closed());
    peer.clear();
    peer.send(ControlMessage(wire::Ping{}));
    peer.advance(milliseconds(20));
    CHECK(events_of<connection::Reachable>(peer).empty());
    CHECK(peer.events().empty());
}

TEST_CASE("protocol §12.2 (c): anything authentic makes a peer reachable, and what waits goes on") {
    RawPeer peer(3);
    const auto key = open_stream(peer);
    peer.advance(seconds(60));
    REQUIRE(peer.connection()->is_unreachable());
    // To nobody nothing but probes is sent, whatever is written.
    REQUIRE(peer.connection()->write(key, bytes_of("later")).has_value());
    peer.touch();
    peer.advance(seconds(10));
    const auto is_data = [](const RawFrame& frame) { return frame.type == wire::FrameType::data; };
    const auto data = [&] {
        return std::count_if(peer.frames().begin(), peer.frames().end(), is_data);
    };
    CHECK(data() == 0);
    // What a stranger sends is no life.
    std::vector<std::uint8_t> forged = peer.seal({});
    forged.back() ^= 1;
    peer.deliver(forged);
    CHECK(peer.connection()->is_unreachable());
    peer.send(ControlMessage(wire::Ping{}));
    CHECK(!peer.connection()->is_unreachable());
    CHECK(events_of<connection::Reachable>(peer).size() == 1);
    CHECK(data() == 1);
}

TEST_CASE("protocol §12.2 (c): the time for which a lost session is kept is settable") {
    connection::EndpointConfig config;
    config.connection.unreachable_after = seconds(1);
    config.connection.probe_interval_max = seconds(10);
    config.connection.resume_timeout = hours(8);
    RawPeer peer(4, config);
    open_stream(peer);
    peer.advance(seconds(17));
    CHECK(peer.connection()->is_unreachable());
    peer.clear();
    peer.advance(hours(1));
    CHECK(peer.datagrams().size() <= 361);
    REQUIRE(!peer.closed());
    peer.send(ControlMessage(wire::Ping{}));
    CHECK(!peer.connection()->is_unreachable());
    peer.advance(hours(8) + seconds(30));
    REQUIRE(peer.closed());
    CHECK(peer.closed()->cause == CloseCause::lost);
}

TEST_CASE("protocol §12.2 (e): a clock that leaps hours ends no session before it could ask") {
    RawPeer peer(5);
    open_stream(peer);
    peer.leap(hours(5));
    CHECK(!peer.closed());
    CHECK(!peer.messages<wire::Ping>().empty());
    SUBCASE("answered in time, it goes on") {
        peer.acknowledge_all();
        peer.advance(seconds(10));
        CHECK(!peer.closed());
        CHECK(!peer.connection()->is_unreachable());
    }
    SUBCASE("unanswered, it ends within seconds") {
        peer.advance(milliseconds(3'900));
        CHECK(!peer.connection()->is_unreachable());
        peer.advance(milliseconds(200));
        // Found unreachable, it is kept as long again: the time for a new handshake.
        CHECK(peer.connection()->is_unreachable());
        peer.advance(milliseconds(3'700));
        CHECK(!peer.closed());
        peer.advance(milliseconds(400));
        REQUIRE(peer.closed());
        CHECK(peer.closed()->cause == CloseCause::lost);
    }
}

TEST_CASE("protocol §12.2 (e): a leap asks also for a session without streams, and keeps it") {
    RawPeer peer(6);
    peer.advance(milliseconds(50));
    peer.acknowledge_all();
    peer.clear();
    peer.leap(hours(5));
    CHECK(!peer.closed());
    REQUIRE(!peer.frames().empty());
    peer.acknowledge_all();
    peer.advance(seconds(100));
    CHECK(!peer.closed());
}

TEST_CASE("protocol §12.2 (e): when this node's network changes, every session asks at once") {
    RawPeer peer(7);
    open_stream(peer);
    peer.advance(seconds(100));
    REQUIRE(peer.connection()->is_unreachable());
    peer.clear();
    peer.network_changed();
    CHECK(!peer.messages<wire::Ping>().empty());
}

TEST_CASE("protocol §12.2 (d): a receiver that was sent much and then nothing asks once") {
    RawPeer peer(8);
    const auto key = open_stream(peer);
    for (std::uint64_t i = 0; i < 40; ++i) {
        peer.send_data(key.id, 0, i * 10, bytes_of("0123456789"));
        peer.acknowledge_all();
    }
    peer.acknowledge_all();
    peer.clear();
    peer.advance(milliseconds(490));
    CHECK(peer.messages<wire::Ping>().empty());
    peer.advance(milliseconds(100));
    CHECK(peer.messages<wire::Ping>().size() == 1);
    peer.acknowledge_all();
    peer.clear();
    peer.advance(seconds(14));
    CHECK(peer.messages<wire::Ping>().empty());
    // A few frames are no reason.
    for (std::uint64_t i = 40; i < 50; ++i) {
        peer.send_data(key.id, 0, i * 10, bytes_of("0123456789"));
    }
    peer.acknowledge_all();
    peer.clear();
    peer.advance(seconds(2));
    CHECK(peer.messages<wire::Ping>().empty());
}

}  // namespace
}  // namespace stt
