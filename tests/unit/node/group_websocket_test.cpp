// WebSockets of a node group, whose sessions may live on another thread.
#include "tests/unit/node/group_clients.hpp"
#include "tests/unit/node/relay.hpp"

namespace stt::node_test {

using Thread = NodeGroupStatistics::Thread;
using std::chrono::milliseconds;

namespace {

struct Served {
    Served() : group(seed, three_threads()) {
        group.handle("echo", echo_noted_in(log));
        const auto udp_bound = group.listen(any_loopback);
        const auto websocket_bound = group.listen_websocket(any_loopback);
        REQUIRE(udp_bound);
        REQUIRE(websocket_bound);
        udp = *udp_bound;
        websocket = *websocket_bound;
    }

    Seed seed = random_seed();
    ThreadLog log;
    Address udp;
    Address websocket;
    NodeGroup group;
};

}  // namespace

TEST_CASE("protocol §4.1 (j): a session by a WebSocket of another thread works as any") {
    Served served;
    Clients clients(30, served.seed);
    const auto bytes = pattern(300'000);
    std::size_t whole = 0;
    clients.run_each([&](Node& node, std::size_t) -> asio::awaitable<void> {
        auto session = co_await node.connect(at_websocket(served.websocket));
        REQUIRE(session.has_value());
        for (int i = 0; i < 2; ++i) whole += co_await clients.is_echoed(*session, bytes) ? 1u : 0u;
        CHECK(session->statistics().transport == Transport::websocket);
        // Nothing was lost on the way, as it would be behind a bridge.
        CHECK(session->statistics().frames_lost == 0);
    });
    CHECK(whole == 60);
    CHECK(served.log.is_one_thread_for_each());
    const NodeGroupStatistics statistics = served.group.statistics();
    CHECK(sum(statistics, &Thread::sessions) == 30);
    CHECK(sum(statistics, &Thread::messages_forwarded) > 100);
    CHECK(sum(statistics, &Thread::datagrams_forwarded) > 100);
    CHECK(sum(statistics, &Thread::drops_full) == 0);
}

TEST_CASE(
    "protocol §10.5 (b): what a WebSocket or its thread cannot take holds back sessions of "
    "others") {
    Served served;
    constexpr std::size_t size = 16u << 20;
    served.group.handle("flood", [&](Session, Stream stream) -> asio::awaitable<void> {
        const std::vector<std::uint8_t> piece(65'536, 9);
        for (std::size_t sent = 0; sent < size; sent += piece.size()) {
            auto [error, count] = co_await asio::async_write(stream, asio::buffer(piece), as_tuple);
            if (error) co_return;
        }
        stream.finish();
        co_await stream.async_wait_acknowledged(as_tuple);
    });
    Clients clients(6, served.seed);
    clients.run_each([&](Node& node, std::size_t i) -> asio::awaitable<void> {
        auto session = co_await node.connect(at_websocket(served.websocket));
        REQUIRE(session.has_value());
        auto stream = co_await session->open_stream("flood");
        REQUIRE(stream.has_value());
        std::uint8_t begin = 1;
        co_await asio::async_write(*stream, asio::buffer(&begin, 1), as_tuple);
        std::vector<std::uint8_t> all(size);
        for (std::size_t part = 0; part < 4; ++part) {
            const auto room = asio::buffer(all.data() + part * size / 4, size / 4);
            auto [error, read] = co_await asio::async_read(*stream, room, as_tuple);
            REQUIRE_FALSE(error);
            // All clients stand still, and one thread of the group does.
            if (i % 2 == 0) std::this_thread::sleep_for(milliseconds(40));
            asio::post(served.group.executor(i % 3),
                       [] { std::this_thread::sleep_for(milliseconds(40)); });
        }
        CHECK(all == std::vector<std::uint8_t>(size, 9));
        CHECK(session->statistics().transport == Transport::websocket);
    });
    CHECK(sum(served.group.statistics(), &Thread::sessions_accepted) == 6);
    CHECK(sum(served.group.statistics(), &Thread::drops_full) == 0);
}

TEST_CASE("protocol §10.5 (b): what a WebSocket brings for a thread that is late is not lost") {
    Served served;
    Clients clients(6, served.seed);
    const auto bytes = pattern(6'000'000);
    clients.run_each([&](Node& node, std::size_t i) -> asio::awaitable<void> {
        auto session = co_await node.connect(at_websocket(served.websocket));
        REQUIRE(session.has_value());
        for (int round = 0; round < 3; ++round) {
            asio::post(served.group.executor(i % 3),
                       [] { std::this_thread::sleep_for(milliseconds(60)); });
            CHECK(co_await clients.is_echoed(*session, bytes));
        }
        CHECK(session->statistics().frames_lost == 0);
    });
    CHECK(sum(served.group.statistics(), &Thread::drops_full) == 0);
}

TEST_CASE("protocol §11.4 (a): sessions move from UDP to WebSockets of whatever thread, and back") {
    Served served;
    NodeConfig config;
    config.unreachable_after = milliseconds(1'500);
    Clients clients(6, served.seed, config);
    const auto bytes = pattern(200'000);
    std::vector<std::unique_ptr<Relay>> relays;
    for (std::size_t i = 0; i < clients.nodes.size(); ++i) {
        relays.push_back(std::make_unique<Relay>(clients.context, served.udp));
    }
    clients.run_each([&](Node& node, std::size_t i) -> asio::awaitable<void> {
        Destination there = at_udp(relays[i]->address());
        there.websocket.push_back({served.websocket, {}, false});
        auto session = co_await node.connect(std::move(there));
        REQUIRE(session.has_value());
        CHECK(co_await clients.is_echoed(*session, bytes));
        CHECK(session->statistics().transport == Transport::udp);
        relays[i]->set_cut(true);
        CHECK(co_await clients.is_echoed(*session, bytes));
        CHECK(session->statistics().transport == Transport::websocket);
        relays[i]->set_cut(false);
        node.network_changed();
        for (int k = 0; k < 300 && session->statistics().transport != Transport::udp; ++k) {
            co_await pause(clients.context, milliseconds(50));
        }
        CHECK(session->statistics().transport == Transport::udp);
        CHECK(co_await clients.is_echoed(*session, bytes));
    });
    CHECK(served.log.is_one_thread_for_each());
    CHECK(sum(served.group.statistics(), &Thread::sessions_accepted) == 6);
}

}  // namespace stt::node_test
