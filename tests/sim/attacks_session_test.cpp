// A peer that holds the keys, and floods, lies or sends the session elsewhere.
// docs/design/attacks.md.
#include "tests/sim/attack_scene.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ControlMessage;
using wire::DropReason;
using wire::FrameType;

const Address victim = Address::ipv4({203, 0, 113, 5}, 443);

// Records of what the endpoint sent and a peer never acknowledged: see ConnectionConfig.
constexpr std::size_t sent_records_max = 9'728 * kib;

// PINGs until the endpoint has left out a Sequence, which is returned with the last one sent.
struct Skipped {
    std::uint64_t sequence = 0;
    std::uint64_t last = 0;
};
std::optional<Skipped> await_skip(RawPeer& peer) {
    std::uint64_t expected = peer.frames().empty() ? 0 : peer.frames().back().sequence + 1;
    for (int i = 0; i < 5'000; ++i) {
        const std::size_t seen = peer.frames().size();
        peer.send(ControlMessage(wire::Ping{}));
        for (std::size_t j = seen; j < peer.frames().size(); ++j) {
            const std::uint64_t sequence = peer.frames()[j].sequence;
            if (sequence != expected) return Skipped{expected, sequence};
            expected = sequence + 1;
        }
        // Honest so far, and with nothing left out: one range.
        if (i % 8 == 7) peer.acknowledge_all();
    }
    return std::nullopt;
}

TEST_CASE("lesson 1, optimistic ACK: an ACK of what was never sent or was skipped is error 1") {
    SUBCASE("skipped") {
        RawPeer peer(1);
        const auto skipped = await_skip(peer);
        REQUIRE(skipped);
        REQUIRE(!peer.closed());
        peer.acknowledge(skipped->sequence, skipped->last);
        CHECK(violation_code(peer) == 1);
    }
    SUBCASE("never sent, by any distance") {
        for (const std::uint64_t ahead : {1ull, 2ull, 1'000ull, (1ull << 61), ~0ull >> 1}) {
            RawPeer peer(2);
            const std::uint64_t last = peer.frames().back().sequence;
            peer.acknowledge(last + ahead, last + ahead);
            CHECK(violation_code(peer) == 1);
        }
    }
    SUBCASE("acknowledged again and again: no window grows by that") {
        RawPeer peer(3);
        settle(peer);
        const auto window = peer.connection()->statistics(peer.now()).congestion_window;
        for (int i = 0; i < 1'000; ++i) peer.acknowledge_all();
        CHECK(peer.connection()->statistics(peer.now()).congestion_window == window);
        CHECK(is_healthy(peer));
    }
}

TEST_CASE("lesson 2, ACK ranges: gaps and reordering cost a bounded memory, at both ends") {
    RawPeer peer(4);
    settle(peer);
    const std::size_t before = held(peer);
    RawPeer::Frame frame = control_frame(plaintext_of(wire::Pong{}));
    // Each Sequence makes a range of its own; then again below, within the replay window.
    for (std::uint64_t i = 0; i < 4'000; ++i) {
        frame.sequence = 1'000 + 3 * i;
        peer.send(frame);
        if (i % 100 == 0) peer.advance(milliseconds(1));
    }
    const auto acks = peer.messages<wire::Ack>();
    REQUIRE(!acks.empty());
    for (const auto& ack : acks) CHECK(ack.range_count < 64);
    for (std::uint64_t i = 0; i < 1'000; ++i) {
        frame.sequence = 1'000 + 3 * (3'999 - i) + 1;
        peer.send(frame);
    }
    CHECK(held(peer) < before + sent_records_max);
    CHECK(is_healthy(peer));
    // An ACK that claims more ranges than it has bytes is refused before anything is allocated.
    const std::size_t allocated = held(peer);
    std::vector<std::uint8_t> body{0x05, 0x00};  // largest, delay
    body.insert(body.end(), {0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x00});
    std::vector<std::uint8_t> plaintext{0x07, static_cast<std::uint8_t>(body.size())};
    plaintext.insert(plaintext.end(), body.begin(), body.end());
    peer.send(control_frame(plaintext));
    CHECK(violation_code(peer) == 1);
    CHECK(held(peer) < allocated + 64 * kib);
}

// Sends `count` frames, each with as many messages as a datagram holds.
void flood(RawPeer& peer, const ControlMessage& message, std::size_t count) {
    const auto one = plaintext_of(message);
    std::vector<std::uint8_t> plaintext;
    while (plaintext.size() + one.size() <= 1'100) {
        plaintext.insert(plaintext.end(), one.begin(), one.end());
    }
    for (std::size_t i = 0; i < count; ++i) peer.send(control_frame(plaintext));
}

TEST_CASE("lesson 3, PATH_CHALLENGE flood: bounded memory, fewer bytes back, the newest answered") {
    RawPeer peer(5);
    settle(peer);
    const std::size_t before = held(peer);
    std::size_t received = 0;
    for (std::size_t i = 0; i < 200; ++i) {
        flood(peer, wire::PathChallenge{wire::Token{7}}, 10);
        received += 10 * 1'100;
        CHECK(bytes_sent(peer) < received);
        if (i % 20 == 0) peer.advance(milliseconds(1));
    }
    CHECK(peer.messages<wire::PathResponse>().size() <= 4 * 2'000);
    CHECK(held(peer) < before + sent_records_max);
    peer.send(ControlMessage(wire::PathChallenge{wire::Token{9}}));
    const auto answers = peer.messages<wire::PathResponse>();
    REQUIRE(!answers.empty());
    CHECK(answers.back().token == wire::Token{9});
    CHECK(is_healthy(peer));
}

TEST_CASE("attack, PING flood: bounded memory, fewer bytes back, and a stream goes on beside it") {
    RawPeer peer(6);
    peer.send(1, 0, open_of());
    settle(peer);
    const std::size_t before = held(peer);
    std::size_t received = 0;
    for (std::size_t i = 0; i < 200; ++i) {
        flood(peer, wire::Ping{wire::Token{7}}, 10);
        received += 10 * 1'100;
        CHECK(bytes_sent(peer) < received);
        if (i % 20 == 0) peer.advance(milliseconds(1));
    }
    CHECK(held(peer) < before + sent_records_max);
    peer.send_data(1, 0, 0, filler(1'000));
    CHECK(peer.connection()->streams().unread() == 1'000);
    CHECK(is_healthy(peer));
}

TEST_CASE("lesson 9, closes: an address that is not validated gets at most three times its bytes") {
    RawPeer peer(7);
    settle(peer);
    std::size_t received = 0;
    const auto deliver = [&](Bytes bytes) {
        received += bytes.size();
        peer.deliver_from(victim, bytes);
        CHECK(bytes_to(peer, victim) <= 3 * received);
    };
    deliver(sealed(peer, wire::Ping{}));
    // The violation comes from there, and so does everything that asks for the close again.
    deliver(peer.seal(control_frame({0x01})));
    REQUIRE(violation_code(peer) == 1);
    for (int i = 0; i < 200; ++i) deliver(sealed(peer, wire::Ping{}));
    peer.advance(seconds(30));
    CHECK(bytes_to(peer, victim) <= 3 * received);
    CHECK(peer.endpoint().session_count() == 0);
}

TEST_CASE("lesson 10, reassembly: the largest control payload is taken whole, and costs its size") {
    RawPeer peer(8);
    settle(peer);
    const std::size_t before = held(peer);
    // 6,500 PINGs in a frame: a few are answered, the rest has nowhere to wait.
    std::vector<std::uint8_t> plaintext;
    const auto ping = plaintext_of(wire::Ping{wire::Token{3}});
    while (plaintext.size() + ping.size() <= 65'000) {
        plaintext.insert(plaintext.end(), ping.begin(), ping.end());
    }
    peer.send(control_frame(plaintext));
    CHECK(peer.messages<wire::Pong>().size() <= 16);
    // Nothing but unknown kinds without a body.
    plaintext.assign(65'000, 0);
    for (std::size_t i = 0; i < plaintext.size(); i += 2) plaintext[i] = 0x7e;
    peer.send(control_frame(plaintext));
    CHECK(held(peer) < before + 256 * kib);
    CHECK(is_healthy(peer));
}

TEST_CASE("lesson 11, sizes: KEY_ROTATION of any length but its own is error 1") {
    for (std::size_t size = 0; size < 33; ++size) {
        CAPTURE(size);
        RawPeer peer(9);
        std::vector<std::uint8_t> plaintext{0x04, static_cast<std::uint8_t>(size)};
        for (std::size_t i = 0; i < size; ++i) plaintext.push_back(1);
        peer.send(control_frame(plaintext));
        CHECK(violation_code(peer) == 1);
    }
}

TEST_CASE("lesson 33, request forgery: an address that a peer names is never sent anything") {
    RawPeer peer(10);
    settle(peer);
    for (std::uint8_t i = 0; i < 200; ++i) {
        const std::array<std::uint8_t, 6> claimed{203, 0, 113, i, 0x01, 0xbb};
        peer.send(ControlMessage(wire::ObservedAddress{claimed}));
        peer.advance(milliseconds(10));
        peer.acknowledge_all();
    }
    peer.advance(seconds(20));
    for (const auto& datagram : peer.datagrams()) CHECK(datagram.to == peer.address());
    CHECK(is_healthy(peer));
}

TEST_CASE("attack, rotation flood: thousands of epochs hold the memory of three") {
    RawPeer peer(11);
    settle(peer);
    session::RotationNonce nonce{};
    std::size_t before = 0;
    for (std::uint64_t epoch = 1; epoch <= 3'000; ++epoch) {
        nonce.fill(static_cast<std::uint8_t>(epoch));
        peer.announce_epoch(epoch, nonce);
        if (epoch % 10 == 0) peer.acknowledge_all();
        if (epoch == 100) before = held(peer);
        if (epoch % 100 == 0) peer.clear();
    }
    REQUIRE(!peer.closed());
    CHECK(held(peer) < before + 64 * kib);
    CHECK(is_healthy(peer));
    CHECK(peer.connection()->receive_epoch() == 3'000);
}

TEST_CASE("attack, custom frames: a flood of types that nobody handles holds nothing") {
    RawPeer peer(12);
    settle(peer);
    const std::size_t before = held(peer);
    RawPeer::Frame frame;
    frame.plaintext.assign(1'000, 5);
    for (unsigned i = 0; i < 10'000; ++i) {
        frame.type = static_cast<FrameType>(0x06 + i % 250);
        frame.stream = static_cast<std::uint16_t>(i % 5'000);
        peer.send(frame);
        if (i % 100 == 0) {
            peer.acknowledge_all();
            peer.clear();
        }
    }
    // The endpoint caches so many streams' keys, and this peer its own of all.
    CHECK(held(peer) < before + (session::receive_stream_key_count_max + 5'000) * 512);
    CHECK(is_healthy(peer));
}

TEST_CASE(
    "attack, silence: a peer that reads nothing holds what the limits say, and ends by time") {
    connection::EndpointConfig config;
    config.connection.send_buffer_max = 256 * kib;
    RawPeer peer(13, config);
    settle(peer);
    const auto key = peer.connection()->open_stream("x");
    REQUIRE(key);
    const std::size_t before = held(peer);
    std::size_t taken = 0;
    const std::vector<std::uint8_t> chunk(100'000, 1);
    for (int i = 0; i < 100; ++i) {
        const auto written = peer.connection()->write(*key, chunk);
        if (!written) break;
        taken += *written;
        peer.touch();
        peer.advance(milliseconds(20));
        peer.acknowledge_all();  // it hears everything, and gives no credit
    }
    CHECK(taken <= 256 * kib + 65'536);
    std::uint64_t highest = 0;
    for (const RawFrame& frame : peer.frames()) {
        if (frame.type != FrameType::data) continue;
        const auto data = wire::parse_data(frame.plaintext, frame.flags);
        REQUIRE(data);
        highest = std::max(highest, data->offset + data->bytes.size());
    }
    CHECK(highest == 65'536);
    CHECK(held(peer) < before + 512 * kib);
    // Then it is gone without a word.
    peer.advance(seconds(400));
    REQUIRE(peer.closed());
    CHECK(peer.endpoint().session_count() == 0);
}

}  // namespace
}  // namespace stt
