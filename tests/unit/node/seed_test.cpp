#include "tests/unit/node/loopback.hpp"

namespace stt::node_test {
namespace {

NodeConfig quickly_refused() {
    NodeConfig config;
    config.handshake_timeout = std::chrono::milliseconds(200);
    return config;
}

}  // namespace

TEST_CASE("a node serves peers of each of its seeds, and connects with each") {
    Loopback loopback(quickly_refused());
    const Seed other_seed = random_seed();
    Node other(loopback.context, other_seed, quickly_refused());
    auto work = [&]() -> asio::awaitable<void> {
        CHECK((co_await other.connect(loopback.address)).error() == Failure::handshake_timeout);
        const auto added = loopback.responder.add_seed(other_seed);
        REQUIRE(added.has_value());
        auto session = co_await other.connect(loopback.address);
        REQUIRE(session.has_value());
        auto accepted = co_await loopback.responder.accept();
        CHECK(accepted->seed() == *added);
        co_await loopback.connect();
        CHECK(loopback.there.seed() != *added);
        // The other way round: the seed of the connection is chosen.
        ConnectOptions options;
        options.seed = *loopback.initiator.add_seed(other_seed);
        auto chosen = co_await loopback.initiator.connect(loopback.address, options);
        REQUIRE(chosen.has_value());
        CHECK(chosen->seed() == *options.seed);
        CHECK((co_await loopback.responder.accept())->seed() == *added);
    };
    loopback.run(work());
}

TEST_CASE("removing a seed ends its sessions at both sides, and no others") {
    Loopback loopback(quickly_refused());
    const Seed other_seed = random_seed();
    Node other(loopback.context, other_seed, quickly_refused());
    auto work = [&]() -> asio::awaitable<void> {
        const SeedId added = *loopback.responder.add_seed(other_seed);
        auto session = co_await other.connect(loopback.address);
        Session there = *(co_await loopback.responder.accept());
        co_await loopback.connect();
        CHECK(loopback.responder.remove_seed(added));
        CHECK_FALSE(loopback.responder.remove_seed(added));
        CHECK(co_await there.wait_closed() == Failure::session_seed_removed);
        CHECK(co_await session->wait_closed() == Failure::session_closed_by_peer);
        CHECK(session->close_reason().code == 7);
        CHECK((co_await loopback.here.ping()).has_value());
        CHECK((co_await other.connect(loopback.address)).error() == Failure::handshake_timeout);
    };
    loopback.run(work());
}

TEST_CASE("a seed with a lifetime is of no use afterwards") {
    Loopback loopback(quickly_refused());
    const Seed other_seed = random_seed();
    Node other(loopback.context, other_seed, quickly_refused());
    auto work = [&]() -> asio::awaitable<void> {
        REQUIRE(loopback.responder.add_seed(other_seed, std::chrono::milliseconds(300)));
        auto session = co_await other.connect(loopback.address);
        REQUIRE(session.has_value());
        CHECK(co_await session->wait_closed() == Failure::session_closed_by_peer);
        CHECK((co_await other.connect(loopback.address)).error() == Failure::handshake_timeout);
    };
    loopback.run(work());
}

TEST_CASE("seeds of a wrong size, too many of them, and unknown ones are errors") {
    NodeConfig config = quickly_refused();
    config.seed_count_max = 2;
    Loopback loopback(config);
    CHECK(loopback.responder.add_seed(Seed(bytes_of("short"))).error() == Failure::seed_size);
    const auto second = loopback.responder.add_seed(random_seed());
    REQUIRE(second.has_value());
    CHECK(loopback.responder.add_seed(random_seed()).error() == Failure::seed_limit);
    auto work = [&]() -> asio::awaitable<void> {
        ConnectOptions options;
        options.seed = *second;
        auto unknown = co_await loopback.initiator.connect(loopback.address, options);
        CHECK(unknown.error() == Failure::unknown_seed);
        Node without(loopback.context, quickly_refused());
        CHECK((co_await without.connect(loopback.address)).error() == Failure::unknown_seed);
    };
    loopback.run(work());
}

TEST_CASE("a wanted node connects, and another one does not") {
    Loopback loopback(quickly_refused());
    auto work = [&]() -> asio::awaitable<void> {
        ConnectOptions options;
        options.peer = loopback.responder.id();
        CHECK((co_await loopback.initiator.connect(loopback.address, options)).has_value());
        options.peer = loopback.initiator.id();
        auto session = co_await loopback.initiator.connect(loopback.address, options);
        CHECK(session.error() == Failure::wrong_peer);
    };
    loopback.run(work());
}

TEST_CASE("handshakes beyond the rate, and sessions beyond the limit, do not begin") {
    NodeConfig config = quickly_refused();
    config.handshake_rate = {1, 2};
    Loopback loopback(config);
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.connect();
        co_await loopback.connect();
        auto third = co_await loopback.initiator.connect(loopback.address);
        CHECK(third.error() == Failure::handshake_timeout);
        NodeConfig one = quickly_refused();
        one.session_count_max = 1;
        Node small(loopback.context, loopback.seed, one);
        Node server(loopback.context, loopback.seed, quickly_refused());
        const Address address = *server.listen(Address::ipv4({127, 0, 0, 1}, 0));
        CHECK((co_await small.connect(address)).has_value());
        CHECK((co_await small.connect(address)).error() == Failure::session_limit);
    };
    loopback.run(work());
}

}  // namespace stt::node_test
