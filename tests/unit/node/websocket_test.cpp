// Nodes that meet by WebSockets, and go from one transport to the other. Spec protocol §11, §13.
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <stt/failure.hpp>

#include "tests/unit/node/certificate.hpp"
#include "tests/unit/node/loopback.hpp"
#include "tests/unit/node/relay.hpp"

namespace stt {
namespace {

using namespace node_test;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;
using asio::ip::tcp;

const Address any_port = Address::ipv4({127, 0, 0, 1}, 0);

Destination at_both(const Address& udp, const Address& websocket) {
    Destination destination = at_websocket(websocket);
    destination.udp.push_back(udp);
    return destination;
}

// Nobody reads what is sent there.
struct BlackHole {
    explicit BlackHole(asio::io_context& context)
        : socket(context, {asio::ip::address_v4::loopback(), 0}) {}
    Address address() const { return any_port.with_port(socket.local_endpoint().port()); }
    asio::ip::udp::socket socket;
};

// The nodes of Loopback, and a WebSocket of the responder's.
struct Both : Loopback {
    explicit Both(const WebSocketOptions& options = {}, const NodeConfig& config = {})
        : Loopback(config) {
        const auto bound = responder.listen_websocket(any_port, options);
        REQUIRE(bound.has_value());
        websocket = *bound;
    }
    Destination by_websocket() const { return at_websocket(websocket); }
    Transport transport() const { return here.statistics().transport; }

    Address websocket;
};

// Writes `bytes` to one end and reads them at the other.
asio::awaitable<void> check_transfer(Both& nodes, const std::vector<std::uint8_t>& bytes) {
    auto opened = co_await nodes.here.open_stream("transfer");
    REQUIRE(opened.has_value());
    write_meanwhile(nodes.context, *opened, bytes);
    auto accepted = co_await nodes.there.accept_stream();
    REQUIRE(accepted.has_value());
    std::vector<std::uint8_t> received(bytes.size());
    co_await asio::async_read(*accepted, asio::buffer(received), asio::use_awaitable);
    CHECK(received == bytes);
}

TEST_CASE(
    "a session by a WebSocket is a session: bytes both ways, statistics, a close that is told") {
    Both nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.meet(nodes.by_websocket());
        CHECK(nodes.transport() == Transport::websocket);
        CHECK(nodes.there.statistics().transport == Transport::websocket);
        co_await check_transfer(nodes, pattern(8'000'000));
        CHECK((co_await nodes.there.ping()).has_value());
        CHECK(nodes.here.statistics().datagram_size > 8'000);
        nodes.here.close(9, "done");
        CHECK(co_await nodes.there.wait_closed() == Failure::session_closed_by_peer);
        CHECK(nodes.there.close_reason().code == 9);
    };
    nodes.run(work());
}

TEST_CASE("connect takes UDP where it works, and a WebSocket where it does not") {
    Both nodes;
    BlackHole nobody(nodes.context);
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.meet(at_both(nodes.address, nodes.websocket));
        CHECK(nodes.transport() == Transport::udp);
        const auto started = Clock::now();
        co_await nodes.meet(at_both(nobody.address(), nodes.websocket));
        CHECK(nodes.transport() == Transport::websocket);
        CHECK(Clock::now() - started < seconds(5));
    };
    nodes.run(work());
}

TEST_CASE("connect tells why no WebSocket was opened") {
    Both nodes;
    auto work = [&]() -> asio::awaitable<void> {
        tcp::acceptor closed(nodes.context, {asio::ip::address_v4::loopback(), 0});
        const Address nobody = any_port.with_port(closed.local_endpoint().port());
        closed.close();
        const auto refused = co_await nodes.initiator.connect(at_websocket(nobody));
        CHECK(refused.error() == asio::error::connection_refused);
        CHECK((co_await nodes.initiator.connect(Destination{})).error() == Failure::no_address);
        // Another seed: the WebSocket opens, and nothing answers there.
        NodeConfig config;
        config.handshake_timeout = milliseconds(500);
        Node stranger(nodes.context, random_seed(), config);
        const auto silent = co_await stranger.connect(nodes.by_websocket());
        CHECK(silent.error() == Failure::handshake_timeout);
    };
    nodes.run(work());
}

TEST_CASE("protocol §11.4: a session whose UDP dies goes on by a WebSocket, and comes back") {
    Both nodes;
    Relay relay(nodes.context, nodes.address);
    const auto bytes = pattern(30'000'000);
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.meet(at_both(relay.address(), nodes.websocket));
        REQUIRE(nodes.transport() == Transport::udp);
        auto opened = co_await nodes.here.open_stream("long");
        REQUIRE(opened.has_value());
        write_meanwhile(nodes.context, *opened, bytes);
        auto accepted = co_await nodes.there.accept_stream();
        REQUIRE(accepted.has_value());
        std::vector<std::uint8_t> received(bytes.size());
        const auto read = [&](std::size_t from, std::size_t to) {
            return asio::async_read(*accepted, asio::buffer(received.data() + from, to - from),
                                    asio::use_awaitable);
        };
        co_await read(0, 5'000'000);
        relay.set_cut(true);
        const auto cut_at = Clock::now();
        co_await read(5'000'000, 20'000'000);
        CHECK(nodes.transport() == Transport::websocket);
        CHECK_MESSAGE(Clock::now() - cut_at < seconds(20), "it took as long as giving up takes");
        // UDP is there again, and the node is told so instead of asking in its own time.
        relay.set_cut(false);
        nodes.initiator.network_changed();
        for (int i = 0; i < 500 && nodes.transport() != Transport::udp; ++i) {
            co_await pause(nodes.context, milliseconds(20));
        }
        CHECK(nodes.transport() == Transport::udp);
        co_await read(20'000'000, bytes.size());
        CHECK(received == bytes);
        CHECK(nodes.here.is_reachable());
    };
    nodes.run(work());
}

TEST_CASE("protocol §11.3 (c): when its WebSocket breaks, a session opens another and goes on") {
    Both nodes;
    auto work = [&]() -> asio::awaitable<void> {
        // A proxy of one connection at a time, which can be broken.
        tcp::acceptor proxy(nodes.context, {asio::ip::address_v4::loopback(), 0});
        const Address address = any_port.with_port(proxy.local_endpoint().port());
        std::vector<std::shared_ptr<tcp::socket>> sockets;
        const auto pump = [](std::shared_ptr<tcp::socket> from,
                             std::shared_ptr<tcp::socket> to) -> asio::awaitable<void> {
            std::vector<char> buffer(65'536);
            for (;;) {
                const auto [error, size] =
                    co_await from->async_read_some(asio::buffer(buffer), as_tuple);
                if (error) break;
                const auto [failed, written] =
                    co_await asio::async_write(*to, asio::buffer(buffer, size), as_tuple);
                if (failed) break;
            }
            std::error_code ignored;
            from->close(ignored);
            to->close(ignored);
        };
        asio::co_spawn(
            nodes.context,
            [&]() -> asio::awaitable<void> {
                for (;;) {
                    auto near = std::make_shared<tcp::socket>(nodes.context);
                    const auto [error] = co_await proxy.async_accept(*near, as_tuple);
                    if (error) co_return;
                    auto far = std::make_shared<tcp::socket>(nodes.context);
                    co_await far->async_connect(
                        {asio::ip::address_v4::loopback(), nodes.websocket.port()},
                        asio::use_awaitable);
                    sockets.assign(1, near);
                    sockets.push_back(far);
                    asio::co_spawn(nodes.context, pump(near, far), asio::detached);
                    asio::co_spawn(nodes.context, pump(far, near), asio::detached);
                }
            },
            asio::detached);
        co_await nodes.meet(at_websocket(address));
        const auto bytes = pattern(20'000'000);
        auto opened = co_await nodes.here.open_stream("long");
        REQUIRE(opened.has_value());
        write_meanwhile(nodes.context, *opened, bytes);
        auto accepted = co_await nodes.there.accept_stream();
        REQUIRE(accepted.has_value());
        std::vector<std::uint8_t> received(bytes.size());
        for (std::size_t from = 0; from < bytes.size(); from += 5'000'000) {
            co_await asio::async_read(*accepted, asio::buffer(received.data() + from, 5'000'000),
                                      asio::use_awaitable);
            std::error_code ignored;
            sockets[0]->close(ignored);
            sockets[1]->close(ignored);
        }
        CHECK(received == bytes);
        proxy.close();
    };
    nodes.run(work());
}

// Speaks as a test wants to.
struct RawClient {
    explicit RawClient(asio::io_context& context) : socket(context) {}

    asio::awaitable<void> dial(const Address& to) {
        co_await socket.async_connect({asio::ip::address_v4::loopback(), to.port()},
                                      asio::use_awaitable);
    }
    asio::awaitable<void> send(std::string_view text) {
        co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
    }
    // Until the other side ends.
    asio::awaitable<std::string> read_all() {
        std::string text;
        co_await asio::async_read(socket, asio::dynamic_buffer(text), as_tuple);
        co_return text;
    }
    asio::awaitable<std::string> upgrade(const Address& to, std::string_view more = {}) {
        co_await dial(to);
        co_await send("GET /stt HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(to.port()) +
                      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: stt.v1\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                      std::string(more) + "\r\n");
        std::string head;
        co_await asio::async_read_until(socket, asio::dynamic_buffer(head), "\r\n\r\n", as_tuple);
        co_return head;
    }
    // A whole frame of a client, masked with zeros.
    static std::string frame(unsigned opcode, std::string_view payload) {
        std::string bytes(1, static_cast<char>(0x80 | opcode));
        if (payload.size() < 126) {
            bytes += static_cast<char>(0x80 | payload.size());
        } else {
            bytes += static_cast<char>(0x80 | 126);
            bytes += static_cast<char>(payload.size() >> 8);
            bytes += static_cast<char>(payload.size() & 0xff);
        }
        return bytes + std::string(4, '\0') + std::string(payload);
    }
    // The code of the close frame that `bytes` end with.
    static unsigned close_code(const std::string& bytes) {
        const std::size_t at = bytes.rfind('\x88');
        if (at == std::string::npos || at + 4 > bytes.size()) return 0;
        return static_cast<std::uint8_t>(bytes[at + 2]) * 256u +
               static_cast<std::uint8_t>(bytes[at + 3]);
    }

    tcp::socket socket;
};

TEST_CASE("protocol §13.2 (f): what a stranger sends closes a WebSocket with the right code") {
    Both nodes;
    struct Case {
        std::string bytes;
        unsigned code;
    };
    const Case cases[] = {
        {RawClient::frame(1, "hello"), 1003},
        {RawClient::frame(2, "not a frame of STT"), 1002},
        {RawClient::frame(2, std::string(2'049, 'x')), 1009},
        {std::string("\x82\x05hello", 7), 1002},                  // not masked
        {RawClient::frame(3, ""), 1002},                          // an opcode of nobody's
        {RawClient::frame(8, std::string("\x03\xe8", 2)), 1000},  // its own close is answered
    };
    auto work = [&]() -> asio::awaitable<void> {
        for (const Case& each : cases) {
            RawClient client(nodes.context);
            const std::string head = co_await client.upgrade(nodes.websocket);
            CHECK(head.starts_with("HTTP/1.1 101 "));
            CHECK(head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos);
            co_await client.send(each.bytes);
            CHECK(RawClient::close_code(co_await client.read_all()) == each.code);
        }
    };
    nodes.run(work());
}

TEST_CASE("protocol §13.3 (a): a WebSocket without a session closes 10 s after it was accepted") {
    Both nodes;
    auto work = [&]() -> asio::awaitable<void> {
        RawClient quiet(nodes.context);
        RawClient slow(nodes.context);
        RawClient busy(nodes.context);
        const auto started = Clock::now();
        co_await quiet.upgrade(nodes.websocket);
        co_await busy.upgrade(nodes.websocket);
        co_await slow.dial(nodes.websocket);
        asio::co_spawn(
            nodes.context,
            [&]() -> asio::awaitable<void> {
                // A head that comes a byte at a time; pings that are answered.
                for (int i = 0; i < 60; ++i) {
                    co_await asio::async_write(slow.socket, asio::buffer("G", 1), as_tuple);
                    co_await asio::async_write(busy.socket, asio::buffer(RawClient::frame(9, "")),
                                               as_tuple);
                    co_await pause(nodes.context, milliseconds(200));
                }
            },
            asio::detached);
        CHECK(RawClient::close_code(co_await quiet.read_all()) == 1008);
        CHECK(Clock::now() - started > milliseconds(9'900));
        CHECK(RawClient::close_code(co_await busy.read_all()) == 1008);
        CHECK((co_await slow.read_all()).empty());
        CHECK(Clock::now() - started < seconds(14));
        co_await pause(nodes.context, seconds(1));
    };
    nodes.run(work());
}

TEST_CASE(
    "protocol §13.3 (c): connections without a session are capped in all and for each source") {
    WebSocketOptions options;
    options.unauthenticated_max_of_source = 3;
    Both nodes(options);
    auto work = [&]() -> asio::awaitable<void> {
        std::vector<std::unique_ptr<RawClient>> clients;
        for (int i = 0; i < 5; ++i) {
            clients.push_back(std::make_unique<RawClient>(nodes.context));
            const std::string head = co_await clients.back()->upgrade(nodes.websocket);
            CHECK(head.empty() == (i >= 3));
        }
        // Those with a session count no more.
        clients.clear();
        co_await pause(nodes.context, milliseconds(100));
        for (int i = 0; i < 5; ++i) co_await nodes.meet(nodes.by_websocket());
        CHECK(nodes.transport() == Transport::websocket);
    };
    nodes.run(work());
}

TEST_CASE("the port of a WebSocket serves the application's page, and nothing without one") {
    WebSocketOptions options;
    options.page = [](const HttpRequest& request) {
        HttpResponse response;
        if (request.path != "/hello") return response;
        response.status = 200;
        response.headers = {{"Content-Type", "text/plain"}};
        response.body = "asked for " + request.query;
        return response;
    };
    Both nodes(options);
    const auto plain = nodes.responder.listen_websocket(any_port);
    REQUIRE(plain.has_value());
    auto work = [&]() -> asio::awaitable<void> {
        const auto ask = [&](const Address& to,
                             std::string_view line) -> asio::awaitable<std::string> {
            RawClient client(nodes.context);
            co_await client.dial(to);
            co_await client.send(std::string(line) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
            co_return co_await client.read_all();
        };
        const std::string page = co_await ask(nodes.websocket, "GET /hello?you");
        CHECK(page.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK(page.ends_with("\r\n\r\nasked for you"));
        CHECK((co_await ask(nodes.websocket, "HEAD /hello")).ends_with("\r\n\r\n"));
        CHECK((co_await ask(nodes.websocket, "GET /other")).starts_with("HTTP/1.1 404 "));
        CHECK((co_await ask(*plain, "GET /hello")).starts_with("HTTP/1.1 404 "));
        CHECK((co_await ask(nodes.websocket, "POST /hello")).starts_with("HTTP/1.1 405 "));
    };
    nodes.run(work());
}

TEST_CASE("a page of another origin is let in only where it is allowed") {
    WebSocketOptions options;
    options.allowed_origins = {"https://example.org"};
    Both nodes(options);
    auto work = [&]() -> asio::awaitable<void> {
        const std::string own =
            "Origin: http://127.0.0.1:" + std::to_string(nodes.websocket.port());
        std::vector<std::pair<std::string, std::string>> cases;
        cases.emplace_back(own + "\r\n", "101");
        cases.emplace_back("Origin: https://example.org\r\n", "101");
        cases.emplace_back("Origin: https://evil.example\r\n", "403");
        for (const auto& [origin, status] : cases) {
            RawClient client(nodes.context);
            const std::string head = co_await client.upgrade(nodes.websocket, origin);
            CHECK(head.substr(9, 3) == status);
        }
    };
    nodes.run(work());
}

TEST_CASE("a WebSocket with TLS is trusted by its certificate, and by nothing less") {
    const Certificate certificate;
    WebSocketOptions options;
    options.certificate_file = certificate.certificate_file();
    options.key_file = certificate.key_file();
    Both nodes(options);
    auto work = [&]() -> asio::awaitable<void> {
        const auto error_of = [&](const NodeConfig& config,
                                  const std::string& host) -> asio::awaitable<std::error_code> {
            Node node(nodes.context, nodes.seed, config);
            const Destination destination = at_websocket(nodes.websocket, host, true);
            const auto session = co_await node.connect(destination);
            co_return session ? std::error_code() : session.error();
        };
        const std::string local = "localhost";
        const std::string other = "example.org";
        const std::string address;
        const NodeConfig usual;
        CHECK(co_await error_of(usual, local) == Failure::certificate_refused);
        NodeConfig trusting;
        trusting.tls_authorities_file = certificate.certificate_file();
        CHECK(co_await error_of(trusting, local) == std::error_code());
        CHECK(co_await error_of(trusting, address) == std::error_code());
        CHECK(co_await error_of(trusting, other) == Failure::certificate_refused);
        NodeConfig careless;
        careless.tls_verifies = false;
        CHECK(co_await error_of(careless, other) == std::error_code());
        // No TLS there, or TLS where none is expected.
        const auto plain = nodes.responder.listen_websocket(any_port);
        Node node(nodes.context, nodes.seed);
        CHECK_FALSE((co_await node.connect(at_websocket(*plain, {}, true))).has_value());
        CHECK_FALSE((co_await node.connect(nodes.by_websocket())).has_value());
    };
    nodes.run(work());
    options.key_file = "/nowhere/key.pem";
    CHECK_FALSE(nodes.responder.listen_websocket(any_port, options).has_value());
}

TEST_CASE("a session goes through TLS byte by byte") {
    const Certificate certificate;
    WebSocketOptions options;
    options.certificate_file = certificate.certificate_file();
    options.key_file = certificate.key_file();
    NodeConfig config;
    config.tls_authorities_file = certificate.certificate_file();
    Both nodes(options, config);
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.meet(at_websocket(nodes.websocket, "localhost", true));
        co_await check_transfer(nodes, pattern(8'000'000));
    };
    nodes.run(work());
}

}  // namespace
}  // namespace stt
