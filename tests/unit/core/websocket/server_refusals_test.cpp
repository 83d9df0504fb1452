#include <doctest/doctest.h>

#include "tests/unit/core/websocket/handshake_testing.hpp"

namespace stt::websocket {
namespace {

using State = ServerHandshake::State;

unsigned raw_status(std::string_view request) {
    return judged(request).status;
}
std::string with_line(std::string_view line) {
    return "GET /stt HTTP/1.1\r\nHost: x\r\n" + std::string(line) + "\r\n\r\n";
}

}  // namespace

TEST_CASE("RFC 9112 §3: a request line is three words, and its path begins with a slash") {
    const Fields host{{"Host", "x"}};
    for (const std::string_view line : {"GET",
                                        "GET /",
                                        "GET  / HTTP/1.1",
                                        "GET / /a HTTP/1.1",
                                        " GET / HTTP/1.1",
                                        "GET /  HTTP/1.1",
                                        "GET / HTTP/1.1 ",
                                        "G@T / HTTP/1.1",
                                        "GET x HTTP/1.1",
                                        "GET * HTTP/1.1",
                                        "GET http://x/stt HTTP/1.1",
                                        "GET /a#b HTTP/1.1",
                                        "GET /\x7f HTTP/1.1",
                                        "GET /\xc3\xa9 HTTP/1.1",
                                        "GET /a\tb HTTP/1.1",
                                        "GET / http/1.1",
                                        "GET / HTTP/1",
                                        "GET / HTTP/11",
                                        "GET / HTTP/1.10",
                                        "GET / HTTP/a.1"}) {
        CAPTURE(line);
        CHECK(status_of(line, host) == 400);
    }
    for (const std::string_view version : {"0.9", "1.2", "2.0", "3.0"}) {
        CHECK(status_of("GET / HTTP/" + std::string(version), host) == 505);
    }
    CHECK(status_of("GET /stt HTTP/1.0", upgrade_fields) == 505);
}

TEST_CASE("RFC 9110 §15.5.6: methods other than GET and HEAD are told what is allowed") {
    for (const std::string_view method : {"POST", "PUT", "get", "OPTIONS", "CONNECT", "X"}) {
        const Judged outcome =
            judged(head_of(std::string(method) + " / HTTP/1.1", {{"Host", "x"}}));
        CHECK(outcome.status == 405);
        CHECK(outcome.response.find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
    }
    const Judged head = judged(head_of("HEAD /stt HTTP/1.1", upgrade_fields));
    CHECK(head.status == 405);
    CHECK(head.response.find("\r\nAllow: GET\r\n") != std::string::npos);
    // An answer to HEAD has no body.
    CHECK(head.response.ends_with("\r\n\r\n"));
}

TEST_CASE("RFC 9112 §3.2: Host is there once, and is one") {
    CHECK(upgrade_status(with(upgrade_fields, "Host", nullptr)) == 400);
    CHECK(upgrade_status(and_also(upgrade_fields, "host", "example.com:8080")) == 400);
    for (const char* host :
         {"", ":80", "a b", "a/b", "user@a", "a:b", "a:123456", "a\xc3\xa9", "a,b"}) {
        CAPTURE(host);
        CHECK(upgrade_status(with(upgrade_fields, "Host", host)) == 400);
    }
    for (const char* host : {"a", "a:", "1.2.3.4:9", "[fe80::1]", "[::1]:65535", "xn--bcher.de"}) {
        CAPTURE(host);
        CHECK(upgrade_status(with(upgrade_fields, "Host", host)) == 101);
    }
    CHECK(status_of("GET / HTTP/1.0", {{"Host", "a"}, {"Host", "a"}}) == 400);
}

TEST_CASE("RFC 9112 §6: a request with a body is refused") {
    const Fields host{{"Host", "x"}};
    for (const char* size : {"1", "00", "", "-1", "+0", "0, 0", "18446744073709551616"}) {
        CHECK(status_of("GET / HTTP/1.1", and_also(host, "Content-Length", size)) == 400);
    }
    const Fields zero = and_also(host, "Content-Length", "0");
    CHECK(status_of("GET / HTTP/1.1", and_also(zero, "content-length", "0")) == 400);
    CHECK(status_of("GET / HTTP/1.1", and_also(host, "Transfer-Encoding", "chunked")) == 400);
    CHECK(status_of("POST / HTTP/1.1", and_also(host, "Content-Length", "5")) == 400);
    CHECK(upgrade_status(and_also(upgrade_fields, "Content-Length", "1")) == 400);
    CHECK(upgrade_status(and_also(upgrade_fields, "Content-Length", "0")) == 101);
}

TEST_CASE("RFC 9112 §2.2: lines end with CR LF, and neither stands alone") {
    CHECK(raw_status("GET / HTTP/1.1\nHost: x\n\n") == 400);
    CHECK(raw_status("GET / HTTP/1.1\r\nHost: x\n") == 400);
    CHECK(raw_status("GET / HTTP/1.1\rHost: x\r\n\r\n") == 400);
    CHECK(raw_status("GET / HTTP/1.1\r\r\n") == 400);
    CHECK(raw_status("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
    CHECK(raw_status("\n") == 400);
}

TEST_CASE("RFC 9112 §5: a field is a token, a colon and a value without control characters") {
    CHECK(raw_status(with_line("X: y")) == 0);
    CHECK(raw_status(with_line("X:y")) == 0);
    CHECK(raw_status(with_line("X:")) == 0);
    CHECK(raw_status(with_line("X: \t y z \t ")) == 0);
    CHECK(raw_status(with_line("!#$%&'*+-.^_`|~09azAZ: \xc3\xa9")) == 0);
    for (const std::string_view line :
         {"X", ": y", "X : y", " X: y", "\tfolded", " folded: x", "X Y: z", "X(: y", "X\x01: y",
          "\xc3\xa9: y", "X: \x01", "X: a\x7f", "X: a\x1b[0m"}) {
        CAPTURE(line);
        CHECK(raw_status(with_line(line)) == 400);
    }
    CHECK(raw_status(with_line(std::string_view("X: a\0b", 6))) == 400);
}

TEST_CASE("a request line is at most 2,048 bytes: 414") {
    for (const std::size_t size : {2'047u, 2'048u, 2'049u}) {
        const std::string line =
            "GET /" + std::string(size - std::string_view("GET / HTTP/1.1").size(), 'a') +
            " HTTP/1.1";
        CHECK(status_of(line, {{"Host", "x"}}) == (size <= 2'048 ? 0 : 414));
    }
    // Without waiting for its end.
    CHECK(raw_status(std::string(2'049, 'G')) == 414);
}

TEST_CASE("a request head is at most 8,192 bytes: 431") {
    const std::string rest = head_of("GET / HTTP/1.1", {{"Host", "x"}, {"X", ""}});
    for (const std::size_t size : {8'191u, 8'192u, 8'193u}) {
        const std::string head =
            head_of("GET / HTTP/1.1", {{"Host", "x"}, {"X", std::string(size - rest.size(), 'a')}});
        REQUIRE(head.size() == size);
        CHECK(raw_status(head) == (size <= 8'192 ? 0 : 431));
    }
    ServerHandshake endless({});
    const std::string begin = "GET / HTTP/1.1\r\nX: ";
    CHECK(endless.handle_received(bytes_of(begin)) == begin.size());
    CHECK(endless.handle_received(bytes_of(std::string(100'000, 'a'))) == 8'193 - begin.size());
    CHECK(endless.status() == 431);
}

TEST_CASE("a request has at most 64 headers: 431") {
    for (const std::size_t count : {63u, 64u, 65u}) {
        Fields fields{{"Host", "x"}};
        while (fields.size() < count) fields.emplace_back("X", "y");
        CHECK(status_of("GET / HTTP/1.1", fields) == (count <= 64 ? 0 : 431));
    }
}

TEST_CASE("a refusal is a whole response, and the connection closes after it") {
    const Judged outcome = judged(head_of("GET /other HTTP/1.1", upgrade_fields));
    CHECK(outcome.state == State::refused);
    CHECK(outcome.response ==
          "HTTP/1.1 404 Not Found\r\nContent-Length: 14\r\nConnection: close\r\n"
          "Content-Type: text/plain\r\n\r\n404 Not Found\n");
    ServerHandshake handshake({});
    handshake.handle_received(bytes_of("\n"));
    CHECK(handshake.state() == State::refused);
    CHECK(handshake.handle_received(bytes_of("GET / HTTP/1.1\r\n")) == 0);
}

TEST_CASE("a head with a byte changed anywhere is judged, and never both ways") {
    testing::SeededRandom random(12);
    const std::string good = head_of("GET /stt HTTP/1.1", upgrade_fields);
    for (int run = 0; run < 5'000; ++run) {
        std::string bytes = good;
        for (std::uint64_t i = 1 + random.below(3); i > 0; --i) {
            bytes[random.below(bytes.size())] = static_cast<char>(random.next());
        }
        const Judged outcome = judged(bytes);
        const bool has_response = !outcome.response.empty();
        REQUIRE(has_response ==
                (outcome.state == State::upgrade || outcome.state == State::refused));
        REQUIRE((outcome.status == 101) == (outcome.state == State::upgrade));
    }
}

}  // namespace stt::websocket
