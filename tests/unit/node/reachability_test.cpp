#include <asio/experimental/awaitable_operators.hpp>

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
