// What a session does, as its peer sees it on the wire, rule by rule.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <stt/error.hpp>

#include "testing/raw_peer.hpp"
#include "testing/session_pair.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ControlMessage;
using wire::DropReason;
using wire::FrameType;
using wire::StreamControlMessage;

const std::vector<std::uint8_t> many_bytes(4'000'000, 0x62);

RawPeer::Frame frame_of(const ControlMessage& message, std::uint8_t flags = 0) {
    RawPeer::Frame frame;
    frame.flags = flags;
    frame.plaintext.resize(wire::encoded_size(message));
    codec::Writer writer(frame.plaintext);
    wire::write(writer, message);
    return frame;
}

ControlMessage ping() {
    return wire::Ping{{1, 2, 3, 4, 5, 6, 7, 8}};
}

wire::Open open_of(std::uint64_t priority) {
    return {0, priority, 0, bytes_of("raw")};
}

// The flags of the last DATA frame that the endpoint sent.
std::uint8_t data_flags(const RawPeer& peer) {
    const auto& frames = peer.frames();
    const auto last = std::find_if(frames.rbegin(), frames.rend(), [](const RawFrame& frame) {
        return frame.type == FrameType::data;
    });
    REQUIRE(last != frames.rend());
    return last->flags;
}

template <class Message>
std::size_t count_of(const RawPeer& peer) {
    return peer.messages<Message>().size();
}

std::uint64_t data_bytes(const RawPeer& peer) {
    std::uint64_t highest = 0;
    for (const RawFrame& frame : peer.frames()) {
        if (frame.type != FrameType::data) continue;
        const auto data = wire::parse_data(frame.plaintext, frame.flags);
        REQUIRE(data);
        highest = std::max(highest, data->offset + data->bytes.size());
    }
    return highest;
}

// Acknowledges frames that hold nothing but PING, PONG and ACK: all else is lost.
void acknowledge_idle_talk(RawPeer& peer) {
    std::vector<std::uint64_t> sequences;
    for (const RawFrame& frame : peer.frames()) {
        if (frame.type != FrameType::control) continue;
        auto messages = wire::ControlMessages::parse(frame.plaintext);
        REQUIRE(messages);
        bool is_idle = true;
        while (const auto message = messages->next()) {
            is_idle = is_idle && (std::holds_alternative<wire::Ping>(*message) ||
                                  std::holds_alternative<wire::Pong>(*message) ||
                                  std::holds_alternative<wire::Ack>(*message));
        }
        if (is_idle) sequences.push_back(frame.sequence);
    }
    for (const std::uint64_t sequence : sequences) peer.acknowledge(sequence, sequence);
}

// Talks with the endpoint for a while, and loses whatever it says of importance.
void lose_what_matters(RawPeer& peer, Duration time) {
    for (Duration passed{}; passed < time; passed += milliseconds(250)) {
        peer.send(ping());
        peer.advance(milliseconds(250));
        acknowledge_idle_talk(peer);
    }
}

// Takes all that the endpoint has to send, acknowledging as it comes.
void take_all(RawPeer& peer) {
    std::size_t before = 0;
    do {
        before = peer.frames().size();
        peer.acknowledge_all();
        peer.advance(milliseconds(100));
    } while (peer.frames().size() != before);
}

TEST_CASE(
    "protocol §3.4 (c), §10.3 (a): one counter rises by one over all streams, but for a skip "
    "once in 512 to 2,048") {
    RawPeer peer(41);
    peer.send(1, 0, StreamControlMessage(open_of(3)));
    peer.send(3, 0, StreamControlMessage(open_of(3)));
    for (int i = 0; i < 9'000; ++i) {
        if (i % 3 == 0) {
            static_cast<void>(peer.connection()->write(
                {static_cast<std::uint16_t>(i % 2 == 0 ? 1 : 3), 0}, Bytes(many_bytes).first(1)));
            peer.touch();
        }
        peer.send(ping());
        if (i % 10 == 0) peer.acknowledge_all();
    }
    std::vector<std::uint64_t> skipped;
    std::uint64_t expected = peer.frames().front().sequence;
    CHECK(expected == 0);
    for (const RawFrame& frame : peer.frames()) {
        if (frame.sequence == expected + 1) skipped.push_back(expected++);
        REQUIRE(frame.sequence == expected);
        ++expected;
    }
    REQUIRE(skipped.size() > 4);
    for (std::size_t i = 1; i < skipped.size(); ++i) {
        CHECK(skipped[i] - skipped[i - 1] >= 512);
        CHECK(skipped[i] - skipped[i - 1] <= 2'049);
    }
}

TEST_CASE("protocol §3.4 (f): STREAM_END and MESSAGE mean nothing outside DATA") {
    RawPeer peer(42);
    peer.clear();
    peer.send(frame_of(ping(), wire::flag::stream_end | wire::flag::message));
    CHECK(count_of<wire::Pong>(peer) == 1);
    RawPeer::Frame open;
    open.type = FrameType::stream_control;
    open.stream = 1;
    open.flags = wire::flag::stream_end | wire::flag::message;
    open.plaintext = {0x00, 0x01, 0x06, 0x00, 0x03, 0x00, 'r', 'a', 'w'};
    peer.send(open);
    peer.send_data(1, 0, 0, bytes_of("goes on"));
    std::array<std::uint8_t, 16> buffer;
    const auto read = peer.connection()->read(peer.now(), {1, 0}, buffer);
    REQUIRE(read);
    CHECK(read->size == 7);
    CHECK_FALSE(read->is_end);
}

TEST_CASE("protocol §3.5 (c): priorities 0 and 1 are marked high, 6 and 7 low") {
    for (std::uint64_t priority = 0; priority <= 7; ++priority) {
        CAPTURE(priority);
        RawPeer peer(43);
        peer.send(1, 0, StreamControlMessage(open_of(priority)));
        static_cast<void>(peer.connection()->write({1, 0}, bytes_of("x")));
        peer.touch();
        const std::uint8_t marks =
            data_flags(peer) & (wire::flag::priority_high | wire::flag::priority_low);
        CHECK(marks == (priority <= 1   ? wire::flag::priority_high
                        : priority >= 6 ? wire::flag::priority_low
                                        : 0));
    }
}

TEST_CASE("protocol §8.1 PRIORITY: the receiver uses what it is asked for") {
    RawPeer peer(44);
    peer.send(1, 0, StreamControlMessage(open_of(3)));
    peer.send(1, 0, StreamControlMessage(wire::Priority{0}));
    static_cast<void>(peer.connection()->write({1, 0}, bytes_of("x")));
    peer.touch();
    CHECK((data_flags(peer) & wire::flag::priority_high) != 0);
}

TEST_CASE("protocol §4.2 (d): a repeated AUTH_PROOF from elsewhere does not move the path") {
    SessionPair pair(45);
    pair.network.set_recording(true);
    REQUIRE(pair.establish());
    const auto& recorded = pair.network.recorded();
    const auto proof = std::find_if(recorded.begin(), recorded.end(), [](const auto& datagram) {
        return datagram.from == client && datagram.bytes[2] == 0x05;
    });
    REQUIRE(proof != recorded.end());
    const Address before = pair.connection(server).peer();
    const std::vector<std::uint8_t> bytes = proof->bytes;
    pair.network.inject(Address::ipv4({203, 0, 113, 9}, 9), server, bytes);
    pair.network.run_for(seconds(2));
    CHECK(pair.connection(server).peer() == before);
    const stream::StreamKey key = pair.open(server);
    pair.write(server, key, "still here");
    pair.network.run_for(seconds(2));
    CHECK(pair.received(client, key).text == "still here");
}

TEST_CASE("protocol §4.6: states have these numbers") {
    using connection::SessionState;
    CHECK(static_cast<int>(SessionState::active) == 2);
    CHECK(static_cast<int>(SessionState::key_rotating) == 3);
    CHECK(static_cast<int>(SessionState::closing) == 4);
    CHECK(static_cast<int>(SessionState::closed) == 5);
    SessionPair pair(46);
    REQUIRE(pair.establish());
    CHECK(pair.connection(client).state() == SessionState::active);
    pair.close(client, 0, "");
    REQUIRE(pair.has_connection(client));
    CHECK(pair.connection(client).state() == SessionState::closing);
}

TEST_CASE("protocol §5.1 (d): one rotation at a time, and its retransmission has the same nonce") {
    connection::EndpointConfig config;
    config.connection.rotation_frames = 20;
    RawPeer peer(47, config);
    for (int i = 0; i < 100; ++i) peer.send(ping());
    lose_what_matters(peer, seconds(10));
    for (int i = 0; i < 100; ++i) peer.send(ping());
    const auto rotations = peer.messages<wire::KeyRotation>();
    REQUIRE(rotations.size() > 1);
    for (const wire::KeyRotation& rotation : rotations) {
        CHECK(rotation.epoch == 1);
        CHECK(rotation.nonce == rotations.front().nonce);
    }
    CHECK(peer.connection()->state() == connection::SessionState::key_rotating);
    CHECK(peer.frames().back().epoch == 0);
}

TEST_CASE("protocol §8.1 PADDING: padding is ignored, and by itself not acknowledged") {
    RawPeer peer(48);
    peer.advance(seconds(1));
    peer.clear();
    peer.send(ControlMessage(wire::Padding{100}));
    peer.advance(seconds(1));
    CHECK(count_of<wire::Ack>(peer) == 0);
    CHECK_FALSE(peer.closed());
}

TEST_CASE("protocol §8.1 ERROR: it informs, and changes nothing") {
    RawPeer peer(49);
    peer.send(ControlMessage(wire::ErrorNotice{5, bytes_of("only a word")}));
    peer.clear();
    peer.send(ping());
    CHECK(count_of<wire::Pong>(peer) == 1);
    CHECK_FALSE(peer.closed());
}

TEST_CASE(
    "protocol §9.1 (a), §8.1 FLOW_CREDIT: 2,097,152 bytes of a session leave, more when the "
    "total is raised") {
    RawPeer peer(50);
    const auto key = peer.connection()->open_stream("big");
    REQUIRE(key);
    peer.send(key->id, key->use, StreamControlMessage(wire::Credit{std::uint64_t{1} << 40}));
    std::size_t written = 0;
    const auto write_and_take = [&] {
        for (int i = 0; i < 4; ++i) {
            const auto taken = peer.connection()->write(*key, Bytes(many_bytes).subspan(written));
            REQUIRE(taken);
            written += *taken;
            peer.touch();
            take_all(peer);
        }
    };
    write_and_take();
    CHECK(data_bytes(peer) == 2'097'152);
    peer.send(ControlMessage(wire::FlowCredit{2'097'152 + 1'000}));
    write_and_take();
    CHECK(data_bytes(peer) == 2'097'152 + 1'000);
    // A lower one that comes late takes nothing back.
    peer.send(ControlMessage(wire::FlowCredit{5}));
    CHECK_FALSE(peer.closed());
}

TEST_CASE("protocol §8.2 (a): what matters is told until it is acknowledged, and no longer") {
    // To BBR, a path that never delivers what matters has next to no rate.
    connection::EndpointConfig config;
    config.connection.congestion = recovery::CongestionAlgorithm::cubic;
    RawPeer peer(51, config);
    peer.send(1, 0, StreamControlMessage(open_of(3)));
    const auto key = peer.connection()->open_stream("mine");
    const auto other = peer.connection()->open_stream("other");
    REQUIRE(key);
    REQUIRE(other);
    static_cast<void>(peer.connection()->write(*key, bytes_of("bytes")));
    peer.connection()->finish(*key);
    peer.connection()->reset(*other, 300);
    peer.connection()->stop(peer.now(), {1, 0}, 301);
    peer.touch();
    // It is lost, and comes again and again.
    for (int round = 0; round < 3; ++round) {
        peer.clear();
        lose_what_matters(peer, seconds(10));
        CHECK(count_of<wire::Open>(peer) >= 2);
        CHECK(count_of<wire::Reset>(peer) >= 1);
        CHECK(count_of<wire::Stop>(peer) >= 1);
        CHECK((data_flags(peer) & wire::flag::stream_end) != 0);
    }
    take_all(peer);
    peer.clear();
    lose_what_matters(peer, seconds(10));
    CHECK(count_of<wire::Open>(peer) == 0);
    CHECK(count_of<wire::Reset>(peer) == 0);
    CHECK(count_of<wire::Stop>(peer) == 0);
    CHECK(data_bytes(peer) == 0);
}

TEST_CASE("protocol §8.2 (b): PONG and PATH_RESPONSE are not told again") {
    RawPeer peer(52);
    peer.send(ping());
    peer.send(ControlMessage(wire::PathChallenge{{7}}));
    peer.advance(seconds(20));
    CHECK(count_of<wire::Pong>(peer) == 1);
    CHECK(count_of<wire::PathResponse>(peer) == 1);
}

TEST_CASE("protocol §8.3 (e): the next use ends the older stream, whose bytes stay readable") {
    RawPeer peer(53);
    peer.send(1, 0, StreamControlMessage(open_of(3)));
    peer.send_data(1, 0, 0, bytes_of("old"));
    // DATA of the next use overtakes its OPEN: the older one ends, the newer one waits.
    peer.send_data(1, 1, 0, bytes_of("new"));
    REQUIRE(peer.connection() != nullptr);
    std::array<std::uint8_t, 16> buffer;
    const auto old_bytes = peer.connection()->read(peer.now(), {1, 0}, buffer);
    REQUIRE(old_bytes);
    CHECK(old_bytes->size == 3);
    peer.send(1, 1, StreamControlMessage(open_of(3)));
    const auto new_bytes = peer.connection()->read(peer.now(), {1, 1}, buffer);
    REQUIRE(new_bytes);
    CHECK(text_of(Bytes(buffer).first(new_bytes->size)) == "new");
}

TEST_CASE("protocol §8.4: codes have these numbers") {
    const std::array<ErrorCode, 9> codes{
        ErrorCode::none,      ErrorCode::protocol, ErrorCode::crypto,
        ErrorCode::session,   ErrorCode::stream,   ErrorCode::flow_control,
        ErrorCode::transport, ErrorCode::refused,  ErrorCode::timeout};
    for (std::size_t i = 0; i < codes.size(); ++i) {
        CHECK(static_cast<std::uint64_t>(codes[i]) == i);
    }
    CHECK(static_cast<std::uint64_t>(ErrorCode::internal) == 255);
}

TEST_CASE(
    "protocol §12.3 (b)(c): who is told of the end says so once at most, then nothing, and "
    "forgets the keys") {
    RawPeer peer(54);
    const auto close = frame_of(ControlMessage(wire::SessionClose{256, bytes_of("enough")}));
    peer.clear();
    peer.send(close);
    CHECK(count_of<wire::SessionClose>(peer) <= 1);
    peer.clear();
    for (int i = 0; i < 20; ++i) peer.send(i % 2 == 0 ? frame_of(ping()) : close);
    CHECK(peer.datagrams().empty());
    peer.advance(seconds(30));
    CHECK(peer.datagrams().empty());
    CHECK(peer.connection() == nullptr);
    CHECK(peer.endpoint().session_count() == 0);
    const std::uint64_t before = peer.drops(DropReason::session_unknown);
    peer.send(ping());
    CHECK(peer.drops(DropReason::session_unknown) == before + 1);
    CHECK(peer.datagrams().empty());
}

TEST_CASE("protocol §13.1 (b): full datagrams of a burst have one size, whatever they say") {
    RawPeer peer(55);
    const auto key = peer.connection()->open_stream("burst");
    REQUIRE(key);
    peer.send(key->id, key->use, StreamControlMessage(wire::Credit{std::uint64_t{1} << 30}));
    // Offsets that take 1, 2 and 3 bytes lie within it.
    static_cast<void>(peer.connection()->write(*key, Bytes(many_bytes).first(200'000)));
    peer.touch();
    take_all(peer);
    std::set<std::size_t> sizes;
    for (const auto& datagram : peer.datagrams()) {
        if (datagram.bytes.size() > 1'100) sizes.insert(datagram.bytes.size());
    }
    CHECK(sizes.size() <= 2);  // before and after the path's MTU was found
}

}  // namespace
}  // namespace stt
