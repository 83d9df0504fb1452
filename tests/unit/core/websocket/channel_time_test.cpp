#include <doctest/doctest.h>

#include "tests/unit/core/websocket/channel_testing.hpp"

namespace stt::websocket {
using namespace std::chrono_literals;

TEST_CASE("a peer that was silent for 15 s is asked, and left after 10 s more") {
    for (const Role role : {Role::client, Role::server}) {
        Subject subject(role);
        CHECK(subject.channel.poll_timeout() == Instant{} + 15s);
        subject.advance(14'999'999us);
        CHECK(subject.sent().empty());
        subject.advance(1us);
        const auto frames = subject.sent_frames();
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].header.opcode == Opcode::ping);
        CHECK(subject.channel.poll_timeout() == subject.now + 10s);
        subject.advance(9'999'999us);
        CHECK(subject.closed.empty());
        CHECK(subject.sent().empty());
        subject.advance(1us);
        CHECK(subject.has_closed_with(close_code::abnormal));
        CHECK(!subject.closed[0].is_clean);
        CHECK(subject.channel.should_disconnect(subject.now));
        CHECK(subject.sent().empty());
        CHECK(subject.channel.statistics().pings_sent == 1);
    }
}

TEST_CASE("any byte of the peer counts as a sign of life") {
    Subject subject(Role::server);
    const ByteVector frame = raw({Opcode::binary, ByteVector(100)});
    for (const std::uint8_t byte : frame) {
        subject.advance(14s);
        CHECK(subject.sent().empty());
        subject.receive({byte});
        CHECK(subject.channel.poll_timeout() == subject.now + 15s);
    }
    subject.advance(15s);
    CHECK(subject.sent_frames().size() == 1);
    subject.advance(9s);
    subject.receive_frame(Opcode::pong, {});
    subject.advance(14s);
    CHECK(subject.closed.empty());
    subject.advance(1s);
    CHECK(subject.sent_frames().size() == 1);
}

TEST_CASE("a peer that takes what stood before the ping gets the time for it") {
    Subject subject(Role::client);
    CHECK(subject.channel.write_message(ByteVector(100'000)));
    subject.advance(15s);
    for (int i = 0; i < 10; ++i) {
        subject.channel.on_sent(10'000);
        subject.advance(10s);
        CHECK(subject.closed.empty());
    }
    // The ping has left meanwhile: now the silence counts.
    CHECK(!subject.sent().empty());
    subject.advance(10s);
    CHECK(subject.closed.empty());
    // What is taken behind the ping is no answer to it.
    CHECK(subject.channel.write_message(ByteVector(1'000)));
    CHECK(!subject.sent().empty());
    subject.advance(10s);
    CHECK(subject.has_closed_with(close_code::abnormal));

    Subject stuck(Role::client);
    CHECK(stuck.channel.write_message(ByteVector(100'000)));
    stuck.advance(15s);
    stuck.advance(10s);
    CHECK(stuck.has_closed_with(close_code::abnormal));
    CHECK(stuck.channel.buffered_size() == 0);
}

TEST_CASE("keep-alive can be off, and its times are the configuration's") {
    ChannelConfig config;
    config.ping_interval = 0s;
    Subject off(Role::server, config);
    CHECK(!off.channel.poll_timeout().has_value());
    off.advance(100h);
    CHECK(off.sent().empty());
    CHECK(off.closed.empty());

    config.ping_interval = 3s;
    config.pong_timeout = 2s;
    config.close_timeout = 1s;
    Subject fast(Role::server, config);
    fast.advance(3s);
    CHECK(fast.sent_frames().size() == 1);
    CHECK(fast.channel.poll_timeout() == fast.now + 2s);
    fast.channel.close(fast.now, 1000);
    CHECK(fast.channel.poll_timeout() == fast.now + 1s);
}

TEST_CASE("a silent connection gives back what its messages needed") {
    Subject subject(Role::server);
    subject.receive_frame(Opcode::binary, ByteVector(100'000), true, 5'000);
    CHECK(subject.messages.size() == 1);
    CHECK(subject.channel.write_message(ByteVector(100'000)));
    CHECK(subject.sent().size() > 100'000);
    CHECK(subject.channel.memory_size() > 200'000);
    subject.advance(15s);
    CHECK(subject.channel.memory_size() <= 1'024);
}

}  // namespace stt::websocket
