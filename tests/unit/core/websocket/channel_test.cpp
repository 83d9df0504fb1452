#include <doctest/doctest.h>

#include "tests/unit/core/websocket/channel_testing.hpp"

namespace stt::websocket {
namespace {

// Receives a message of `size` bytes in `count` frames of equal size and the rest.
void receive_fragments(Subject& subject, std::size_t size, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t part = i + 1 < count ? size / count : size - size / count * (count - 1);
        subject.receive_frame(i == 0 ? Opcode::binary : Opcode::continuation, ByteVector(part, 9),
                              i + 1 == count);
    }
}

}  // namespace

TEST_CASE("RFC 6455 §5.7: a message whole in what was received is given out where it lies") {
    for (const Role role : {Role::client, Role::server}) {
        Subject subject(role);
        ByteVector bytes = raw({Opcode::binary, vector_of("Hello"), true, role == Role::server});
        subject.channel.handle_received(subject.now, bytes);
        subject.drain();
        REQUIRE(subject.messages.size() == 1);
        CHECK(subject.messages[0] == vector_of("Hello"));
        CHECK(subject.places[0] == bytes.data() + bytes.size() - 5);
        CHECK(subject.channel.memory_size() == 0);
    }
}

TEST_CASE("RFC 6455 §5.4: a message in fragments is put together, also empty ones") {
    for (const Role role : {Role::client, Role::server}) {
        for (const std::size_t piece_size : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
            Subject subject(role);
            subject.receive_frame(Opcode::binary, vector_of("He"), false, piece_size);
            CHECK(subject.messages.empty());
            subject.receive_frame(Opcode::continuation, {}, false, piece_size);
            subject.receive_frame(Opcode::continuation, vector_of("llo"), false, piece_size);
            subject.receive_frame(Opcode::continuation, {}, true, piece_size);
            subject.receive_frame(Opcode::binary, {}, true, piece_size);
            subject.receive_frame(Opcode::binary, {}, false, piece_size);
            subject.receive_frame(Opcode::continuation, vector_of("!"), true, piece_size);
            const std::vector<ByteVector> expected{vector_of("Hello"), {}, vector_of("!")};
            CHECK(subject.messages == expected);
            CHECK(subject.closed.empty());
            CHECK(subject.channel.statistics().messages_received == 3);
        }
    }
}

TEST_CASE("RFC 6455 §5.5: control frames may stand between the fragments of a message") {
    Subject subject(Role::server);
    subject.receive_frame(Opcode::binary, vector_of("a"), false, 1);
    subject.receive_frame(Opcode::ping, vector_of("now"), true, 1);
    subject.receive_frame(Opcode::pong, vector_of("what"), true, 1);
    subject.receive_frame(Opcode::continuation, vector_of("b"), true, 1);
    CHECK(subject.messages == std::vector<ByteVector>{vector_of("ab")});
    const auto frames = subject.sent_frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].header.opcode == Opcode::pong);
    CHECK(frames[0].payload == vector_of("now"));
}

TEST_CASE("RFC 6455 §5.4: a continuation needs a beginning, and a message an end") {
    for (const bool is_final : {false, true}) {
        Subject subject(Role::server);
        subject.receive_frame(Opcode::continuation, vector_of("x"), is_final);
        CHECK(subject.has_failed_with(1002));
        Subject other(Role::client);
        other.receive_frame(Opcode::binary, vector_of("x"), false);
        other.receive_frame(Opcode::binary, vector_of("y"), is_final);
        CHECK(other.messages.empty());
        CHECK(other.has_failed_with(1002));
    }
}

TEST_CASE("protocol §13.2 (b): a text message closes with 1003, before its payload is there") {
    for (const Role role : {Role::client, Role::server}) {
        Subject subject(role);
        const ByteVector frame =
            raw({Opcode::text, vector_of("Hello"), true, role == Role::server});
        subject.receive({frame.begin(), frame.end() - 5});
        CHECK(subject.messages.empty());
        CHECK(subject.has_failed_with(1003));
    }
}

TEST_CASE(
    "protocol §13.2 (e): messages are at most 131,072 bytes, else 1009, by their header alone") {
    for (const std::size_t size : {131'071u, 131'072u, 131'073u}) {
        Subject subject(Role::server);
        ByteVector frame = raw({Opcode::binary, ByteVector(size, 7)});
        if (size <= 131'072) {
            subject.receive(frame, 10'000);
            REQUIRE(subject.messages.size() == 1);
            CHECK(subject.messages[0] == ByteVector(size, 7));
            continue;
        }
        frame.resize(frame_header_size_max);
        subject.receive(frame);
        CHECK(subject.has_failed_with(1009));
        // One close frame; nothing was made ready for the message.
        CHECK(subject.channel.memory_size() <= 1'024);
    }
}

TEST_CASE("protocol §13.2 (e): the fragments of a message are at most 131,072 bytes together") {
    for (const std::size_t count : {2u, 3u, 1'000u}) {
        for (const std::size_t size : {131'071u, 131'072u, 131'073u}) {
            Subject subject(Role::client);
            receive_fragments(subject, size, count);
            CHECK(subject.messages.size() == (size <= 131'072 ? 1 : 0));
            CHECK(subject.has_failed_with(1009) == (size > 131'072));
            CHECK(subject.channel.memory_size() <= 2 * 131'072 + 1'024);
        }
    }
}

TEST_CASE("RFC 6455 §10.4: a length of 63 bits is refused, after any beginning") {
    Subject subject(Role::client);
    subject.receive_frame(Opcode::binary, vector_of("x"), false);
    subject.receive({0x80, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
    CHECK(subject.has_failed_with(1009));
}

TEST_CASE("protocol §13.2 (e): the limit of messages can be set while the connection is open") {
    for (const std::size_t size : {2'047u, 2'048u, 2'049u}) {
        Subject subject(Role::server);
        subject.channel.set_message_size_max(2'048);
        subject.receive_frame(Opcode::binary, ByteVector(size));
        CHECK(subject.messages.size() == (size <= 2'048 ? 1 : 0));
        CHECK(subject.has_failed_with(1009) == (size > 2'048));
    }
    Subject subject(Role::server);
    subject.channel.set_message_size_max(2'048);
    subject.receive_frame(Opcode::binary, ByteVector(2'000), false);
    subject.channel.set_message_size_max(131'072);
    subject.receive_frame(Opcode::continuation, ByteVector(100'000), false);
    subject.channel.set_message_size_max(1'000);
    CHECK(subject.closed.empty());
    // What is written has the configuration's limit.
    CHECK(subject.channel.write_message(ByteVector(131'072)));
    subject.receive_frame(Opcode::continuation, {}, true);
    CHECK(subject.has_failed_with(1009));
}

TEST_CASE("RFC 6455 §5.2: what is no frame closes with 1002, wherever it is cut") {
    const std::vector<ByteVector> faults{{0xc2, 0x80},       {0x83, 0x80},         {0x8b, 0x80},
                                         {0x09, 0x80},       {0x89, 0xfe, 0, 126}, {0x82, 0x05},
                                         {0x82, 0xfe, 0, 5}, {0x82, 0xff, 0x80}};
    for (const ByteVector& fault : faults) {
        for (const std::size_t piece_size : {std::size_t{1}, SIZE_MAX}) {
            CAPTURE(fault);
            Subject subject(Role::server);
            ByteVector bytes = raw({Opcode::binary, vector_of("good")});
            bytes.insert(bytes.end(), fault.begin(), fault.end());
            const ByteVector after = raw({Opcode::binary, vector_of("never")});
            bytes.insert(bytes.end(), after.begin(), after.end());
            subject.receive(bytes, piece_size);
            CHECK(subject.messages == std::vector<ByteVector>{vector_of("good")});
            CHECK(subject.has_failed_with(1002));
        }
    }
}

TEST_CASE("RFC 6455 §5.5.2: a ping is answered with its own bytes, up to 125") {
    for (const Role role : {Role::client, Role::server}) {
        for (const std::size_t size : {0u, 1u, 124u, 125u}) {
            Subject subject(role);
            subject.receive_frame(Opcode::ping, ByteVector(size, 0xfe), true, 1);
            const auto frames = subject.sent_frames();
            REQUIRE(frames.size() == 1);
            CHECK(frames[0].header.opcode == Opcode::pong);
            CHECK(frames[0].payload == ByteVector(size, 0xfe));
            CHECK(frames[0].header.key.has_value() == (role == Role::client));
            CHECK(subject.channel.statistics().pings_received == 1);
        }
    }
}

TEST_CASE("RFC 6455 §5.5.3: of the pings of a peer that does not read the newest is answered") {
    Subject subject(Role::server);
    for (unsigned i = 0; i < 1'000; ++i) {
        ByteVector payload(125);
        payload[0] = static_cast<std::uint8_t>(i >> 8);
        payload[1] = static_cast<std::uint8_t>(i);
        subject.receive_frame(Opcode::ping, payload);
        CHECK(subject.channel.buffered_size() <= 16 * (125 + 2));
    }
    // Sixteen in the order in which they came.
    auto frames = subject.sent_frames();
    REQUIRE(frames.size() == 16);
    for (unsigned i = 0; i < frames.size(); ++i) CHECK(frames[i].payload[1] == i);
    frames = subject.sent_frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].payload[0] == 999 >> 8);
    CHECK(frames[0].payload[1] == (999 & 0xff));
    CHECK(subject.sent().empty());
    CHECK(subject.channel.statistics().pings_unanswered == 1'000 - 17);
    subject.receive_frame(Opcode::ping, {});
    CHECK(subject.sent_frames().size() == 1);
}

TEST_CASE("RFC 6455 §5.5.3: a peer that reads byte by byte does not make its answers grow") {
    Subject subject(Role::server);
    for (int i = 0; i < 2'000; ++i) {
        subject.receive_frame(Opcode::ping, ByteVector(125));
        subject.channel.on_sent(1);
        CHECK(subject.channel.buffered_size() <= 16 * (125 + 2));
    }
}

TEST_CASE("RFC 6455 §5.5.3: a pong that nobody asked for is ignored") {
    Subject subject(Role::client);
    subject.receive_frame(Opcode::pong, vector_of("?"));
    CHECK(subject.sent().empty());
    CHECK(subject.closed.empty());
    CHECK(subject.channel.statistics().pongs_received == 1);
}

TEST_CASE(
    "protocol §13.2 (c): what is written leaves as one binary frame; a client masks it anew") {
    for (const Role role : {Role::client, Role::server}) {
        Subject subject(role);
        const ByteVector data(70'000, 1);
        for (int i = 0; i < 100; ++i) CHECK(subject.channel.write_message(data));
        CHECK(subject.channel.write_ping(vector_of("p")));
        CHECK(subject.channel.write_text("t"));
        const auto frames = subject.sent_frames();
        REQUIRE(frames.size() == 102);
        for (int i = 0; i < 100; ++i) {
            const auto& frame = frames[static_cast<std::size_t>(i)];
            CHECK(frame.header.opcode == Opcode::binary);
            CHECK(frame.header.is_final);
            CHECK(frame.payload == data);
            CHECK(frame.header.key.has_value() == (role == Role::client));
            if (i > 0 && role == Role::client) {
                CHECK(frame.header.key != frames[static_cast<std::size_t>(i - 1)].header.key);
            }
        }
        CHECK(frames[100].header.opcode == Opcode::ping);
        CHECK(frames[101].header.opcode == Opcode::text);
    }
}

TEST_CASE("protocol §13.2 (d), (e): nothing is written that the peer would refuse") {
    Subject subject(Role::client);
    CHECK(subject.channel.write_message(ByteVector(131'072)));
    CHECK(subject.channel.write_message(ByteVector(131'073)).error() ==
          WriteError::message_too_long);
    CHECK(subject.channel.write_text(std::string(131'073, 'x')).error() ==
          WriteError::message_too_long);
    CHECK(subject.channel.write_ping(ByteVector(125)));
    CHECK(subject.channel.write_ping(ByteVector(126)).error() == WriteError::message_too_long);
    subject.channel.close(subject.now, 1000);
    CHECK(subject.channel.write_message({}).error() == WriteError::closed);
    CHECK(subject.channel.write_text({}).error() == WriteError::closed);
    CHECK(subject.channel.write_ping({}).error() == WriteError::closed);
}

TEST_CASE("a slow reader gets every byte once, and the output's storage is used again") {
    testing::SeededRandom random(11);
    Subject subject(Role::server);
    ByteVector read;
    ByteVector expected;
    std::uint64_t count = 0;
    std::size_t memory_max = 0;
    while (count < 3'000) {
        // A writer that stops at 64 KiB.
        while (subject.channel.buffered_size() < 65'536) {
            ByteVector data(random.below(3'000));
            random.fill(data);
            CHECK(subject.channel.write_message(data));
            const ByteVector frame = raw({Opcode::binary, data, true, false});
            expected.insert(expected.end(), frame.begin(), frame.end());
            ++count;
        }
        const Bytes waiting = subject.channel.poll_transmit();
        const auto size = static_cast<std::size_t>(random.between(1, 1'500));
        read.insert(read.end(), waiting.begin(),
                    waiting.begin() + static_cast<std::ptrdiff_t>(size));
        subject.channel.on_sent(size);
        memory_max = std::max(memory_max, subject.channel.memory_size());
    }
    const ByteVector rest = subject.sent();
    read.insert(read.end(), rest.begin(), rest.end());
    CHECK(read == expected);
    CHECK(memory_max <= 4 * 65'536);
    CHECK(subject.channel.statistics().bytes_sent == expected.size());
    CHECK(subject.channel.statistics().messages_sent == count);
}

TEST_CASE("RFC 6455 §8.1: text that is accepted is judged at its first bad byte") {
    ChannelConfig config;
    config.accepts_text = true;
    Subject good(Role::server, config);
    const ByteVector text = vector_of("κόσμε \U0001f600");
    good.receive_frame(Opcode::text, text, true, 1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        good.receive_frame(i == 0 ? Opcode::text : Opcode::continuation, {text[i]},
                           i + 1 == text.size());
    }
    CHECK(good.messages == std::vector<ByteVector>{text, text});
    for (const std::string_view bad :
         {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xe0\x9f\xbf", "\xff"}) {
        Subject subject(Role::server, config);
        // Much of the message is missing, and the code is there.
        subject.receive_frame(Opcode::text, vector_of("\xce\xba"), false);
        subject.receive_frame(Opcode::continuation, vector_of(bad), false, 1);
        CHECK(subject.has_failed_with(1007));
    }
    Subject open(Role::server, config);
    open.receive_frame(Opcode::text, vector_of("\xce"), true);
    CHECK(open.has_failed_with(1007));
}

}  // namespace stt::websocket
