// Nodes of one transport each, and a bridge between them. Spec protocol §13.4.
#include <stt/bridge.hpp>

#include "tests/unit/node/loopback.hpp"
#include "tests/unit/node/relay.hpp"

namespace stt {
namespace {

using namespace node_test;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Address any_port = Address::ipv4({127, 0, 0, 1}, 0);

// 4 MB there and back, compared.
asio::awaitable<void> check_echo(Loopback& nodes) {
    const auto bytes = pattern(4'000'000);
    auto opened = co_await nodes.here.open_stream("echo");
    REQUIRE(opened.has_value());
    write_meanwhile(nodes.context, *opened, bytes);
    auto accepted = co_await nodes.there.accept_stream();
    REQUIRE(accepted.has_value());
    asio::co_spawn(
        nodes.context,
        [](Stream stream) -> asio::awaitable<void> {
            std::vector<std::uint8_t> buffer(100'000);
            for (;;) {
                const auto [error, size] =
                    co_await stream.async_read_some(asio::buffer(buffer), as_tuple);
                if (error) break;
                co_await asio::async_write(stream, asio::buffer(buffer, size), as_tuple);
            }
            stream.finish();
            co_await stream.async_wait_acknowledged(as_tuple);
        }(std::move(*accepted)),
        asio::detached);
    std::vector<std::uint8_t> received(bytes.size());
    co_await asio::async_read(*opened, asio::buffer(received), asio::use_awaitable);
    CHECK(received == bytes);
}

TEST_CASE("protocol §13.4 (a), (c): a client by WebSocket reaches a node that has UDP alone") {
    Loopback nodes;
    Bridge bridge(nodes.context);
    const auto bound = bridge.listen_websocket(any_port, {}, nodes.address);
    REQUIRE(bound.has_value());
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.meet(at_websocket(*bound));
        CHECK(nodes.here.statistics().transport == Transport::websocket);
        CHECK(nodes.there.statistics().transport == Transport::udp);
        co_await check_echo(nodes);
        // The probe of a larger frame was the first that it lost.
        CHECK(nodes.here.statistics().datagram_size <= 1'472);
        const BridgeStatistics statistics = bridge.statistics();
        CHECK(statistics.clients == 1);
        CHECK(statistics.frames_too_large >= 1);
        CHECK(statistics.bytes_to_udp > 4'000'000);
        CHECK(statistics.bytes_to_websocket > 4'000'000);
        nodes.here.close();
        co_await nodes.there.wait_closed();
        for (int i = 0; i < 100 && bridge.statistics().clients > 0; ++i) {
            co_await pause(nodes.context, milliseconds(50));
        }
        CHECK(bridge.statistics().clients == 0);
    };
    nodes.run(work());
}

TEST_CASE("protocol §13.4 (a): a client by UDP reaches a node that has a WebSocket alone") {
    Loopback nodes;
    const auto websocket = nodes.responder.listen_websocket(any_port);
    Bridge bridge(nodes.context);
    const auto bound = bridge.listen_udp(any_port, {*websocket, {}, false});
    REQUIRE(bound.has_value());
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.meet(at_udp(*bound));
        CHECK(nodes.here.statistics().transport == Transport::udp);
        CHECK(nodes.there.statistics().transport == Transport::websocket);
        co_await check_echo(nodes);
        co_await check_echo(nodes);
    };
    nodes.run(work());
}

TEST_CASE("protocol §13.4 (c): what is lost behind a bridge goes out again") {
    Loopback nodes;
    Relay relay(nodes.context, nodes.address);
    Bridge bridge(nodes.context);
    const auto bound = bridge.listen_websocket(any_port, {}, relay.address());
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.meet(at_websocket(*bound));
        for (int i = 0; i < 5; ++i) {
            asio::co_spawn(
                nodes.context,
                [&]() -> asio::awaitable<void> {
                    co_await pause(nodes.context, milliseconds(5));
                    relay.set_cut(true);
                    co_await pause(nodes.context, milliseconds(300));
                    relay.set_cut(false);
                },
                asio::detached);
            co_await check_echo(nodes);
        }
    };
    nodes.run(work());
}

TEST_CASE("protocol §13.4 (b): a bridge opens nothing for what is no HELLO by its form") {
    Loopback nodes;
    const auto websocket = nodes.responder.listen_websocket(any_port);
    Bridge bridge(nodes.context);
    const auto bound = bridge.listen_udp(any_port, {*websocket, {}, false});
    auto work = [&]() -> asio::awaitable<void> {
        asio::ip::udp::socket stranger(nodes.context, {asio::ip::address_v4::loopback(), 0});
        const asio::ip::udp::endpoint to(asio::ip::address_v4::loopback(), bound->port());
        for (const std::size_t size : {1u, 64u, 1'199u, 1'200u, 1'201u, 1'472u}) {
            const std::vector<std::uint8_t> noise(size, 0x53);
            stranger.send_to(asio::buffer(noise), to);
        }
        for (int i = 0; i < 100 && bridge.statistics().datagrams_unexpected < 6; ++i) {
            co_await pause(nodes.context, milliseconds(20));
        }
        CHECK(bridge.statistics().datagrams_unexpected == 6);
        CHECK(bridge.statistics().clients_served == 0);
    };
    nodes.run(work());
}

TEST_CASE("a bridge serves as many clients as it may, and closes those that nobody answers") {
    Loopback nodes;
    BridgeConfig config;
    config.client_count_max_of_source = 2;
    Bridge bridge(nodes.context, config);
    const auto bound = bridge.listen_websocket(any_port, {}, nodes.address);
    NodeConfig hasty;
    hasty.handshake_timeout = seconds(1);
    Node stranger(nodes.context, random_seed(), hasty);
    Node late(nodes.context, nodes.seed, hasty);
    auto work = [&]() -> asio::awaitable<void> {
        // A stranger's HELLO is forwarded, and the node stays silent.
        CHECK((co_await stranger.connect(at_websocket(*bound))).error() ==
              Failure::handshake_timeout);
        co_await nodes.meet(at_websocket(*bound));
        co_await nodes.meet(at_websocket(*bound));
        CHECK_FALSE((co_await late.connect(at_websocket(*bound))).has_value());
        CHECK(bridge.statistics().clients_refused == 1);
        CHECK(bridge.statistics().clients == 2);
    };
    nodes.run(work());
}

}  // namespace
}  // namespace stt
