#include "cli/target.hpp"

#include <doctest/doctest.h>

#include <stt/failure.hpp>

#include "cli/connect_lines.hpp"

namespace stt::cli {
namespace {

Result<Target, Problem> parse(std::string text, std::string websocket = {}) {
    return parse_target({std::move(text), std::move(websocket)}, {});
}

TEST_CASE("HOST:PORT is UDP, with a WebSocket beside it") {
    const auto target = parse("example.org:7000");
    REQUIRE(target.has_value());
    CHECK(to_string(*target) == "example.org:7000");
    REQUIRE((target->udp && target->websocket));
    CHECK(to_string(*target->websocket) == "ws://example.org:8080");
    CHECK(to_string(*parse("[::1]")->websocket) == "ws://[::1]:8080");
    CHECK_FALSE(parse("example.org", "off")->websocket);
    CHECK(to_string(*parse("example.org", "wss://other:443/stt")->websocket) == "wss://other:443");
}

TEST_CASE("a URL is a WebSocket alone") {
    for (const char* text :
         {"ws://example.org", "ws://example.org/", "ws://example.org:8080/stt"}) {
        const auto target = parse(text);
        REQUIRE(target.has_value());
        CHECK_FALSE(target->udp);
        CHECK(to_string(*target) == "ws://example.org:8080");
    }
    CHECK(parse("wss://example.org")->websocket->is_secure);
    CHECK(parse("wss://[2001:db8::1]:1")->websocket->endpoint.host == "2001:db8::1");
}

TEST_CASE("what is no target is refused with a line that says why") {
    for (const char* text : {"", "http://example.org", "ws://", "ws://h:0", "ws://h:65536",
                             "ws://h/other", "ws://h/stt?x", "ws://me@h", "ws://h:1:2", "WS://h"}) {
        CAPTURE(text);
        const auto target = parse(text);
        REQUIRE_FALSE(target.has_value());
        CHECK(target.error().code == ExitCode::usage);
        CHECK(target.error().text.size() > 20);
    }
    CHECK_FALSE(parse("ws://h", "off").has_value());
    CHECK_FALSE(parse("h", "nonsense").has_value());
    CHECK_FALSE(parse("h", "http://h").has_value());
}

TEST_CASE("each way in which nobody is reached has a line of its own") {
    const auto line = [](const Target& target, std::error_code error) {
        return connect_problem(target, error, 10).text;
    };
    const auto has = [](const std::string& text, std::string_view part) {
        return text.find(part) != std::string::npos;
    };
    const Target both = *parse("h");
    CHECK(has(line(both, Failure::handshake_timeout), "firewall blocks UDP"));
    CHECK(has(line(both, std::make_error_code(std::errc::connection_refused)),
              "ws://h:8080 does not help: connection refused"));
    const Target secure = *parse("wss://h");
    CHECK(has(line(secure, Failure::certificate_refused), "--authorities FILE"));
    CHECK(has(line(secure, Failure::not_a_node), "no node of STT"));
    CHECK(has(line(secure, Failure::handshake_timeout), "its seed is another"));
    CHECK(has(line(secure, std::make_error_code(std::errc::timed_out)), "stays silent"));
    CHECK(has(line(secure, std::make_error_code(std::errc::connection_reset)), "without TLS"));
    CHECK(connect_problem(secure, Failure::not_a_node, 10).code == ExitCode::network);
}

}  // namespace
}  // namespace stt::cli
