#include "core/websocket/server_handshake.hpp"

#include <doctest/doctest.h>

#include "core/websocket/http_response.hpp"
#include "tests/unit/core/websocket/handshake_testing.hpp"

namespace stt::websocket {
namespace {

using State = ServerHandshake::State;

const std::string good = head_of("GET /stt HTTP/1.1", upgrade_fields);

}  // namespace

TEST_CASE("protocol §13.2 (a): version 13 with subprotocol stt.v1 on /stt is accepted") {
    ServerHandshake handshake({});
    const std::string bytes = good + "frames";
    CHECK(handshake.handle_received(bytes_of(bytes)) == good.size());
    CHECK(handshake.state() == State::upgrade);
    CHECK(handshake.status() == 101);
    CHECK(text_of(handshake.response()) ==
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
          "Sec-WebSocket-Protocol: stt.v1\r\n\r\n");
    CHECK(handshake.handle_received(bytes_of("more")) == 0);
}

TEST_CASE("RFC 6455 §4.2.1: a request may be cut anywhere, and every truncation waits") {
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
        CAPTURE(cut);
        ServerHandshake handshake({});
        CHECK(handshake.handle_received(bytes_of(good.substr(0, cut))) == cut);
        CHECK(handshake.state() == State::needs_more);
        CHECK(handshake.response().empty());
        CHECK(handshake.handle_received(bytes_of(good.substr(cut))) == good.size() - cut);
        CHECK(handshake.state() == State::upgrade);
    }
    ServerHandshake slow({});
    for (const char byte : good) {
        CHECK(slow.state() == State::needs_more);
        CHECK(slow.handle_received(bytes_of(std::string_view(&byte, 1))) == 1);
    }
    CHECK(slow.state() == State::upgrade);
}

TEST_CASE("RFC 6455 §4.2.1: Upgrade and Connection are lists, and their words have no case") {
    Fields fields = with(upgrade_fields, "Connection", "keep-alive, ,\tUPGRADE ");
    fields = with(fields, "Upgrade", "h2c, WebSocket");
    CHECK(upgrade_status(fields) == 101);
    fields = and_also(with(fields, "Connection", "keep-alive"), "connection", "upgrade");
    CHECK(upgrade_status(fields) == 101);
    CHECK(upgrade_status(with(fields, "connection", "upgraded")) == 400);
}

TEST_CASE("protocol §13.2 (a): without the subprotocol stt.v1 the answer is 400") {
    const auto status = [](const char* value) {
        return upgrade_status(with(upgrade_fields, "Sec-WebSocket-Protocol", value));
    };
    CHECK(status("stt.v1") == 101);
    CHECK(status("chat, stt.v1,stt.v2") == 101);
    CHECK(status(nullptr) == 400);
    CHECK(status("") == 400);
    CHECK(status("stt.v2") == 400);
    CHECK(status("STT.V1") == 400);
    CHECK(status("stt.v1x") == 400);
    const Fields two = and_also(with(upgrade_fields, "Sec-WebSocket-Protocol", "chat"),
                                "Sec-WebSocket-Protocol", "stt.v1");
    CHECK(upgrade_status(two) == 101);
}

TEST_CASE("protocol §13.2 (h): extensions that are offered are not taken") {
    const Fields fields =
        and_also(upgrade_fields, "Sec-WebSocket-Extensions", "permessage-deflate; x=1");
    const Judged outcome = judged(head_of("GET /stt HTTP/1.1", fields));
    CHECK(outcome.status == 101);
    CHECK(outcome.response.find("Extensions") == std::string::npos);
}

TEST_CASE("protocol §13.2 (a): only the path /stt changes to WebSocket") {
    CHECK(status_of("GET /stt?token=1 HTTP/1.1", upgrade_fields) == 101);
    for (const std::string target : {"/", "/stt/", "/STT", "/st", "/stt2", "/%73tt"}) {
        CHECK(status_of("GET " + target + " HTTP/1.1", upgrade_fields) == 404);
    }
    ServerHandshakeConfig config;
    config.path = "/other";
    CHECK(status_of("GET /other HTTP/1.1", upgrade_fields, config) == 101);
    CHECK(status_of("GET /stt HTTP/1.1", upgrade_fields, config) == 404);
}

TEST_CASE("RFC 6455 §4.4: another version is answered with 426 and the one that there is") {
    for (const char* version : {"12", "8", "013", "13, 8", "", static_cast<const char*>(nullptr)}) {
        const Fields fields = with(upgrade_fields, "Sec-WebSocket-Version", version);
        const Judged outcome = judged(head_of("GET /stt HTTP/1.1", fields));
        CHECK(outcome.status == 426);
        CHECK(outcome.response.find("\r\nSec-WebSocket-Version: 13\r\n") != std::string::npos);
    }
    CHECK(upgrade_status(and_also(upgrade_fields, "Sec-WebSocket-Version", "13")) == 426);
}

TEST_CASE("RFC 6455 §4.2.1: the key is one, and 16 bytes in base64") {
    const auto status = [](const char* key) {
        return upgrade_status(with(upgrade_fields, "Sec-WebSocket-Key", key));
    };
    CHECK(status("AAAAAAAAAAAAAAAAAAAAAA==") == 101);
    CHECK(status("AAAAAAAAAAAAAAAAAAAA") == 400);      // 15 bytes
    CHECK(status("AAAAAAAAAAAAAAAAAAAAAAA=") == 400);  // 17
    CHECK(status("AAAAAAAAAAAAAAAAAAAAAA") == 400);
    CHECK(status("AAAAAAAAAAAAAAAAAAAA*A==") == 400);
    CHECK(status("") == 400);
    CHECK(status(nullptr) == 400);
    CHECK(upgrade_status(
              and_also(upgrade_fields, "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")) == 400);
}

TEST_CASE("RFC 6455 §10.2: a page of this server may connect, one of another only if listed") {
    const auto status = [](const char* origin, const char* host,
                           const ServerHandshakeConfig& config = {}) {
        return upgrade_status(with(with(upgrade_fields, "Host", host), "Origin", origin), config);
    };
    CHECK(status(nullptr, "example.com") == 101);  // no browser
    CHECK(status("http://example.com", "example.com") == 101);
    CHECK(status("https://EXAMPLE.com", "example.COM") == 101);
    CHECK(status("http://example.com:80", "example.com") == 101);
    CHECK(status("http://example.com", "example.com:80") == 101);
    CHECK(status("https://example.com", "example.com:443") == 101);
    CHECK(status("http://example.com:8080", "example.com:8080") == 101);
    CHECK(status("http://[::1]:8080", "[::1]:8080") == 101);
    CHECK(status("http://[::1]", "[::1]:80") == 101);
    for (const char* origin :
         {"http://example.com", "https://example.com:8081", "http://evil.example:8080", "null", "",
          "example.com:8080", "ftp://example.com:8080", "http://example.com:8080/",
          "http://example.com.evil:8080"}) {
        CAPTURE(origin);
        CHECK(status(origin, "example.com:8080") == 403);
    }
    CHECK(status("https://example.com", "example.com:80") == 403);
    ServerHandshakeConfig config;
    config.allowed_origins = {"https://app.example", "https://two.example:444"};
    CHECK(status("https://app.example", "example.com", config) == 101);
    CHECK(status("https://two.example:444", "example.com", config) == 101);
    CHECK(status("http://app.example", "example.com", config) == 403);
    CHECK(status("https://app.example:444", "example.com", config) == 403);
    config.allowed_origins = {"*"};
    CHECK(status("null", "example.com", config) == 101);
    const Fields two = and_also(and_also(upgrade_fields, "Origin", "http://example.com:8080"),
                                "Origin", "http://example.com:8080");
    CHECK(upgrade_status(two) == 400);
}

TEST_CASE("a server that knows its names answers to no other: a name that was rebound is one") {
    ServerHandshakeConfig config;
    config.accepted_hosts = {"example.com", "[::1]"};
    const auto status = [&config](const char* host) {
        return upgrade_status(with(upgrade_fields, "Host", host), config);
    };
    CHECK(status("example.com") == 101);
    CHECK(status("Example.Com:8080") == 101);
    CHECK(status("[::1]:8080") == 101);
    CHECK(status("evil.example") == 421);
    CHECK(status("127.0.0.1") == 421);
    CHECK(status_of("GET / HTTP/1.1", {{"Host", "evil.example"}}, config) == 421);
}

TEST_CASE(
    "protocol §13.3: a stranger sees an HTTP server: a request without upgrade is handed on") {
    ServerHandshake handshake({});
    const std::string request =
        head_of("GET /index.html?a=b HTTP/1.1", {{"Host", "x"}, {"Accept", "text/html"}});
    CHECK(handshake.handle_received(bytes_of(request)) == request.size());
    REQUIRE(handshake.state() == State::http_request);
    CHECK(handshake.response().empty());
    CHECK(handshake.request().method == "GET");
    CHECK(handshake.request().target == "/index.html?a=b");
    CHECK(handshake.request().path == "/index.html");
    CHECK(!handshake.request().is_http_1_0);
    CHECK(handshake.request().headers.size() == 2);
    CHECK(handshake.request().header("accept") == "text/html");
    CHECK(!handshake.request().header("cookie").has_value());

    CHECK(judged(head_of("HEAD / HTTP/1.1", {{"Host", "x"}})).state == State::http_request);
    CHECK(judged(head_of("GET / HTTP/1.0", {})).state == State::http_request);
    CHECK(judged(head_of("GET /stt HTTP/1.1", {{"Host", "x"}})).state == State::http_request);
    // An offer of another protocol is no reason not to answer.
    const Fields other{{"Host", "x"}, {"Upgrade", "h2c"}, {"Connection", "Upgrade"}};
    CHECK(judged(head_of("GET / HTTP/1.1", other)).state == State::http_request);
    const Fields no_body{{"Host", "x"}, {"Content-Length", "0"}};
    CHECK(judged(head_of("GET / HTTP/1.1", no_body)).state == State::http_request);
}

TEST_CASE("RFC 9112 §4: heads of responses close the connection") {
    const HeaderField fields[] = {{"Content-Type", "text/html"}, {"X-A", "b"}};
    CHECK(response_head(200, 5, fields) ==
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n"
          "Content-Type: text/html\r\nX-A: b\r\n\r\n");
    CHECK(response_head(503, 0) ==
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    for (const unsigned status : {101u, 200u, 304u, 400u, 403u, 404u, 405u, 408u, 414u, 421u, 426u,
                                  429u, 431u, 500u, 503u, 505u}) {
        CHECK(reason_phrase_of(status) != "Status");
    }
    CHECK(reason_phrase_of(299) == "Status");
}

}  // namespace stt::websocket
