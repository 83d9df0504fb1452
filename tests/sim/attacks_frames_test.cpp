// Frames that are repeated, reordered, cut, joined and damaged on the way. docs/design/attacks.md.
#include <cstring>

#include "testing/session_pair.hpp"
#include "tests/sim/attack_scene.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::DropReason;
using wire::FrameType;

RawPeer::Frame frame_of(FrameType type, std::uint16_t stream, std::vector<std::uint8_t> plaintext) {
    RawPeer::Frame frame;
    frame.type = type;
    frame.stream = stream;
    frame.plaintext = std::move(plaintext);
    return frame;
}

// Every type that a session's frame can have: OPEN and DATA of stream 1, PING, one that nobody
// assigned and one of the application.
std::vector<RawPeer::Frame> frames_of_every_type() {
    return {
        frame_of(FrameType::stream_control, 1, {0x00, 0x01, 0x03, 0x00, 0x03, 0x00}),
        frame_of(FrameType::data, 1, {0x00, 0x00, 'h', 'e', 'l', 'l', 'o'}),
        frame_of(FrameType::control, 0, {0x01, 0x08, 1, 2, 3, 4, 5, 6, 7, 8}),
        frame_of(static_cast<FrameType>(0x06), 9, {1, 2, 3}),
        frame_of(static_cast<FrameType>(0x80), 0, {4, 5, 6}),
    };
}

std::string read_all(RawPeer& peer, std::uint16_t stream) {
    std::array<std::uint8_t, 256> buffer;
    const auto outcome = peer.connection()->read(peer.now(), {stream, 0}, buffer);
    return outcome ? std::string(buffer.begin(),
                                 buffer.begin() + static_cast<std::ptrdiff_t>(outcome->size))
                   : std::string();
}

std::size_t customs(RawPeer& peer) {
    std::size_t count = 0;
    while (peer.connection()->receive_custom()) ++count;
    return count;
}

TEST_CASE("attack, replay: each frame of every type acts once, in whatever order it comes") {
    connection::EndpointConfig config;
    config.connection.custom_types.set(connection::custom_type_index(0x80));
    std::vector<std::size_t> order{0, 1, 2, 3, 4};
    do {
        RawPeer peer(1, config);
        settle(peer);
        std::vector<std::vector<std::uint8_t>> sealed_frames;
        for (const auto& frame : frames_of_every_type()) sealed_frames.push_back(peer.seal(frame));
        for (const std::size_t i : order) peer.deliver(sealed_frames[i]);
        CHECK(peer.messages<wire::Pong>().size() == 1);
        CHECK(read_all(peer, 1) == "hello");
        CHECK(customs(peer) == 1);
        peer.clear();
        for (const std::size_t i : order) peer.deliver(sealed_frames[i]);
        peer.advance(milliseconds(50));
        CHECK(peer.messages<wire::Pong>().empty());
        CHECK(read_all(peer, 1).empty());
        CHECK(customs(peer) == 0);
        CHECK(peer.drops(DropReason::sequence_repeated) == 5);
        CHECK(is_healthy(peer));
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("attack, replay: a whole session over again, backwards and to both sides, does nothing") {
    SessionPair pair(2);
    SimulatedNetwork& network = pair.network;
    network.set_recording(true);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, std::string(20'000, 'a'));
    network.run_for(seconds(1));
    REQUIRE(pair.received(server, key).text.size() == 20'000);
    network.set_recording(false);
    const auto recorded = network.recorded();
    const std::uint64_t sent_before = network.bytes_sent_by(server);
    std::size_t replayed = 0;
    for (auto it = recorded.rbegin(); it != recorded.rend(); ++it) {
        for (const NodeNumber to : {client, server}) {
            network.inject(network.address(it->from), to, it->bytes);
            network.inject(Address::ipv4({203, 0, 113, 9}, 443), to, it->bytes);
            replayed += 2 * it->bytes.size();
        }
        network.run_for(milliseconds(1));
    }
    // A repeated AUTH_PROOF gets its FINAL where it came from, and nothing else gets anything.
    CHECK(network.bytes_sent_by(server) - sent_before < replayed / 100);
    CHECK(network.counters().unroutable == 1);
    for (const NodeNumber node : {client, server}) {
        CHECK(network.endpoint(node).session_count() == 1);
        CHECK(network.endpoint(node).half_open_count() == 0);
        CHECK(!pair.closed(node));
        CHECK(pair.connection(node).paths().count() == 1);
    }
    pair.write(client, key, "on");
    network.run_for(seconds(1));
    CHECK(pair.received(server, key).text.size() == 20'002);
}

// PING and DATA of stream 1, which is open, in one datagram.
struct TwoFrames {
    explicit TwoFrames(RawPeer& peer, std::uint64_t offset) {
        bytes = sealed(peer, wire::Ping{});
        first_size = bytes.size();
        RawPeer::Frame data = frame_of(FrameType::data, 1, std::vector<std::uint8_t>(30, 'd'));
        codec::Writer writer(data.plaintext);
        wire::write_data_prefix(writer, 0, offset, std::nullopt);
        const auto second = peer.seal(data);
        bytes.insert(bytes.end(), second.begin(), second.end());
    }
    std::vector<std::uint8_t> bytes;
    std::size_t first_size = 0;
};

TEST_CASE("attack, truncation: of a datagram cut anywhere only its whole frames act") {
    RawPeer peer(3);
    peer.send(1, 0, open_of());
    settle(peer);
    const std::size_t size = TwoFrames(peer, 0).bytes.size();
    for (std::size_t cut = 0; cut < size; ++cut) {
        CAPTURE(cut);
        // The same bytes of the stream each time, which are taken only when they come whole.
        const TwoFrames frames(peer, 0);
        const auto malformed = peer.drops(DropReason::frame_malformed);
        peer.clear();
        peer.deliver(Bytes(frames.bytes).first(std::min(cut, frames.bytes.size() - 1)));
        const bool is_boundary = cut == 0 || cut == frames.first_size;
        CHECK(peer.drops(DropReason::frame_malformed) == malformed + (is_boundary ? 0 : 1));
        CHECK(peer.messages<wire::Pong>().size() == (cut >= frames.first_size ? 1 : 0));
        CHECK(peer.connection()->streams().unread() == 0);
        CHECK(is_healthy(peer));
    }
    peer.deliver(TwoFrames(peer, 0).bytes);
    CHECK(peer.connection()->streams().unread() > 0);
}

TEST_CASE("attack, bit flips: a flip of any bit of a datagram is dropped, and changes no state") {
    RawPeer peer(4);
    peer.send(1, 0, open_of());
    settle(peer);
    std::uint64_t offset = 0;
    const std::size_t size = TwoFrames(peer, 0).bytes.size();
    for (std::size_t i = 0; i < size; ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            CAPTURE(i);
            CAPTURE(bit);
            const TwoFrames frames(peer, offset);
            auto damaged = frames.bytes;
            if (i >= damaged.size()) continue;
            damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ (1u << bit));
            peer.clear();
            const auto unread = peer.connection()->streams().unread();
            peer.deliver(damaged);
            const bool is_first_hit = i < frames.first_size;
            CHECK(peer.messages<wire::Pong>().size() == (is_first_hit ? 0 : 1));
            if (!is_first_hit) CHECK(peer.connection()->streams().unread() == unread);
            REQUIRE(!peer.closed());
            // The true datagram is still good: the forgery moved no window.
            peer.clear();
            peer.deliver(frames.bytes);
            CHECK(peer.messages<wire::Pong>().size() == (is_first_hit ? 1 : 0));
            CHECK(peer.connection()->streams().unread() > unread);
            offset = peer.connection()->streams().unread();
            peer.advance(milliseconds(1));
            peer.acknowledge_all();
        }
    }
    CHECK(is_healthy(peer));
}

TEST_CASE("attack, splicing: frames of several sessions and datagrams in one act as each would") {
    RawPeer peer(5);
    RawPeer stranger(6);
    settle(peer);
    const auto own = sealed(peer, wire::Ping{});
    const auto foreign = sealed(stranger, wire::Ping{});
    const auto later = sealed(peer, wire::Ping{});
    std::vector<std::uint8_t> spliced;
    for (const auto* part : {&foreign, &own, &foreign, &later, &own}) {
        spliced.insert(spliced.end(), part->begin(), part->end());
    }
    peer.deliver(spliced);
    CHECK(peer.messages<wire::Pong>().size() == 2);
    CHECK(peer.drops(DropReason::session_unknown) == 2);
    CHECK(peer.drops(DropReason::sequence_repeated) == 1);
    // The head of one frame and the tail of another open under nobody's key.
    auto chimera = sealed(peer, wire::Ping{wire::Token{1}});
    const auto other = sealed(peer, wire::Ping{wire::Token{2}});
    REQUIRE(chimera.size() == other.size());
    std::copy(other.begin() + 20, other.end(), chimera.begin() + 20);
    peer.clear();
    peer.deliver(chimera);
    CHECK(peer.messages<wire::Pong>().empty());
    CHECK(peer.drops(DropReason::not_authentic) == 1);
    CHECK(is_healthy(peer));
}

TEST_CASE("attack, unknown epochs: frames of epochs never announced are dropped and counted") {
    RawPeer peer(7);
    settle(peer);
    for (std::uint8_t epoch = 1; epoch < 128; ++epoch) {
        auto frame = sealed(peer, wire::Ping{});
        frame[frame.size() - 17] = epoch;  // before the tag of 16 bytes
        peer.deliver(frame);
    }
    CHECK(peer.drops(DropReason::epoch_unknown) == 127);
    CHECK(peer.messages<wire::Pong>().empty());
    CHECK(is_healthy(peer));
}

TEST_CASE("lesson 21, failed opens: each is counted, none moves the window, the session goes on") {
    RawPeer peer(8);
    settle(peer);
    const std::size_t before = held(peer);
    RawPeer::Frame frame = control_frame(plaintext_of(wire::Ping{}));
    for (std::uint64_t i = 0; i < 5'000; ++i) {
        frame.sequence = std::nullopt;
        auto bytes = peer.seal(frame);
        bytes.back() ^= 1;
        peer.deliver(bytes);
    }
    CHECK(peer.drops(DropReason::not_authentic) == 5'000);
    CHECK(peer.datagrams().empty());
    CHECK(held(peer) < before + 4 * kib);
    CHECK(is_healthy(peer));
}

}  // namespace
}  // namespace stt
