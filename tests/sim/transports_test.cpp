// Sessions that go from UDP to a WebSocket and back, in virtual time. Spec protocol §10.5, §11.
#include <doctest/doctest.h>

#include "tests/sim/two_transports.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Way = TwoTransports::Way;

constexpr std::uint64_t megabyte = 1'000'000;

std::uint64_t mbit(std::uint64_t rate) {
    return rate * 125'000;
}

struct Place {
    LinkOptions udp;
    WebSocketOptions websocket;
    std::string_view name;
};

// Paths alike, and such that what waits in one is overtaken by the other by seconds.
std::vector<Place> places() {
    std::vector<Place> all(4);
    all[0].name = "alike";
    all[0].udp = delayed(milliseconds(10), mbit(8));
    all[0].websocket.rate = mbit(8);
    all[1].name = "a slow WebSocket with a long queue";
    all[1].udp = delayed(milliseconds(10), mbit(8));
    all[1].websocket = {milliseconds(100), mbit(2), 1 << 20, 512 << 10};
    all[2].name = "a slow UDP path that loses";
    all[2].udp = delayed(milliseconds(100), mbit(5));
    all[2].udp.loss = always / 50;
    all[2].websocket.rate = mbit(8);
    all[3].name = "a distant WebSocket";
    all[3].udp = delayed(milliseconds(2), mbit(8));
    all[3].websocket = {milliseconds(300), mbit(8)};
    return all;
}

bool is_moved(TwoTransports& net, Way way) {
    return net.way(0) == way && net.way(1) == way;
}

TEST_CASE("protocol §11.4: a side's choice holds: both go there, and nobody goes back by himself") {
    unsigned runs = 0;
    for (const Place& place : places()) {
        for (const unsigned writers : {3u, 1u, 2u}) {
            if (++runs > STT_TRANSPORT_RUNS) continue;
            CAPTURE(place.name);
            CAPTURE(writers);
            TwoTransports net(writers, place.udp, place.websocket);
            net.connect(Way::udp);
            REQUIRE(net.run_until(seconds(20), [&] { return net.is_connected(); }));
            for (std::size_t node : {0u, 1u}) {
                if ((writers >> node & 1) != 0) net.write(node, 1'000 * megabyte);
            }
            net.run_for(seconds(2));
            std::size_t moves[2] = {net.moves(0), net.moves(1)};
            for (int turn = 0; turn < 3; ++turn) {
                const Way way = turn % 2 == 0 ? Way::websocket : Way::udp;
                CAPTURE(turn);
                net.move_to(way);
                REQUIRE(net.run_until(seconds(20), [&] { return is_moved(net, way); }));
                net.run_for(seconds(5));
                CHECK(is_moved(net, way));
                CHECK(net.moves(0) == moves[0] + 1);
                // A PONG goes to where its PING came from, and may move the peer for a moment.
                CHECK(net.moves(1) <= moves[1] + 3);
                for (std::size_t node : {0u, 1u}) moves[node] = net.moves(node);
            }
            CHECK(net.is_whole());
        }
    }
}

TEST_CASE("protocol §11.4: every byte arrives, however often a session moves, breaks and is cut") {
    for (std::uint64_t seed = 0; seed < STT_TRANSPORT_RUNS; ++seed) {
        CAPTURE(seed);
        SeededRandom random(seed);
        const auto all = places();
        const Place& place = all[seed % all.size()];
        TwoTransports net(seed, place.udp, place.websocket);
        net.connect(seed % 3 == 0 ? Way::websocket : Way::udp);
        REQUIRE(net.run_until(seconds(20), [&] { return net.is_connected(); }));
        constexpr std::uint64_t size = 3 * megabyte;
        net.write(0, size);
        net.write(1, size);
        bool is_cut = false;
        for (int i = 0; i < 30; ++i) {
            net.run_for(milliseconds(random.between(1, 700)));
            const std::uint64_t what = random.below(5);
            if (what == 0) net.break_websocket();
            if (what == 1) {
                is_cut ? net.mend_udp() : net.cut_udp();
                is_cut = !is_cut;
            }
            if (what == 2) net.move_to(Way::udp);
            // As whoever has a WebSocket would, once its path is silent or gone.
            if (what == 0 || what == 3) net.move_to(Way::websocket);
        }
        if (is_cut) net.mend_udp();
        const auto is_done = [&] { return net.received(0) == size && net.received(1) == size; };
        for (int i = 0; i < 40 && !is_done(); ++i) {
            net.move_to(Way::websocket);
            net.run_until(seconds(5), is_done);
        }
        CHECK(is_done());
        CHECK(net.is_whole());
    }
}

TEST_CASE(
    "protocol §12.2 (c): a path that dies is silent within two seconds, and the session moves") {
    const Place place = places()[0];
    TwoTransports net(1, place.udp, place.websocket);
    net.connect(Way::udp);
    REQUIRE(net.run_until(seconds(20), [&] { return net.is_connected(); }));
    net.write(0, 4 * megabyte);
    net.run_for(seconds(1));
    CHECK_FALSE(net.was_silent());
    net.cut_udp();
    REQUIRE(net.run_until(seconds(2), [&] { return net.was_silent(); }));
    net.move_to(Way::websocket);
    CHECK(net.run_until(milliseconds(200), [&] { return net.way(0) == Way::websocket; }));
    CHECK(net.run_until(seconds(10), [&] { return net.received(1) == 4 * megabyte; }));
    CHECK(net.is_whole());
}

TEST_CASE("protocol §10.5 (b): a WebSocket without a bridge keeps no window and loses nothing") {
    for (const std::uint64_t rate : {std::uint64_t{0}, mbit(1'000), mbit(20)}) {
        CAPTURE(rate);
        WebSocketOptions websocket;
        websocket.rate = rate;
        websocket.delay = milliseconds(20);
        TwoTransports net(1, {}, websocket);
        net.connect(Way::websocket);
        REQUIRE(net.run_until(seconds(20), [&] { return net.is_connected(); }));
        const std::uint64_t size = rate == mbit(20) ? 10 * megabyte : 100 * megabyte;
        const Instant start = net.now();
        net.write(0, size);
        net.write(1, size);
        const auto is_done = [&] { return net.received(0) == size && net.received(1) == size; };
        REQUIRE(net.run_until(seconds(60), is_done));
        CHECK(net.is_whole());
        CHECK_FALSE(net.is_lossy(0));
        CHECK_FALSE(net.is_lossy(1));
        if (rate == 0) continue;
        const double seconds_taken = std::chrono::duration<double>(net.now() - start).count();
        // Of 1 Gbit/s 0.8 s, in which the windows grow from 64 KiB.
        CHECK(static_cast<double>(size) / seconds_taken > 0.5 * static_cast<double>(rate));
    }
}

TEST_CASE(
    "protocol §13.4 (c): behind a bridge that loses, the session finds a window and is whole") {
    for (const PerMillion loss : {0u, always / 100, always / 20}) {
        CAPTURE(loss);
        WebSocketOptions websocket;
        websocket.rate = mbit(100);
        websocket.is_bridge = true;
        websocket.loss = loss;
        TwoTransports net(loss, {}, websocket);
        net.connect(Way::websocket);
        REQUIRE(net.run_until(seconds(20), [&] { return net.is_connected(); }));
        net.write(0, 2 * megabyte);
        net.write(1, 2 * megabyte);
        const auto is_done = [&] {
            return net.received(0) == 2 * megabyte && net.received(1) == 2 * megabyte;
        };
        CHECK(net.run_until(seconds(30), is_done));
        CHECK(net.is_whole());
        // The probe of a larger frame shows it.
        CHECK(net.is_lossy(0));
    }
}

}  // namespace
}  // namespace stt
