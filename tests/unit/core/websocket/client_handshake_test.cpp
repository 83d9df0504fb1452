#include "core/websocket/client_handshake.hpp"

#include <doctest/doctest.h>

#include "core/websocket/handshake_fields.hpp"
#include "tests/unit/core/websocket/handshake_testing.hpp"

namespace stt::websocket {
namespace {

using State = ClientHandshake::State;

// Gives the key of RFC 6455 §1.3.
class SampleNonce final : public stc::RandomSource {
public:
    void fill(MutableBytes output) noexcept override {
        const std::string_view nonce = "the sample nonce";
        std::copy(nonce.begin(), nonce.end(), output.begin());
    }
};

const Fields good_fields{{"Upgrade", "websocket"},
                         {"Connection", "Upgrade"},
                         {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
                         {"Sec-WebSocket-Protocol", "stt.v1"}};
constexpr std::string_view good_line = "HTTP/1.1 101 Switching Protocols";

ClientHandshakeConfig sample_config() {
    ClientHandshakeConfig config;
    config.host = "server.example.com";
    return config;
}
std::optional<HandshakeFailure> failure_of(std::string_view response) {
    SampleNonce random;
    ClientHandshake handshake(sample_config(), random);
    handshake.handle_received(bytes_of(response));
    CHECK((handshake.state() == State::failed) == handshake.failure().has_value());
    return handshake.failure();
}
std::optional<HandshakeFailure> failure_of(const Fields& fields) {
    return failure_of(head_of(good_line, fields));
}

}  // namespace

TEST_CASE("RFC 6455 §4.1: a client asks for version 13, a subprotocol, and nothing more") {
    SampleNonce random;
    ClientHandshakeConfig config = sample_config();
    CHECK(text_of(ClientHandshake(config, random).request()) ==
          "GET /stt HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
          "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: stt.v1\r\n\r\n");
    config.origin = "http://example.com";
    const ClientHandshake with_origin(config, random);
    CHECK(text_of(with_origin.request()).ends_with("\r\nOrigin: http://example.com\r\n\r\n"));
}

TEST_CASE("RFC 6455 §4.1: the server's answer opens the connection, however it is cut") {
    const std::string response = head_of(good_line, good_fields);
    for (std::size_t cut = 0; cut < response.size(); ++cut) {
        SampleNonce random;
        ClientHandshake handshake(sample_config(), random);
        CHECK(handshake.handle_received(bytes_of(response.substr(0, cut))) == cut);
        REQUIRE(handshake.state() == State::needs_more);
        const std::string rest = response.substr(cut) + "\x82";
        CHECK(handshake.handle_received(bytes_of(rest)) == rest.size() - 1);
        REQUIRE(handshake.state() == State::open);
        CHECK(handshake.status() == 101);
        CHECK(handshake.handle_received(bytes_of("x")) == 0);
    }
    CHECK(!failure_of(head_of("HTTP/1.1 101", good_fields)));
    CHECK(!failure_of(head_of("HTTP/1.1 101 ", good_fields)));
    CHECK(!failure_of(with(good_fields, "Upgrade", "WebSocket")));
    CHECK(!failure_of(with(good_fields, "Connection", "keep-alive, upgrade")));
}

TEST_CASE("RFC 6455 §4.1: what does not answer the request fails") {
    using Failure = HandshakeFailure;
    CHECK(failure_of(with(good_fields, "Upgrade", nullptr)) == Failure::no_upgrade);
    CHECK(failure_of(with(good_fields, "Upgrade", "h2c")) == Failure::no_upgrade);
    CHECK(failure_of(and_also(good_fields, "Upgrade", "websocket")) == Failure::no_upgrade);
    CHECK(failure_of(with(good_fields, "Connection", nullptr)) == Failure::no_upgrade);
    CHECK(failure_of(with(good_fields, "Connection", "close")) == Failure::no_upgrade);
    const std::string_view accept = "Sec-WebSocket-Accept";
    CHECK(failure_of(with(good_fields, accept, nullptr)) == Failure::accept_wrong);
    CHECK(failure_of(with(good_fields, accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOO=")) ==
          Failure::accept_wrong);
    CHECK(failure_of(with(good_fields, accept, "S3PPLMBITXAQ9KYGZZHZRBK+XOO=")) ==
          Failure::accept_wrong);
    CHECK(failure_of(and_also(good_fields, std::string(accept), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) ==
          Failure::accept_wrong);
}

TEST_CASE("protocol §13.2 (a), (h): a client takes stt.v1 and no extension") {
    using Failure = HandshakeFailure;
    const std::string_view name = "Sec-WebSocket-Protocol";
    for (const char* value :
         {static_cast<const char*>(nullptr), "", "stt.v2", "STT.v1", "stt.v1, chat"}) {
        CHECK(failure_of(with(good_fields, name, value)) == Failure::subprotocol_wrong);
    }
    CHECK(failure_of(and_also(good_fields, std::string(name), "stt.v1")) ==
          Failure::subprotocol_wrong);
    CHECK(failure_of(and_also(good_fields, "Sec-WebSocket-Extensions", "permessage-deflate")) ==
          Failure::extension_unasked);
    CHECK(failure_of(and_also(good_fields, "sec-websocket-extensions", "")) ==
          Failure::extension_unasked);
}

TEST_CASE("RFC 9112 §4: another status is a refusal, and what is no status line is no HTTP") {
    SampleNonce random;
    for (const unsigned status : {100u, 102u, 200u, 302u, 400u, 403u, 426u, 503u, 999u}) {
        ClientHandshake handshake(sample_config(), random);
        const std::string line = "HTTP/1.1 " + std::to_string(status) + " Because";
        handshake.handle_received(bytes_of(head_of(line, good_fields)));
        CHECK(handshake.failure() == HandshakeFailure::status);
        CHECK(handshake.status() == status);
    }
    for (const std::string_view line :
         {"HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 10", "HTTP/1.1 1a1 X", "HTTP/1.1 1011", "HTTP/1.1 000",
          "HTTP/1.0 101 X", "HTTP/2 101", "http/1.1 101", "GET /stt HTTP/1.1"}) {
        CAPTURE(line);
        CHECK(failure_of(head_of(line, good_fields)) == HandshakeFailure::response_malformed);
    }
    CHECK(failure_of("\x15\x03\x01\n") == HandshakeFailure::response_malformed);
}

TEST_CASE("a client reads no more of a response than 8,192 bytes, and 64 headers") {
    using Failure = HandshakeFailure;
    CHECK(failure_of("HTTP/1.1 101 " + std::string(9'000, 'x')) == Failure::response_too_long);
    CHECK(failure_of("HTTP/1.1 101 X\r\nX: " + std::string(9'000, 'x')) ==
          Failure::response_too_long);
    Fields many = good_fields;
    while (many.size() < 64) many.emplace_back("X", "y");
    CHECK(!failure_of(many));
    many.emplace_back("X", "y");
    CHECK(failure_of(many) == Failure::response_too_long);
}

TEST_CASE("what a person typed is asked before it becomes a request") {
    ClientHandshakeConfig config = sample_config();
    CHECK(config.is_valid());
    const auto check_refused = [](auto change) {
        ClientHandshakeConfig changed = sample_config();
        change(changed);
        CHECK(!changed.is_valid());
    };
    for (const std::string host : {"", "a b", "a\r\nX: y", "a/b", "user@a"}) {
        check_refused([&](ClientHandshakeConfig& changed) { changed.host = host; });
    }
    for (const std::string path : {"", "stt", "/a b", "/a\r\n", "/a#b", "/\xc3\xa9"}) {
        check_refused([&](ClientHandshakeConfig& changed) { changed.path = path; });
    }
    check_refused(
        [](ClientHandshakeConfig& changed) { changed.path = "/" + std::string(1'024, 'a'); });
    check_refused([](ClientHandshakeConfig& changed) { changed.subprotocol = "a, b"; });
    check_refused([](ClientHandshakeConfig& changed) { changed.subprotocol.clear(); });
    check_refused([](ClientHandshakeConfig& changed) { changed.origin = "a\r\nb"; });
    check_refused([](ClientHandshakeConfig& changed) { changed.origin = ""; });
}

TEST_CASE("protocol §13.2 (a): a client and a server of this code agree, with any key") {
    testing::SeededRandom random(13);
    for (int i = 0; i < 200; ++i) {
        ClientHandshakeConfig config;
        config.host = "[::1]:8080";
        if (i % 2 == 1) config.origin = "http://[::1]:8080";
        ClientHandshake client(config, random);
        ServerHandshake server({});
        CHECK(server.handle_received(client.request()) == client.request().size());
        REQUIRE(server.state() == ServerHandshake::State::upgrade);
        CHECK(client.handle_received(server.response()) == server.response().size());
        REQUIRE(client.state() == State::open);
    }
}

TEST_CASE("every failure of a handshake has a text") {
    for (int i = 0; i <= static_cast<int>(HandshakeFailure::extension_unasked); ++i) {
        CHECK(!description_of(static_cast<HandshakeFailure>(i)).empty());
    }
}

}  // namespace stt::websocket
