// A node on several threads, with real sockets.
#include "node/group_backend.hpp"
#include "tests/unit/node/group_clients.hpp"
#include "tests/unit/node/relay.hpp"

namespace stt::node_test {

using Thread = NodeGroupStatistics::Thread;

namespace {

// Not written where it is used: g++ 12 destroys what a coroutine did not choose.
Destination by_turns(std::size_t number, const Address& udp, const Address& websocket) {
    return number % 2 == 0 ? at_udp(udp) : at_websocket(websocket);
}

}  // namespace

TEST_CASE("a group's sessions are spread over its threads, and each stays on one") {
    const Seed seed = random_seed();
    NodeGroup group(seed, three_threads());
    ThreadLog log;
    group.handle("echo", echo_noted_in(log));
    const auto address = group.listen(any_loopback);
    REQUIRE(address);
    Clients clients(60, seed);
    const auto bytes = pattern(50'000);
    std::size_t whole = 0;
    clients.run_each([&](Node& node, std::size_t) -> asio::awaitable<void> {
        auto session = co_await node.connect(*address);
        REQUIRE(session.has_value());
        CHECK(session->peer_node_id() == group.id());
        for (int i = 0; i < 3; ++i) whole += co_await clients.is_echoed(*session, bytes) ? 1u : 0u;
    });
    CHECK(whole == 180);
    CHECK(log.is_one_thread_for_each());
    CHECK(log.thread_count() == 3);
    const NodeGroupStatistics statistics = group.statistics();
    REQUIRE(statistics.threads.size() == 3);
    for (const Thread& thread : statistics.threads) {
        CHECK(thread.sessions > 0);
        CHECK(thread.sessions == thread.sessions_accepted);
    }
    CHECK(sum(statistics, &Thread::sessions) == 60);
    // The kernel has given each datagram to its session's thread.
    CHECK(sum(statistics, &Thread::datagrams_forwarded) == 0);
}

TEST_CASE("one node's many sessions with a group are spread as those of many nodes") {
    const Seed seed = random_seed();
    NodeGroup group(seed, three_threads());
    group.handle("echo", echo_all);
    const auto address = group.listen(any_loopback);
    REQUIRE(address);
    Clients clients(1, seed);
    const auto bytes = pattern(2'000);
    clients.run_each([&](Node& node, std::size_t) -> asio::awaitable<void> {
        std::vector<Session> sessions;
        for (int i = 0; i < 60; ++i) {
            auto session = co_await node.connect(*address);
            REQUIRE(session.has_value());
            sessions.push_back(*session);
        }
        for (Session& session : sessions) CHECK(co_await clients.is_echoed(session, bytes));
    });
    for (const Thread& thread : group.statistics().threads) CHECK(thread.sessions > 0);
}

TEST_CASE("protocol §4.1 (j): a group works where the kernel spreads datagrams as it likes") {
    const Seed seed = random_seed();
    detail::GroupBackend group(three_threads(), false);
    REQUIRE(group.add_seed(seed, std::nullopt));
    ThreadLog log;
    group.on_all_nodes(
        [&log](detail::NodeBackend& node) { node.handle_endpoint("echo", echo_noted_in(log)); });
    const auto address = group.listen(any_loopback);
    REQUIRE(address);
    Clients clients(30, seed);
    const auto bytes = pattern(50'000);
    std::size_t whole = 0;
    clients.run_each([&](Node& node, std::size_t) -> asio::awaitable<void> {
        auto session = co_await node.connect(*address);
        REQUIRE(session.has_value());
        for (int i = 0; i < 2; ++i) whole += co_await clients.is_echoed(*session, bytes) ? 1u : 0u;
    });
    CHECK(whole == 60);
    CHECK(log.is_one_thread_for_each());
    const NodeGroupStatistics statistics = group.statistics();
    CHECK(sum(statistics, &Thread::sessions) == 30);
    CHECK(sum(statistics, &Thread::datagrams_forwarded) > 100);
}

TEST_CASE(
    "protocol §11.1 (a): a peer that comes from another port stays with its session's thread") {
    const Seed seed = random_seed();
    NodeGroup group(seed, three_threads());
    ThreadLog log;
    group.handle("echo", echo_noted_in(log));
    const auto address = group.listen(any_loopback);
    REQUIRE(address);
    Clients clients(6, seed);
    const auto bytes = pattern(20'000);
    std::vector<std::unique_ptr<Relay>> relays;
    for (std::size_t i = 0; i < clients.nodes.size(); ++i) {
        relays.push_back(std::make_unique<Relay>(clients.context, *address));
    }
    clients.run_each([&](Node& node, std::size_t i) -> asio::awaitable<void> {
        auto session = co_await node.connect(relays[i]->address());
        REQUIRE(session.has_value());
        for (int move = 0; move < 5; ++move) {
            CHECK(co_await clients.is_echoed(*session, bytes));
            relays[i]->rebind();
        }
        CHECK(co_await clients.is_echoed(*session, bytes));
    });
    CHECK(log.is_one_thread_for_each());
    CHECK(sum(group.statistics(), &Thread::sessions_accepted) == 6);
}

TEST_CASE("a session that a thread of a group begins goes by a socket of its own, and is served") {
    const Seed seed = random_seed();
    Loopback loopback;
    NodeGroup group(loopback.seed, three_threads());
    ThreadLog log;
    group.handle("echo", echo_noted_in(log));
    const auto listening = group.listen(any_loopback);
    REQUIRE(listening);
    std::atomic<bool> is_open = false;
    std::thread::id thread_of_session;
    auto work = [&]() -> asio::awaitable<void> {
        asio::co_spawn(
            group.executor(1),
            [&]() -> asio::awaitable<void> {
                thread_of_session = std::this_thread::get_id();
                auto session = co_await group.connect(at_udp(loopback.address));
                is_open = session.has_value() && session->is_open();
            },
            asio::detached);
        auto accepted = co_await loopback.responder.accept();
        REQUIRE(accepted.has_value());
        CHECK(accepted->peer_node_id() == group.id());
        CHECK(accepted->peer_address().port() != listening->port());
        auto stream = co_await accepted->open_stream("echo");
        REQUIRE(stream.has_value());
        const auto bytes = pattern(10'000);
        write_meanwhile(loopback.context, *stream, bytes);
        std::vector<std::uint8_t> back(bytes.size());
        co_await asio::async_read(*stream, asio::buffer(back), asio::use_awaitable);
        CHECK(back == bytes);
        // Where a node that connects listens, nobody is answered: its nonces would be others.
        NodeConfig config;
        config.handshake_timeout = std::chrono::milliseconds(200);
        Node other(loopback.context, loopback.seed, config);
        auto refused = co_await other.connect(accepted->peer_address());
        CHECK_FALSE(refused.has_value());
        // On a thread that is none of the group's.
        auto elsewhere = co_await group.connect(at_udp(loopback.address));
        REQUIRE_FALSE(elsewhere.has_value());
        CHECK(elsewhere.error() == std::errc::operation_not_permitted);
    };
    loopback.run(work());
    CHECK(is_open);
    CHECK(log.is_one_thread_for_each());
}

TEST_CASE("a group can open streams to those who come, on their threads") {
    const Seed seed = random_seed();
    NodeGroup group(seed, three_threads());
    group.handle_sessions([](Session session) -> asio::awaitable<void> {
        auto stream = co_await session.open_stream("news");
        if (!stream) co_return;
        const char news = '!';
        co_await asio::async_write(*stream, asio::buffer(&news, 1), as_tuple);
        stream->finish();
        co_await stream->async_wait_acknowledged(as_tuple);
        throw std::runtime_error("which ends nothing else");
    });
    const auto address = group.listen(any_loopback);
    REQUIRE(address);
    Clients clients(20, seed);
    clients.run_each([&](Node& node, std::size_t) -> asio::awaitable<void> {
        auto session = co_await node.connect(*address);
        REQUIRE(session.has_value());
        auto stream = co_await session->accept_stream();
        REQUIRE(stream.has_value());
        CHECK(stream->endpoint() == "news");
        char news = 0;
        co_await asio::async_read(*stream, asio::buffer(&news, 1), asio::use_awaitable);
        CHECK(news == '!');
    });
}

TEST_CASE("closing a group tells the peers of all its threads") {
    const Seed seed = random_seed();
    NodeGroup group(seed, three_threads());
    const auto udp = group.listen(any_loopback);
    const auto websocket = group.listen_websocket(any_loopback);
    REQUIRE(udp);
    REQUIRE(websocket);
    Clients clients(24, seed);
    std::size_t connected = 0;
    std::thread closer;
    clients.run_each([&](Node& node, std::size_t i) -> asio::awaitable<void> {
        auto session = co_await node.connect(by_turns(i, *udp, *websocket));
        REQUIRE(session.has_value());
        REQUIRE((co_await session->ping()).has_value());
        if (++connected == clients.nodes.size()) closer = std::thread([&group] { group.close(); });
        CHECK(co_await session->wait_closed() == Failure::session_closed_by_peer);
    });
    closer.join();
    CHECK(group.close() == std::error_code());
    CHECK(group.listen(any_loopback).error() == Failure::node_closed);
}

TEST_CASE("a group's port is its own, and it listens once for each family") {
    const Seed seed = random_seed();
    NodeGroup group(seed, three_threads());
    const auto address = group.listen(any_loopback);
    const auto websocket = group.listen_websocket(any_loopback);
    REQUIRE(address);
    REQUIRE(websocket);
    CHECK(group.listen(any_loopback).error() == Failure::already_listening);
    NodeGroup other(seed, three_threads());
    CHECK(other.listen(*address).error() == std::errc::address_in_use);
    CHECK(other.listen_websocket(*websocket).error() == asio::error::address_in_use);
    asio::io_context context;
    Node node(context, seed);
    CHECK(node.listen(*address).error() == std::errc::address_in_use);
    CHECK(node.listen_websocket(*websocket).error() == asio::error::address_in_use);
}

TEST_CASE("members of a group that wait for its threads refuse to be called on them") {
    NodeGroup group(random_seed(), three_threads());
    std::promise<std::vector<std::error_code>> promise;
    asio::post(group.executor(2), [&] {
        std::vector<std::error_code> errors;
        errors.push_back(group.listen(any_loopback).error());
        errors.push_back(group.listen_websocket(any_loopback).error());
        errors.push_back(group.add_seed(random_seed()).error());
        errors.push_back(group.remove_seed(SeedId{1}).error());
        errors.push_back(group.close());
        promise.set_value(std::move(errors));
    });
    for (const std::error_code error : promise.get_future().get()) {
        CHECK(error == std::errc::resource_deadlock_would_occur);
    }
}

TEST_CASE("a seed that is added to a group is one for all threads, and removing it ends sessions") {
    NodeGroup group(random_seed(), three_threads());
    const Seed seed = random_seed();
    const auto id = group.add_seed(seed);
    REQUIRE(id.has_value());
    const auto address = group.listen(any_loopback);
    REQUIRE(address);
    Clients clients(20, seed);
    std::size_t connected = 0;
    clients.run_each([&](Node& node, std::size_t) -> asio::awaitable<void> {
        auto session = co_await node.connect(*address);
        REQUIRE(session.has_value());
        REQUIRE((co_await session->ping()).has_value());
        if (++connected == clients.nodes.size()) CHECK(*group.remove_seed(*id));
        CHECK(co_await session->wait_closed() == Failure::session_closed_by_peer);
    });
    CHECK_FALSE(*group.remove_seed(*id));
}

TEST_CASE("a seed of a group whose time is over leaves its place to another on all threads") {
    NodeGroupConfig config = three_threads();
    config.node.seed_count_max = 1;
    NodeGroup group(config);
    for (int i = 0; i < 20; ++i) {
        REQUIRE(group.add_seed(random_seed(), Duration(0)).has_value());
    }
    const auto last = group.add_seed(random_seed());
    REQUIRE(last.has_value());
    CHECK(group.add_seed(random_seed()).error() == Failure::seed_limit);
    CHECK(*group.remove_seed(*last));
    CHECK(group.add_seed(random_seed()).has_value());
}

TEST_CASE("the limits of a group are those of its threads together") {
    const Seed seed = random_seed();
    NodeGroupConfig config = three_threads();
    config.node.session_count_max = 6;
    NodeGroup group(seed, config);
    const auto address = group.listen(any_loopback);
    REQUIRE(address);
    NodeConfig of_client;
    of_client.handshake_timeout = std::chrono::milliseconds(500);
    Clients clients(40, seed, of_client);
    std::vector<Session> sessions;
    clients.run_each([&](Node& node, std::size_t) -> asio::awaitable<void> {
        auto session = co_await node.connect(*address);
        if (session) sessions.push_back(*session);
    });
    CHECK(sessions.size() == 6);
    for (const Thread& thread : group.statistics().threads) CHECK(thread.sessions == 2);
}

TEST_CASE("a group of one thread, and of as many as there are processors") {
    for (const std::size_t count : {1u, 0u}) {
        const Seed seed = random_seed();
        NodeGroupConfig config;
        config.thread_count = count;
        NodeGroup group(seed, config);
        CHECK(group.thread_count() >= 1);
        group.handle("echo", echo_all);
        const auto udp = group.listen(any_loopback);
        const auto websocket = group.listen_websocket(any_loopback);
        REQUIRE(udp);
        REQUIRE(websocket);
        Clients clients(4, seed);
        const auto bytes = pattern(10'000);
        clients.run_each([&](Node& node, std::size_t i) -> asio::awaitable<void> {
            auto session = co_await node.connect(by_turns(i, *udp, *websocket));
            REQUIRE(session.has_value());
            CHECK(co_await clients.is_echoed(*session, bytes));
        });
        CHECK(sum(group.statistics(), &Thread::sessions_accepted) == 4);
    }
}

TEST_CASE("a group writes a trace for each thread, and a log of all") {
    const Seed seed = random_seed();
    std::array<std::string, 3> traces;
    std::size_t lines = 0;
    NodeGroupConfig config = three_threads();
    config.trace = [&](std::size_t thread, std::string_view piece) { traces[thread] += piece; };
    config.node.log = [&](LogLevel, std::string_view) { ++lines; };
    {
        NodeGroup group(seed, config);
        const auto address = group.listen(any_loopback);
        REQUIRE(address);
        Clients clients(40, seed);
        clients.run_each([&](Node& node, std::size_t) -> asio::awaitable<void> {
            CHECK((co_await node.connect(*address)).has_value());
        });
        group.close();
    }
    for (const std::string& trace : traces) {
        CHECK(trace.find("qlog") != std::string::npos);
        CHECK(trace.find("qlog_version", trace.find("qlog_version") + 1) == std::string::npos);
    }
    CHECK(lines > 40);
}

}  // namespace stt::node_test
