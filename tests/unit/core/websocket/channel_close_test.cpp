#include <doctest/doctest.h>

#include "tests/unit/core/websocket/channel_testing.hpp"

namespace stt::websocket {
using namespace std::chrono_literals;

TEST_CASE("RFC 6455 §5.5.1: a close frame is answered with its code, and the connection is over") {
    for (const Role role : {Role::client, Role::server}) {
        Subject subject(role);
        subject.receive_frame(Opcode::close, close_body(3'333, "so long"), true, 1);
        REQUIRE(subject.has_closed_with(3'333));
        CHECK(subject.closed[0].is_clean);
        CHECK(subject.closed[0].reason == "so long");
        CHECK(!subject.channel.is_open());
        CHECK(!subject.channel.should_disconnect(subject.now));
        const auto frames = subject.sent_frames();
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].header.opcode == Opcode::close);
        CHECK(frames[0].payload == close_body(3'333));
        // RFC 6455 §7.1.1: the server ends TCP first, the client only when that takes too long.
        CHECK(subject.channel.should_disconnect(subject.now) == (role == Role::server));
        CHECK(!subject.channel.should_disconnect(subject.now + 4'999ms) == (role == Role::client));
        CHECK(subject.channel.poll_timeout() == subject.now + 5s);
        CHECK(subject.channel.should_disconnect(subject.now + 5s));
        subject.receive_frame(Opcode::binary, vector_of("late"));
        subject.receive_frame(Opcode::ping, {});
        subject.channel.handle_disconnected();
        subject.drain();
        CHECK(subject.messages.empty());
        CHECK(subject.closed.size() == 1);
        CHECK(subject.sent().empty());
        CHECK(subject.channel.should_disconnect(subject.now));
    }
}

TEST_CASE("RFC 6455 §7.1.5: a close frame without a body is code 1005, and answered without one") {
    Subject subject(Role::server);
    subject.receive_frame(Opcode::close, {});
    CHECK(subject.has_closed_with(close_code::none));
    CHECK(subject.closed[0].is_clean);
    CHECK(subject.sent() == ByteVector{0x88, 0x00});
}

TEST_CASE("RFC 6455 §5.5.1: a body of one byte, and a code that may not be sent, are errors") {
    for (unsigned code = 0; code <= 0xffff; ++code) {
        const bool is_good = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                             (code >= 3000 && code <= 4999);
        REQUIRE(is_close_code_for_wire(static_cast<std::uint16_t>(code)) == is_good);
        const bool is_edge = code % 1'000 < 20 || code % 1'000 > 997;
        if (!is_edge) continue;
        Subject subject(Role::server);
        subject.receive_frame(Opcode::close, close_body(static_cast<std::uint16_t>(code)));
        REQUIRE(subject.closed.size() == 1);
        REQUIRE(subject.closed[0].is_clean == is_good);
        REQUIRE(subject.closed[0].code == (is_good ? code : 1002));
    }
    Subject subject(Role::client);
    subject.receive_frame(Opcode::close, {3});
    CHECK(subject.has_failed_with(1002));
}

TEST_CASE("RFC 6455 §5.5.1: a reason is UTF-8, else 1007, and at most 123 bytes") {
    Subject longest(Role::server);
    longest.receive_frame(Opcode::close, close_body(1000, std::string(123, 'r')));
    CHECK(longest.closed[0].reason == std::string(123, 'r'));
    for (const std::string_view reason : {"\xff", "x\xc3", "\xed\xa0\x80", "\xc0\x80"}) {
        Subject subject(Role::server);
        subject.receive_frame(Opcode::close, close_body(1000, reason));
        CHECK(subject.has_failed_with(1007));
    }
}

TEST_CASE("RFC 6455 §7.1.2: after a close frame of our own nothing counts but the peer's") {
    for (const Role role : {Role::client, Role::server}) {
        Subject subject(role);
        subject.receive_frame(Opcode::binary, vector_of("begun"), false);
        CHECK(subject.channel.write_message(vector_of("before")));
        subject.channel.close(subject.now, 1001, "bye");
        subject.channel.close(subject.now, 1000, "twice");
        const auto frames = subject.sent_frames();
        REQUIRE(frames.size() == 2);
        CHECK(frames[1].payload == close_body(1001, "bye"));
        CHECK(!subject.channel.is_open());
        CHECK(!subject.channel.should_disconnect(subject.now));
        subject.receive_frame(Opcode::continuation, vector_of("ignored"));
        subject.receive_frame(Opcode::binary, ByteVector(200'000));
        subject.receive_frame(Opcode::text, vector_of("\xff"));
        subject.receive_frame(Opcode::ping, vector_of("?"));
        CHECK(subject.messages.empty());
        CHECK(subject.closed.empty());
        CHECK(subject.sent().empty());
        subject.receive_frame(Opcode::close, close_body(1001));
        REQUIRE(subject.has_closed_with(1001));
        CHECK(subject.closed[0].is_clean);
        CHECK(subject.sent().empty());
        CHECK(subject.channel.should_disconnect(subject.now) == (role == Role::server));
    }
}

TEST_CASE("protocol §13.2 (g): a peer that does not answer a close frame is left after 5 seconds") {
    Subject subject(Role::client);
    subject.channel.close(subject.now, 1000);
    CHECK(subject.sent_frames().size() == 1);
    CHECK(subject.channel.poll_timeout() == subject.now + 5s);
    subject.advance(4'999'999us);
    CHECK(subject.closed.empty());
    subject.advance(1us);
    CHECK(subject.has_closed_with(close_code::abnormal));
    CHECK(!subject.closed[0].is_clean);
    CHECK(subject.channel.should_disconnect(subject.now));
}

TEST_CASE("RFC 6455 §7.1.7: what breaks a rule while closing ends it, without a second frame") {
    Subject subject(Role::server);
    subject.channel.close(subject.now, 1000);
    CHECK(subject.sent_frames().size() == 1);
    subject.receive({0xff});
    CHECK(subject.has_closed_with(1002));
    CHECK(subject.sent().empty());
    CHECK(subject.channel.should_disconnect(subject.now));
}

TEST_CASE("RFC 6455 §7.1.5: a connection that breaks off is code 1006") {
    for (const bool is_closing : {false, true}) {
        Subject subject(Role::server);
        CHECK(subject.channel.write_message(vector_of("lost")));
        if (is_closing) subject.channel.close(subject.now, 1000);
        subject.channel.handle_disconnected();
        subject.drain();
        CHECK(subject.has_closed_with(close_code::abnormal));
        CHECK(subject.channel.buffered_size() == 0);
        CHECK(subject.channel.should_disconnect(subject.now));
        subject.advance(1h);
        CHECK(subject.closed.size() == 1);
    }
}

TEST_CASE("RFC 6455 §5.5.1: two that close at once are both clean") {
    Subject client(Role::client);
    Subject server(Role::server);
    client.channel.close(client.now, 1000);
    server.channel.close(server.now, 1001);
    const ByteVector to_server = client.sent();
    client.receive(server.sent());
    server.receive(to_server);
    CHECK(client.has_closed_with(1001));
    CHECK(server.has_closed_with(1000));
    CHECK((client.closed[0].is_clean && server.closed[0].is_clean));
    CHECK((client.sent().empty() && server.sent().empty()));
}

TEST_CASE("RFC 6455 §5.5.1: a reason is cut where a close frame ends, not within a character") {
    for (const std::size_t lead : {120u, 121u, 122u, 123u, 124u}) {
        Subject subject(Role::server);
        const std::string reason = std::string(lead, 'r') + "\U0001f600";
        subject.channel.close(subject.now, 1000, reason);
        const auto frames = subject.sent_frames();
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].payload ==
              close_body(1000, std::string(std::min<std::size_t>(lead, 123), 'r')));
    }
    Subject subject(Role::server);
    const std::string fits = std::string(119, 'r') + "\U0001f600";
    subject.channel.close(subject.now, 1000, fits);
    CHECK(subject.sent_frames()[0].payload == close_body(1000, fits));
}

TEST_CASE("RFC 6455 §7.1.1: a close frame that the peer does not take holds nobody for long") {
    Subject subject(Role::server);
    subject.receive({0xff});
    CHECK(subject.closed.size() == 1);
    CHECK(!subject.channel.should_disconnect(subject.now));
    CHECK(!subject.channel.should_disconnect(subject.now + 4'999ms));
    CHECK(subject.channel.poll_timeout() == subject.now + 5s);
    CHECK(subject.channel.should_disconnect(subject.now + 5s));
}

}  // namespace stt::websocket
