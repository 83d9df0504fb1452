#include "cli/endpoint.hpp"

#include <doctest/doctest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <stt/node.hpp>

using namespace stt::cli;

TEST_CASE(
    "protocol §13.1 (c): an endpoint is a host with or without a port, brackets around IPv6") {
    const auto check = [](const char* text, const char* host, std::uint16_t port) {
        CAPTURE(text);
        const auto endpoint = parse_endpoint(text, stt::default_udp_port);
        REQUIRE(endpoint);
        CHECK(endpoint->host == host);
        CHECK(endpoint->port == port);
    };
    check("example.org", "example.org", stt::default_udp_port);
    check("example.org:1", "example.org", 1);
    check("192.0.2.1:65535", "192.0.2.1", 65535);
    check("[::1]:9002", "::1", 9002);
    check("[fe80::1%eth0]", "fe80::1%eth0", stt::default_udp_port);
}

TEST_CASE("what is no endpoint is a usage error that shows how to write one") {
    for (const char* text : {"", ":", ":9001", "host:", "host:0", "host:65536", "host:-1",
                             "host:1x", "::1", "::1:9001", "[::1", "[]:1", "[::1]x", "host: 1"}) {
        CAPTURE(text);
        const auto endpoint = parse_endpoint(text, stt::default_udp_port);
        REQUIRE_FALSE(endpoint);
        CHECK(endpoint.error().code == ExitCode::usage);
    }
}

TEST_CASE("an address to listen on is numeric, and any port is one") {
    CHECK(parse_listen_address("[::]:9001", stt::default_udp_port)->port() == 9001);
    CHECK(parse_listen_address("127.0.0.1:0", stt::default_udp_port)->family() ==
          stt::Address::Family::ipv4);
    CHECK(parse_listen_address(":77", stt::default_udp_port)->family() ==
          stt::Address::Family::ipv6);
    CHECK(parse_listen_address("0.0.0.0", stt::default_udp_port)->port() == stt::default_udp_port);
    for (const char* text : {"", "localhost:1", "1.2.3:4", "[::]:x", "1.2.3.4:70000"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_listen_address(text, stt::default_udp_port));
    }
}

TEST_CASE("an endpoint is printed as it is written") {
    CHECK(to_string(Endpoint{"::1", 5}) == "[::1]:5");
    CHECK(to_string(Endpoint{"host", 5}) == "host:5");
}

TEST_CASE("localhost resolves, and a name that cannot exist is a network error") {
    asio::io_context context;
    const auto run = [&](Endpoint endpoint, bool expected) -> asio::awaitable<void> {
        const auto addresses = co_await resolve(std::move(endpoint));
        CHECK(addresses.has_value() == expected);
        if (!addresses) CHECK(addresses.error().code == ExitCode::network);
        if (addresses) CHECK(addresses->front().port() == 42);
    };
    asio::co_spawn(context, run({"127.0.0.1", 42}, true), asio::detached);
    // RFC 6761 §6.4: .invalid never exists.
    asio::co_spawn(context, run({"no.such.host.invalid", 42}, false), asio::detached);
    context.run();
}
