#include <asio/experimental/awaitable_operators.hpp>
#include <memory>

#include "tests/unit/node/loopback.hpp"
#include "tests/unit/node/relay.hpp"

namespace stt::node_test {
namespace {

NodeConfig impatient() {
    NodeConfig config;
    config.unreachable_after = std::chrono::milliseconds(100);
    return config;
}

// A session over a relay.
struct Relayed : Loopback {
    explicit Relayed(NodeConfig config = impatient())
        : Loopback(std::move(config)), relay(context, address) {
        address = relay.address();
    }
    Relay relay;
};

}  // namespace

TEST_CASE("a peer that has gone without a word is unreachable, and its session ends in time") {
    NodeConfig config = impatient();
    config.resume_timeout = std::chrono::milliseconds(600);
    Relayed nodes(config);
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect();
        CHECK(nodes.here.is_reachable());
        nodes.relay.set_cut(true);
        auto ask = [](Session session) -> asio::awaitable<void> { co_await session.ping(); };
        asio::co_spawn(nodes.context, ask(nodes.here), asio::detached);
        auto event = co_await nodes.here.next_event();
        REQUIRE(event.has_value());
        CHECK(std::holds_alternative<Unreachable>(*event));
        CHECK_FALSE(nodes.here.is_reachable());
        CHECK(nodes.here.is_open());
        auto end = co_await nodes.here.next_event();
        REQUIRE_FALSE(end.has_value());
        CHECK(end.error() == Failure::session_timeout);
        CHECK_FALSE(nodes.here.is_reachable());
    };
    nodes.run(work());
}

TEST_CASE("a session goes on when the path is back, and nothing of its streams is lost") {
    Relayed nodes;
    const auto sent = pattern(200'000);
    std::vector<std::uint8_t> received(sent.size());
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.open();
        nodes.relay.set_cut(true);
        co_await asio::async_write(nodes.near, asio::buffer(sent), asio::use_awaitable);
        auto event = co_await nodes.here.next_event();
        CHECK(std::holds_alternative<Unreachable>(*event));
        nodes.relay.set_cut(false);
        nodes.initiator.network_changed();
        co_await asio::async_read(nodes.far, asio::buffer(received), asio::use_awaitable);
        event = co_await nodes.here.next_event();
        CHECK(std::holds_alternative<Reachable>(*event));
        CHECK(nodes.here.is_reachable());
    };
    nodes.run(work());
    CHECK(received == sent);
}

TEST_CASE("a peer that moves is told, and where it sees this node") {
    Relayed nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect();
        co_await nodes.here.ping();
        const Address before = nodes.there.peer_address();
        CHECK(nodes.here.observed_address() == before);
        nodes.relay.rebind();
        co_await nodes.here.ping();
        const auto event = co_await nodes.there.next_event();
        REQUIRE(event.has_value());
        REQUIRE(std::holds_alternative<PeerMoved>(*event));
        CHECK(std::get<PeerMoved>(*event).address != before);
        CHECK(nodes.there.peer_address() == std::get<PeerMoved>(*event).address);
        while (nodes.here.observed_address() == before) co_await nodes.here.ping();
        CHECK(nodes.here.observed_address() == nodes.there.peer_address());
    };
    nodes.run(work());
}

TEST_CASE("a session whose peer was restarted is made anew, and tells what had arrived") {
    Loopback nodes;
    NodeConfig config = impatient();
    config.identity.emplace().fill(7);
    auto server = std::make_unique<Node>(nodes.context, nodes.seed, config);
    const Address bound = *server->listen(Address::ipv4({127, 0, 0, 1}, 0));
    Relay relay(nodes.context, bound);
    Node client(nodes.context, nodes.seed, impatient());
    const auto first = pattern(5'000);
    const auto second = pattern(300);
    auto work = [&]() -> asio::awaitable<void> {
        std::vector<std::uint8_t> received(first.size());
        auto session = co_await client.connect(relay.address());
        REQUIRE(session.has_value());
        auto accepted = co_await server->accept();
        REQUIRE(accepted.has_value());
        std::uint8_t handled = 0;
        session->handle_custom(0x80, [&](Session, CustomFrame frame) -> asio::awaitable<void> {
            handled = frame.payload.at(0);
            co_return;
        });
        auto stream = co_await session->open_stream("log");
        REQUIRE(stream.has_value());
        co_await asio::async_write(*stream, asio::buffer(first), asio::use_awaitable);
        auto far = co_await accepted->accept_stream();
        REQUIRE(far.has_value());
        co_await asio::async_read(*far, asio::buffer(received), asio::use_awaitable);
        co_await session->ping();  // by its answer the bytes are acknowledged
        // The process is gone without a word, and what was written meanwhile with it.
        relay.set_cut(true);
        co_await asio::async_write(*stream, asio::buffer(second), asio::use_awaitable);
        server.reset();
        server = std::make_unique<Node>(nodes.context, nodes.seed, config);
        REQUIRE(server->listen(bound).has_value());
        auto event = co_await session->next_event();
        REQUIRE(event.has_value());
        CHECK(std::holds_alternative<Unreachable>(*event));
        relay.set_cut(false);
        event = co_await session->next_event();
        REQUIRE(event.has_value());
        REQUIRE(std::holds_alternative<Reconnected>(*event));
        auto& again = std::get<Reconnected>(*event);
        REQUIRE(again.streams.size() == 1);
        CHECK(again.streams[0].endpoint == "log");
        CHECK(again.streams[0].bytes_acknowledged == first.size());
        CHECK(again.streams[0].bytes_written == first.size() + second.size());
        CHECK_FALSE(session->is_open());
        CHECK((co_await session->next_event()).error() == Failure::session_timeout);
        CHECK(again.session.is_open());
        CHECK((co_await again.session.ping()).has_value());
        accepted = co_await server->accept();
        REQUIRE(accepted.has_value());
        const std::vector<std::uint8_t> nine(1, 9);
        CHECK((co_await accepted->send_custom(0x80, nine)).has_value());
        for (int i = 0; i < 100 && handled == 0; ++i) co_await again.session.ping();
        CHECK_MESSAGE(handled == 9, "the handlers of the old session serve the new one");
    };
    nodes.run(work());
}

TEST_CASE("waiting for an event can be cancelled") {
    Relayed nodes;
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await nodes.connect();
        asio::steady_timer timer(nodes.context, std::chrono::milliseconds(20));
        auto outcome = co_await (nodes.here.next_event() || timer.async_wait(asio::use_awaitable));
        CHECK(outcome.index() == 1);
    };
    nodes.run(work());
}

}  // namespace stt::node_test
