// An authenticated peer that breaks the rules: the session ends with the code that they name, or
// nothing happens at all. Spec protocol §3, §5.2, §7 to §11.
#include <doctest/doctest.h>

#include <algorithm>

#include "testing/raw_peer.hpp"

namespace stt {
namespace {

using namespace testing;
using connection::CloseCause;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::ControlMessage;
using wire::DropReason;
using wire::FrameType;

// How the endpoint ended the session; it also told this peer so.
std::optional<std::uint64_t> violation_code(RawPeer& peer) {
    const auto closed = peer.closed();
    if (!closed) return std::nullopt;
    CHECK(closed->cause == CloseCause::violation);
    const auto told = peer.messages<wire::SessionClose>();
    REQUIRE(!told.empty());
    CHECK(told.back().code == closed->code);
    return closed->code;
}

bool is_healthy(RawPeer& peer) {
    if (peer.closed() || peer.connection() == nullptr) return false;
    peer.clear();
    const wire::Token token{1, 2, 3, 4, 5, 6, 7, 8};
    peer.send(ControlMessage(wire::Ping{token}));
    const auto pongs = peer.messages<wire::Pong>();
    return pongs.size() == 1 && pongs.front().token == token;
}

wire::Open open_of(std::uint64_t kind = 0) {
    return {kind, 3, 0, bytes_of("raw")};
}

const std::vector<std::uint8_t> some_bytes(100, 0x61);

Bytes bytes(std::size_t size) {
    static const std::vector<std::uint8_t> all(65'000, 0x62);
    return Bytes(all).first(size);
}

// Sends `size` bytes of a stream from `offset` on, in frames of up to 1,100.
void send_stretch(RawPeer& peer, std::uint16_t stream, std::uint64_t offset, std::uint64_t size) {
    while (size > 0) {
        const std::size_t chunk = static_cast<std::size_t>(std::min<std::uint64_t>(size, 1'100));
        peer.send_data(stream, 0, offset, bytes(chunk));
        offset += chunk;
        size -= chunk;
    }
}

RawPeer::Frame control_frame(std::vector<std::uint8_t> plaintext, std::uint8_t flags = 0) {
    RawPeer::Frame frame;
    frame.flags = flags;
    frame.plaintext = std::move(plaintext);
    return frame;
}

TEST_CASE("protocol §8.1 (d): an empty or malformed control payload is error 1") {
    const std::vector<std::vector<std::uint8_t>> payloads{
        {},                                    // nothing
        {0x01},                                // a kind without a length
        {0x01, 0x08, 1, 2, 3},                 // PING cut off
        {0x01, 0x04, 1, 2, 3, 4},              // PING without its whole token
        {0x05, 0x03, 0x00, 0xff, 0xfe},        // a reason that is not UTF-8
        {0x80, 0x00, 0x00},                    // a kind not in shortest form
        {0x07, 0x04, 0x01, 0x00, 0x05, 0x00},  // ACK of Sequences below 0
    };
    for (const auto& payload : payloads) {
        RawPeer peer(1);
        peer.send(control_frame(payload));
        CHECK(violation_code(peer) == 1);
    }
}

TEST_CASE("protocol §8.1 (d): nothing in a payload acts when a later part of it is malformed") {
    RawPeer peer(2);
    peer.clear();
    // A good PING, and then half of another.
    peer.send(control_frame({0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x01, 0x08, 1}));
    CHECK(violation_code(peer) == 1);
    CHECK(peer.messages<wire::Pong>().empty());
}

TEST_CASE("protocol §8.1 (b): unknown control kinds are skipped, and acknowledged") {
    RawPeer peer(3);
    peer.clear();
    peer.send(control_frame({0x7e, 0x02, 9, 9, 0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8}));
    CHECK(peer.messages<wire::Pong>().size() == 1);
    peer.advance(milliseconds(30));
    CHECK(!peer.messages<wire::Ack>().empty());
    CHECK(is_healthy(peer));
}

TEST_CASE("protocol §3.3 (b): frame types that nobody assigned are acknowledged and ignored") {
    for (const unsigned type : {0x06u, 0x7fu, 0x80u, 0xffu}) {
        RawPeer peer(4);
        peer.advance(milliseconds(30));
        peer.clear();
        RawPeer::Frame frame;
        frame.type = static_cast<FrameType>(type);
        frame.stream = 5;
        frame.plaintext = some_bytes;
        frame.sequence = 77;
        peer.send(frame);
        peer.advance(milliseconds(30));
        const auto acks = peer.messages<wire::Ack>();
        REQUIRE(!acks.empty());
        CHECK(acks.back().largest == 77);
        CHECK(is_healthy(peer));
    }
}

TEST_CASE("protocol §3.5 (d): PADDED plaintext is taken off, and without its mark is error 1") {
    RawPeer peer(5);
    peer.clear();
    std::vector<std::uint8_t> ping{0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0, 0, 0};
    peer.send(control_frame(ping, wire::flag::padded));
    CHECK(peer.messages<wire::Pong>().size() == 1);
    for (const std::vector<std::uint8_t>& bad :
         {std::vector<std::uint8_t>(20, 0), std::vector<std::uint8_t>{0x80, 1}, {}}) {
        RawPeer other(5);
        other.send(control_frame(bad, wire::flag::padded));
        CHECK(violation_code(other) == 1);
    }
}

TEST_CASE("protocol §6.1 (b): a Sequence is taken once, whatever it carries") {
    RawPeer peer(6);
    RawPeer::Frame frame = control_frame({0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8});
    frame.sequence = 10;
    const auto sealed = peer.seal(frame);
    peer.clear();
    peer.deliver(sealed);
    peer.deliver(sealed);
    frame.plaintext.back() = 9;
    peer.deliver(peer.seal(frame));
    CHECK(peer.messages<wire::Pong>().size() == 1);
    CHECK(peer.drops(DropReason::sequence_repeated) == 2);
    // Twice in one datagram: checked again after decryption.
    frame.sequence = 20;
    const auto twice = peer.seal(frame);
    std::vector<std::uint8_t> datagram(twice);
    datagram.insert(datagram.end(), twice.begin(), twice.end());
    peer.deliver(datagram);
    CHECK(peer.messages<wire::Pong>().size() == 2);
    CHECK(peer.drops(DropReason::sequence_repeated) == 3);
}

TEST_CASE(
    "protocol §6.1 (a)(b): 4,096 Sequences below the highest one are taken, the next is too "
    "old") {
    RawPeer peer(7);
    RawPeer::Frame frame = control_frame({0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8});
    const auto send_at = [&](std::uint64_t sequence) {
        frame.sequence = sequence;
        peer.send(frame);
        return peer.drops(DropReason::sequence_too_old);
    };
    CHECK(send_at(10'000) == 0);
    CHECK(send_at(10'000 - 4'096) == 0);
    CHECK(send_at(10'000 - 4'097) == 1);
}

TEST_CASE("protocol §10.3 (b): an ACK of a Sequence that was never sent is error 1") {
    RawPeer peer(8);
    const std::uint64_t last = peer.frames().back().sequence;
    peer.acknowledge(0, last);
    CHECK(is_healthy(peer));
    peer.acknowledge(0, last + 1'000);
    CHECK(violation_code(peer) == 1);
}

TEST_CASE("protocol §10.3 (b): an ACK of a Sequence that was skipped is error 1") {
    RawPeer peer(9);
    // PONGs until one Sequence is left out.
    std::optional<std::uint64_t> skipped;
    std::uint64_t expected = 0;
    for (int i = 0; i < 4'000 && !skipped; ++i) {
        peer.clear();
        peer.send(ControlMessage(wire::Ping{}));
        for (const RawFrame& frame : peer.frames()) {
            if (expected != 0 && frame.sequence == expected + 1) skipped = expected;
            expected = frame.sequence + 1;
        }
        peer.acknowledge_all();
    }
    REQUIRE(skipped.has_value());
    CHECK(is_healthy(peer));
    peer.acknowledge(*skipped, *skipped);
    CHECK(violation_code(peer) == 1);
}

TEST_CASE(
    "protocol §9.1 (a)(e), §8.1 CREDIT: bytes at the stream's limit are taken, one beyond is "
    "error 5") {
    RawPeer peer(10);
    peer.send(1, 0, open_of());
    send_stretch(peer, 1, 0, 65'536);
    CHECK(is_healthy(peer));
    peer.send_data(1, 0, 65'536, bytes(1));
    CHECK(violation_code(peer) == 5);
}

TEST_CASE(
    "protocol §9.1 (b)(e): the session's limit holds over all streams together: one byte "
    "beyond is error 5") {
    RawPeer peer(11);
    // 32 streams of 65,536 bytes are all of it.
    for (std::uint16_t i = 0; i < 33; ++i) {
        peer.send(static_cast<std::uint16_t>(2 * i + 1), 0, open_of());
    }
    for (std::uint16_t i = 0; i < 32; ++i) {
        peer.send_data(static_cast<std::uint16_t>(2 * i + 1), 0, 65'535, bytes(1));
    }
    CHECK(is_healthy(peer));
    peer.send_data(65, 0, 0, bytes(1));
    CHECK(violation_code(peer) == 5);
}

TEST_CASE(
    "protocol §9.1 (c)(e): RESET's final offset obeys the stream's limit and counts for the "
    "session's") {
    RawPeer peer(12);
    peer.send(1, 0, open_of());
    peer.send(1, 0, wire::Reset{7, 65'536});
    CHECK(is_healthy(peer));
    CHECK(peer.connection()->streams().unread() == 0);
    peer.send(3, 0, open_of());
    peer.send(3, 0, wire::Reset{7, 65'537});
    CHECK(violation_code(peer) == 5);
}

TEST_CASE("protocol §7.3 (d): a final offset that changes, is passed, or lies too low is error 5") {
    const auto try_after = [](const auto& first, const auto& second) {
        RawPeer peer(13);
        peer.send(1, 0, open_of());
        first(peer);
        REQUIRE(!peer.closed());
        second(peer);
        return violation_code(peer);
    };
    const auto data = [](std::uint64_t offset, std::size_t size, bool is_end) {
        return [=](RawPeer& peer) {
            peer.send_data(1, 0, offset, bytes(size), is_end ? wire::flag::stream_end : 0);
        };
    };
    const auto reset = [](std::uint64_t final_offset) {
        return [=](RawPeer& peer) { peer.send(1, 0, wire::Reset{7, final_offset}); };
    };
    CHECK(try_after(data(0, 100, true), data(0, 101, true)) == 5);
    CHECK(try_after(data(0, 100, true), data(0, 99, true)) == 5);
    CHECK(try_after(data(0, 100, true), data(100, 1, false)) == 5);
    CHECK(try_after(data(50, 50, false), data(0, 99, true)) == 5);
    CHECK(try_after(data(50, 50, false), reset(99)) == 5);
    CHECK(try_after(data(50, 50, true), reset(101)) == 5);
    CHECK(try_after(reset(100), reset(101)) == 5);
    CHECK(try_after(reset(100), data(100, 1, false)) == 5);
    CHECK(try_after(reset(100), data(0, 99, true)) == 5);
    // The same again is no error.
    CHECK(!try_after(data(0, 100, true), data(50, 50, true)));
    CHECK(!try_after(data(0, 100, true), reset(100)));
    CHECK(!try_after(reset(100), data(10, 90, true)));
}

TEST_CASE("protocol §7.3 (c): DATA that is empty without an end, or ends past 2^62, is error 1") {
    RawPeer empty(14);
    empty.send(1, 0, open_of());
    empty.send_data(1, 0, 0, {});
    CHECK(violation_code(empty) == 1);
    RawPeer far(14);
    far.send(1, 0, open_of());
    far.send_data(1, 0, std::uint64_t{1} << 62, bytes(1));
    CHECK(violation_code(far) == 1);
}

TEST_CASE("protocol §3.5 (b), §7.2 (b): MESSAGE on a stream of bytes is error 4") {
    RawPeer peer(15);
    peer.send(1, 0, open_of());
    peer.send_data(1, 0, 0, bytes(5), wire::flag::message);
    CHECK(violation_code(peer) == 4);
}

TEST_CASE("protocol §8.3 (g): the 128th stream opens, the 129th is error 4") {
    connection::EndpointConfig config;
    config.connection.peer_stream_limit = stream::stream_limit_initial;
    RawPeer peer(16, config);
    for (std::uint16_t i = 0; i < 128; ++i) {
        peer.send(static_cast<std::uint16_t>(2 * i + 1), 0, open_of());
    }
    CHECK(is_healthy(peer));
    peer.send(257, 0, open_of());
    CHECK(violation_code(peer) == 4);
}

TEST_CASE(
    "protocol §8.3 (f): a use that is left out is error 1, as is a stream that the other "
    "side opens") {
    RawPeer left_out(17);
    left_out.send(1, 1, open_of());
    CHECK(violation_code(left_out) == 1);
    RawPeer not_ours(17);
    not_ours.send(2, 0, open_of());
    CHECK(violation_code(not_ours) == 1);
    RawPeer data(17);
    data.send_data(2, 0, 0, bytes(1));
    CHECK(violation_code(data) == 1);
    RawPeer credits(17);
    const std::vector<std::uint8_t> entry{2, 0, 100};
    credits.send(ControlMessage(wire::Credits{1, entry}));
    CHECK(violation_code(credits) == 1);
}

TEST_CASE(
    "protocol §8.3 (d): an older use, and the current one of a closed stream, are "
    "acknowledged and dropped") {
    RawPeer peer(18);
    peer.send(1, 0, open_of());
    peer.send_data(1, 0, 0, bytes(5), wire::flag::stream_end);
    auto* connection = peer.connection();
    connection->release(peer.now(), {1, 0});
    peer.touch();
    peer.acknowledge_all();
    REQUIRE(connection->streams().open_count() == 0);
    peer.send_data(1, 0, 0, bytes(500));
    peer.send(1, 0, wire::Stop{9});
    CHECK(is_healthy(peer));
    peer.send(1, 1, open_of());
    CHECK(connection->streams().open_count() == 1);
    peer.send_data(1, 0, 0, bytes(500));
    CHECK(is_healthy(peer));
    CHECK(connection->streams().unread() == 0);
}

TEST_CASE(
    "protocol §8.3 (a): DATA waits for its OPEN within the initial credit; past it, it is "
    "dropped") {
    RawPeer peer(19);
    peer.send_data(1, 0, 65'436, bytes(100));
    peer.send_data(1, 0, 65'437, bytes(100));
    CHECK(peer.drops(DropReason::data_beyond_initial_credit) == 1);
    CHECK(peer.events().size() == 1);
    CHECK(peer.connection()->streams().unread() == 0);
    peer.advance(milliseconds(30));
    // Of the two, the first alone is acknowledged.
    const auto acks = peer.messages<wire::Ack>();
    REQUIRE(!acks.empty());
    CHECK(acks.back().largest == 0);
    peer.send(1, 0, open_of());
    send_stretch(peer, 1, 0, 65'436);
    CHECK(is_healthy(peer));
    std::vector<std::uint8_t> output(70'000);
    const auto outcome = peer.connection()->read(peer.now(), {1, 0}, output);
    REQUIRE(outcome.has_value());
    CHECK(outcome->size == 65'536);
}

TEST_CASE(
    "protocol §8.3 (b): a stream of another kind is refused with RESET(7) and STOP(7), and "
    "no more") {
    for (const std::uint64_t kind : {4u, 1'000u}) {
        RawPeer peer(20);
        peer.clear();
        peer.send(1, 0, open_of(kind));
        const auto resets = peer.messages<wire::Reset>();
        const auto stops = peer.messages<wire::Stop>();
        REQUIRE(resets.size() == 1);
        CHECK(resets.front().code == 7);
        REQUIRE(stops.size() == 1);
        CHECK(stops.front().code == 7);
        // What the peer sent before it heard of that breaks no rule that is known here.
        peer.send_data(1, 0, 0, bytes(50), wire::flag::message);
        const std::uint64_t final_offset = 100;
        peer.send_data(1, 0, final_offset - 50, bytes(50),
                       wire::flag::message | wire::flag::stream_end);
        CHECK(is_healthy(peer));
        peer.send(1, 0, wire::Reset{7, final_offset});
        CHECK(is_healthy(peer));
        CHECK(peer.events().empty());
        peer.acknowledge_all();
        CHECK(peer.connection()->streams().open_count() == 0);
        CHECK(peer.connection()->streams().unread() == 0);
    }
}

TEST_CASE(
    "protocol §11.2 (d)(e), §8.1 PATH_CHALLENGE, PATH_RESPONSE: PATH_CHALLENGE is answered "
    "once, to where it came from, of a flood the newest") {
    RawPeer peer(21);
    peer.advance(milliseconds(50));
    peer.clear();
    const Address elsewhere = Address::ipv4({10, 7, 7, 7}, 7);
    const wire::Token token{8, 7, 6, 5, 4, 3, 2, 1};
    RawPeer::Frame frame;
    const ControlMessage challenge = wire::PathChallenge{token};
    frame.plaintext.resize(wire::encoded_size(challenge));
    codec::Writer writer(frame.plaintext);
    wire::write(writer, challenge);
    peer.deliver_from(elsewhere, peer.seal(frame));
    REQUIRE(peer.messages<wire::PathResponse>().size() == 1);
    CHECK(peer.messages<wire::PathResponse>().front().token == token);
    const auto& sent = peer.datagrams();
    CHECK(std::count_if(sent.begin(), sent.end(), [&](const RawPeer::SentDatagram& datagram) {
              return datagram.to == elsewhere;
          }) == 1);
    peer.advance(seconds(1));
    CHECK(peer.messages<wire::PathResponse>().size() == 1);
    // Forty in one datagram: a few answers, the newest among them.
    peer.clear();
    std::vector<std::uint8_t> flood;
    for (std::uint8_t i = 0; i < 40; ++i) {
        frame.plaintext.back() = i;
        const auto sealed = peer.seal(frame);
        flood.insert(flood.end(), sealed.begin(), sealed.end());
    }
    peer.deliver(flood);
    const auto answers = peer.messages<wire::PathResponse>();
    REQUIRE(answers.size() <= 4);
    CHECK(answers.back().token.back() == 39);
}

TEST_CASE(
    "protocol §5.2 (a), §8.1 KEY_ROTATION: KEY_ROTATION again is ignored; another nonce, or "
    "a wrong epoch, is error 2") {
    const session::RotationNonce nonce{1};
    const session::RotationNonce other{2};
    RawPeer repeated(22);
    repeated.send(ControlMessage(wire::KeyRotation{1, nonce}));
    repeated.send(ControlMessage(wire::KeyRotation{1, nonce}));
    CHECK(is_healthy(repeated));
    repeated.send(ControlMessage(wire::KeyRotation{1, other}));
    CHECK(violation_code(repeated) == 2);
    for (const std::uint64_t epoch : {0u, 2u, 1'000u}) {
        RawPeer peer(22);
        peer.send(ControlMessage(wire::KeyRotation{epoch, nonce}));
        CHECK(violation_code(peer) == 2);
    }
    RawPeer switched(22);
    switched.announce_epoch(1, nonce);
    CHECK(is_healthy(switched));
    CHECK(switched.connection()->receive_epoch() == 1);
    switched.announce_epoch(2, other);
    CHECK(is_healthy(switched));
    CHECK(switched.connection()->receive_epoch() == 2);
}

TEST_CASE(
    "protocol §5.1 (c): a late ACK of an old KEY_ROTATION does not switch to an epoch not "
    "announced") {
    connection::EndpointConfig config;
    config.connection.rotation_frames = 30;
    RawPeer peer(23, config);
    // Frames that carry KEY_ROTATION, by the epoch that they announce.
    const auto rotations_of = [&](std::uint64_t epoch) {
        std::vector<std::uint64_t> sequences;
        for (const RawFrame& frame : peer.frames()) {
            auto parsed = wire::ControlMessages::parse(frame.plaintext);
            if (frame.type != FrameType::control || !parsed) continue;
            while (const auto message = parsed->next()) {
                const auto* rotation = std::get_if<wire::KeyRotation>(&*message);
                if (rotation != nullptr && rotation->epoch == epoch) {
                    sequences.push_back(frame.sequence);
                }
            }
        }
        return sequences;
    };
    // Everything is acknowledged but the first copy, which is so taken for lost.
    std::uint64_t first = 0;
    for (int i = 0; i < 400 && peer.connection()->send_epoch() == 0; ++i) {
        peer.send(ControlMessage(wire::Ping{}));
        peer.advance(milliseconds(1));
        const auto copies = rotations_of(1);
        if (copies.empty()) continue;
        first = copies.front();
        const std::uint64_t last = peer.frames().back().sequence;
        if (last > first) peer.acknowledge(first + 1, last);
    }
    REQUIRE(peer.connection()->send_epoch() == 1);
    // The next rotation is announced, and not acknowledged.
    for (int i = 0; i < 100 && rotations_of(2).empty(); ++i) {
        peer.send(ControlMessage(wire::Ping{}));
        peer.advance(Duration(10));
    }
    REQUIRE(!rotations_of(2).empty());
    peer.acknowledge(first, first);
    CHECK(peer.connection()->send_epoch() == 1);
    CHECK(is_healthy(peer));
}

TEST_CASE(
    "protocol §10.2 (c): forty gaps in what arrives bring a PING with the ACK, once a round "
    "trip") {
    RawPeer peer(24);
    peer.advance(milliseconds(50));
    peer.clear();
    RawPeer::Frame frame = control_frame({0x02, 0x08, 1, 2, 3, 4, 5, 6, 7, 8});
    for (std::uint64_t i = 0; i < 40; ++i) {
        frame.sequence = 100 + 2 * i;
        peer.send(frame);
    }
    CHECK(peer.messages<wire::Ack>().size() >= 20);
    CHECK(peer.messages<wire::Ping>().size() == 1);
    const auto acks = peer.messages<wire::Ack>();
    CHECK(acks.back().range_count <= 63);
}

TEST_CASE("ping: a PING of the application keeps its token when an ACK brings one of its own") {
    RawPeer peer(25);
    RawPeer::Frame frame = control_frame({0x02, 0x08, 1, 2, 3, 4, 5, 6, 7, 8});
    for (std::uint64_t i = 0; i < 40; ++i) {
        frame.sequence = 100 + 2 * i;
        peer.send(frame);
    }
    peer.advance(seconds(2));
    peer.clear();
    const auto number = peer.connection()->ping(peer.now());
    REQUIRE(number.has_value());
    frame.sequence = 300;
    peer.send(frame);
    const auto pings = peer.messages<wire::Ping>();
    REQUIRE(pings.size() >= 2);
    for (const auto& ping : pings) peer.send(ControlMessage(wire::Pong{ping.token}));
    const auto is_answer = [&](const connection::EndpointEvent& event) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr) return false;
        const auto* pong = std::get_if<connection::PongReceived>(&of_session->event);
        return pong != nullptr && pong->ping == *number;
    };
    CHECK(std::count_if(peer.events().begin(), peer.events().end(), is_answer) == 1);
}

TEST_CASE("bad input: random plaintexts of every frame type never do more than end the session") {
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
        SeededRandom random(seed);
        RawPeer peer(26);
        peer.send(1, 0, open_of());
        for (int i = 0; i < 10 && !peer.closed(); ++i) {
            RawPeer::Frame frame;
            constexpr FrameType types[] = {FrameType::data, FrameType::control,
                                           FrameType::stream_control};
            frame.type = types[random.below(3)];
            frame.stream = frame.type == FrameType::control
                               ? std::uint16_t{0}
                               : static_cast<std::uint16_t>(1 + random.below(3));
            frame.flags = static_cast<std::uint8_t>(random.next() & 0x7c);
            frame.plaintext.resize(random.below(40));
            for (auto& byte : frame.plaintext) {
                byte = static_cast<std::uint8_t>(random.below(random.below(2) == 0 ? 16 : 256));
            }
            peer.send(frame);
            peer.advance(milliseconds(random.below(20)));
        }
        if (peer.closed()) {
            const auto cause = peer.closed()->cause;
            CHECK((cause == CloseCause::violation || cause == CloseCause::peer));
        }
    }
}

}  // namespace
}  // namespace stt
