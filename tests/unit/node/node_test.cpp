#include <algorithm>
#include <asio/experimental/awaitable_operators.hpp>

#include "tests/unit/node/loopback.hpp"

namespace stt::node_test {

TEST_CASE("both sides of a session know each other's node id") {
    Loopback loopback;
    loopback.run(loopback.connect());
    CHECK(loopback.here.peer_node_id() == loopback.responder.id());
    CHECK(loopback.there.peer_node_id() == loopback.initiator.id());
    CHECK(loopback.here.is_open());
}

TEST_CASE("a node keeps the id of the identity that it is given") {
    asio::io_context context;
    const Seed seed = random_seed();
    NodeConfig config;
    config.identity.emplace().fill(7);
    Node first(context, seed, config);
    Node second(context, seed, config);
    Node other(context, seed);
    CHECK(first.id() == second.id());
    CHECK(first.id() != other.id());
}

TEST_CASE("a session works over IPv6, and over a socket that serves both families") {
    for (const char* text : {"[::1]:0", "[::]:0"}) {
        Loopback loopback({}, *Address::parse(text));
        const std::uint16_t port = loopback.address.port();
        loopback.address = std::string_view(text) == "[::]:0"
                               ? Address::ipv4({127, 0, 0, 1}, port)
                               : Address::parse("[::1]:0")->with_port(port);
        loopback.run(loopback.open());
        CHECK(loopback.there.peer_address().family() == loopback.address.family());
    }
}

TEST_CASE("connecting to nobody fails with handshake_timeout") {
    NodeConfig config;
    config.handshake_timeout = std::chrono::milliseconds(200);
    Loopback loopback(config);
    auto work = [&]() -> asio::awaitable<void> {
        // Nobody listens on the discard port of loopback.
        auto session = co_await loopback.initiator.connect(Address::ipv4({127, 0, 0, 1}, 9));
        REQUIRE_FALSE(session.has_value());
        CHECK(session.error() == Failure::handshake_timeout);
    };
    loopback.run(work());
}

TEST_CASE("another seed gets no answer") {
    NodeConfig config;
    config.handshake_timeout = std::chrono::milliseconds(200);
    Loopback loopback(config);
    Node stranger(loopback.context, random_seed(), config);
    auto work = [&]() -> asio::awaitable<void> {
        auto session = co_await stranger.connect(loopback.address);
        CHECK(session.error() == Failure::handshake_timeout);
    };
    loopback.run(work());
}

TEST_CASE("of several addresses the first that answers becomes the session") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        std::vector<Address> addresses;
        addresses.push_back(Address::ipv4({127, 0, 0, 1}, 9));
        addresses.push_back(loopback.address);
        auto session = co_await loopback.initiator.connect(addresses);
        REQUIRE(session.has_value());
        CHECK(session->peer_address() == loopback.address);
    };
    loopback.run(work());
}

TEST_CASE("a port in use is an error of listen()") {
    Loopback loopback;
    const auto again = loopback.initiator.listen(loopback.address);
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error() == std::errc::address_in_use);
}

TEST_CASE("waiting for a session, a stream, or the end can be cancelled") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        asio::steady_timer timer(loopback.context, std::chrono::milliseconds(20));
        auto accepted =
            co_await (loopback.responder.accept() || timer.async_wait(asio::use_awaitable));
        CHECK(accepted.index() == 1);
        co_await loopback.connect();
        timer.expires_after(std::chrono::milliseconds(20));
        auto stream =
            co_await (loopback.here.accept_stream() || timer.async_wait(asio::use_awaitable));
        CHECK(stream.index() == 1);
        timer.expires_after(std::chrono::milliseconds(20));
        auto closed =
            co_await (loopback.here.wait_closed() || timer.async_wait(asio::use_awaitable));
        CHECK(closed.index() == 1);
    };
    loopback.run(work());
}

TEST_CASE("a cancelled connect leaves nothing behind that a later one could meet") {
    NodeConfig config;
    config.handshake_timeout = std::chrono::seconds(5);
    Loopback loopback(config);
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        asio::steady_timer timer(loopback.context, std::chrono::milliseconds(20));
        const Address nobody = Address::ipv4({127, 0, 0, 1}, 9);
        auto outcome =
            co_await (loopback.initiator.connect(nobody) || timer.async_wait(asio::use_awaitable));
        CHECK(outcome.index() == 1);
        co_await loopback.connect();
    };
    loopback.run(work());
}

TEST_CASE("a node holds many sessions at once") {
    Loopback loopback;
    constexpr int count = 50;
    auto work = [&]() -> asio::awaitable<void> {
        std::vector<Session> sessions;
        for (int i = 0; i < count; ++i) {
            auto session = co_await loopback.initiator.connect(loopback.address);
            REQUIRE(session.has_value());
            sessions.push_back(*session);
            REQUIRE((co_await loopback.responder.accept()).has_value());
        }
        for (Session& session : sessions) {
            const auto round_trip = co_await session.ping();
            REQUIRE(round_trip.has_value());
            CHECK(*round_trip < std::chrono::seconds(5));
        }
    };
    loopback.run(work());
}

TEST_CASE("opening more streams than the peer allows waits until some have closed") {
    NodeConfig config;
    config.peer_stream_limit = 128;
    Loopback loopback(config);
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await loopback.connect();
        std::vector<Stream> streams;
        for (int i = 0; i < 128; ++i) {
            auto stream = co_await loopback.here.open_stream("many");
            REQUIRE(stream.has_value());
            streams.push_back(std::move(*stream));
        }
        asio::steady_timer timer(loopback.context, std::chrono::milliseconds(50));
        auto blocked = co_await (loopback.here.open_stream("one more") ||
                                 timer.async_wait(asio::use_awaitable));
        CHECK(blocked.index() == 1);
        streams.clear();
        for (int i = 0; i < 128; ++i) {
            auto stream = co_await loopback.there.accept_stream();
            REQUIRE(stream.has_value());
        }
        auto stream = co_await loopback.here.open_stream("again");
        CHECK(stream.has_value());
    };
    loopback.run(work());
}

TEST_CASE(
    "NodeConfig::peer_stream_limit: a peer has so many streams open at once; one more waits until "
    "one has ended") {
    // More than a session begins with and less than the default; and less than there can be.
    for (const std::size_t limit : {std::size_t{200}, std::size_t{1}}) {
        NodeConfig config;
        config.peer_stream_limit = limit;
        const std::size_t allowed = std::max<std::size_t>(limit, 128);
        Loopback loopback(config);
        auto work = [&]() -> asio::awaitable<void> {
            using namespace asio::experimental::awaitable_operators;
            co_await loopback.connect();
            CHECK((co_await loopback.here.ping()).has_value());
            std::vector<Stream> near, far;
            for (std::size_t i = 0; i < allowed; ++i) {
                auto opened = co_await loopback.here.open_stream("one of many");
                REQUIRE(opened.has_value());
                near.push_back(std::move(*opened));
                auto accepted = co_await loopback.there.accept_stream();
                REQUIRE(accepted.has_value());
                far.push_back(std::move(*accepted));
            }
            bool is_open = false;
            auto open_one_more = [&]() -> asio::awaitable<void> {
                auto opened = co_await loopback.here.open_stream("one more");
                REQUIRE(opened.has_value());
                is_open = true;
                near.push_back(std::move(*opened));
            };
            auto end_one = [&]() -> asio::awaitable<void> {
                for (int i = 0; i < 10; ++i) CHECK((co_await loopback.here.ping()).has_value());
                CHECK_FALSE(is_open);
                CHECK(loopback.there.statistics().streams_open == allowed);
                near.front().finish();
                far.front().finish();
                near.erase(near.begin());
                far.erase(far.begin());
            };
            co_await (open_one_more() && end_one());
            auto accepted = co_await loopback.there.accept_stream();
            REQUIRE(accepted.has_value());
            CHECK(accepted->endpoint() == "one more");
            CHECK(loopback.there.statistics().streams_open == allowed);
        };
        loopback.run(work());
    }
}

TEST_CASE("an endpoint name of 255 bytes is carried, and one of 256 is an error") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.connect();
        auto opened = co_await loopback.here.open_stream(std::string(255, 'n'));
        REQUIRE(opened.has_value());
        auto accepted = co_await loopback.there.accept_stream();
        CHECK(accepted->endpoint() == std::string(255, 'n'));
        auto refused = co_await loopback.here.open_stream(std::string(256, 'n'));
        CHECK(refused.error() == Failure::endpoint_name_size);
    };
    loopback.run(work());
}

TEST_CASE("closing a node ends its sessions, and tells the peers") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.connect();
        co_await loopback.initiator.close();
        CHECK_FALSE(loopback.here.is_open());
        const std::error_code reason = co_await loopback.there.wait_closed();
        CHECK(reason == Failure::session_closed_by_peer);
        auto again = co_await loopback.initiator.connect(loopback.address);
        CHECK(again.error() == Failure::node_closed);
    };
    loopback.run(work());
}

TEST_CASE("handles outlive their node") {
    asio::io_context context;
    const Seed seed = random_seed();
    Session session;
    {
        Loopback loopback;
        loopback.run(loopback.open());
        session = loopback.here;
        loopback.near = Stream();
        loopback.far = Stream();
    }
    CHECK_FALSE(session.is_open());
    CHECK(session.statistics().frames_sent >= 0);
}

TEST_CASE("statistics tell of what a session did") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.open();
        for (int i = 0; i < 5; ++i) CHECK((co_await loopback.here.ping()).has_value());
    };
    loopback.run(work());
    const SessionStatistics statistics = loopback.here.statistics();
    CHECK(statistics.handshake > Duration::zero());
    CHECK(statistics.rtt_min <= statistics.rtt_smoothed);
    CHECK(statistics.frames_sent >= 6);
    CHECK(statistics.frames_received >= 6);
    CHECK(statistics.bytes_sent > statistics.frames_sent * 30);
}

TEST_CASE("close() can be called again, and ends when the node is destroyed meanwhile") {
    asio::io_context context(1);
    const Seed seed = random_seed();
    auto node = std::make_unique<Node>(context, seed);
    int ended = 0;
    const auto count = [&ended](std::exception_ptr) { ++ended; };
    asio::co_spawn(context, node->close(), count);
    asio::co_spawn(context, node->close(), count);
    context.run();
    CHECK(ended == 2);
    context.restart();
    asio::co_spawn(context, node->close(), count);
    context.run();
    CHECK(ended == 3);
    context.restart();
    node = std::make_unique<Node>(context, seed);
    asio::co_spawn(context, node->close(), count);
    context.poll_one();
    node.reset();
    context.run_for(std::chrono::seconds(2));
    CHECK(ended == 4);
}

TEST_CASE("protocol §12.1: with constant padding every frame of a stream fills its datagram") {
    NodeConfig config;
    config.padding = PaddingPolicy::constant;
    for (const NodeConfig& chosen : {NodeConfig(), config}) {
        Loopback loopback(chosen);
        auto work = [&]() -> asio::awaitable<void> {
            co_await loopback.open();
            const std::uint64_t before = loopback.here.statistics().bytes_sent;
            for (int i = 0; i < 20; ++i) {
                co_await asio::async_write(loopback.near, asio::buffer("x", 1),
                                           asio::use_awaitable);
                CHECK((co_await loopback.here.ping()).has_value());
            }
            const std::uint64_t sent = loopback.here.statistics().bytes_sent - before;
            CHECK((sent > 20'000) == (chosen.padding == PaddingPolicy::constant));
        };
        loopback.run(work());
    }
}

TEST_CASE("a second listen() in one family is an error that says so") {
    Loopback loopback;
    const auto again = loopback.responder.listen(Address::ipv4({127, 0, 0, 1}, 0));
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error() == Failure::already_listening);
}

TEST_CASE("an operation outlives the handle that began it") {
    Loopback loopback;
    loopback.run(loopback.connect());
    std::error_code reason;
    bool has_ended = false;
    {
        Session copy = loopback.here;
        asio::co_spawn(loopback.context, copy.wait_closed(),
                       [&](std::exception_ptr, std::error_code error) {
                           reason = error;
                           has_ended = true;
                       });
    }
    auto work = [&]() -> asio::awaitable<void> {
        loopback.there.close();
        co_await loopback.there.wait_closed();
        co_await loopback.here.wait_closed();
    };
    loopback.run(work());
    loopback.context.poll();
    CHECK(has_ended);
    CHECK(reason == Failure::session_closed_by_peer);
}

TEST_CASE("a session works with large datagrams where the path carries them") {
    NodeConfig config;
    config.datagram_size_max = 60'000;
    Loopback loopback(config);
    const auto sent = pattern(5'000'000);
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await loopback.open();
        std::vector<std::uint8_t> received(sent.size());
        co_await (asio::async_write(loopback.near, asio::buffer(sent), asio::use_awaitable) &&
                  asio::async_read(loopback.far, asio::buffer(received), asio::use_awaitable));
        CHECK(received == sent);
    };
    loopback.run(work());
    CHECK(loopback.here.statistics().datagram_size <= 16'000);
}

}  // namespace stt::node_test
