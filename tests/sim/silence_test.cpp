// What an endpoint says to those whom it cannot authenticate: nothing. Spec protocol §4.1, §15.
#include <doctest/doctest.h>

#include "testing/session_pair.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Everything that two nodes said to each other in a session with data both ways.
std::vector<RecordedDatagram> conversation(SessionPair& pair) {
    pair.network.set_recording(true);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, std::string(5'000, 'a'));
    pair.finish(client, key);
    pair.network.run_for(seconds(1));
    pair.write(server, key, std::string(5'000, 'b'));
    pair.finish(server, key);
    pair.network.run_for(seconds(1));
    REQUIRE(pair.received(client, key).is_ended);
    pair.network.set_recording(false);
    return pair.network.recorded();
}

std::uint64_t dropped_by(SessionPair& pair, NodeNumber node) {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < wire::drop_reason_count; ++i) {
        all += pair.drops(node, static_cast<wire::DropReason>(i));
    }
    return all;
}

TEST_CASE("protocol §4.1 (a): random bytes of any length get no answer and leave no state") {
    SimulatedNetwork network(1);
    const NodeNumber node = network.add_node();
    SeededRandom random(2);
    for (int i = 0; i < 2'000; ++i) {
        std::vector<std::uint8_t> bytes(random.below(1'500) + 1);
        random.fill(bytes);
        // Half of them look like frames.
        if (i % 2 == 0 && bytes.size() > 2) {
            bytes[0] = 0x53;
            bytes[1] = 0x54;
        }
        network.inject(Address::ipv4({10, 0, 9, 9}, 5), node, bytes);
    }
    network.run_for(seconds(1));
    CHECK(network.bytes_sent_by(node) == 0);
    CHECK(network.endpoint(node).half_open_count() == 0);
    CHECK(network.endpoint(node).session_count() == 0);
    std::uint64_t all = 0;
    for (const std::uint64_t count : network.endpoint(node).drops()) all += count;
    CHECK(all == 2'000);
}

TEST_CASE("protocol §4.5 (a), §4.1 (a): a stranger with another seed is not answered") {
    SimulatedNetwork network(3);
    const std::vector<std::uint8_t> other_seed(32, 7);
    const NodeNumber stranger = network.add_node({}, other_seed);
    const NodeNumber node = network.add_node();
    network.connect(stranger, node);
    network.run_for(seconds(12));
    CHECK(network.bytes_sent_by(node) == 0);
    const auto unknown = static_cast<std::size_t>(wire::DropReason::handshake_seed_unknown);
    CHECK(network.endpoint(node).drops()[unknown] == 8);
}

TEST_CASE("protocol §4.1 (a): every frame of a conversation, cut off anywhere, gets no answer") {
    SessionPair source(4);
    const auto recorded = conversation(source);
    // A third node of the same seed that knows nothing of the session.
    const NodeNumber third = source.network.add_node();
    std::size_t sent = 0;
    for (const auto& datagram : recorded) {
        for (std::size_t size = 1; size < datagram.bytes.size(); size += 1 + size / 20) {
            source.network.inject(Address::ipv4({10, 0, 9, 9}, 5), third,
                                  Bytes(datagram.bytes).first(size));
            ++sent;
        }
    }
    source.network.run_for(seconds(1));
    REQUIRE(sent > 200);
    CHECK(source.network.bytes_sent_by(third) == 0);
    CHECK(source.network.endpoint(third).half_open_count() == 0);
}

TEST_CASE("protocol §3.2 (b)(c): every frame with one bit flipped changes nothing but a counter") {
    SessionPair pair(5);
    const auto recorded = conversation(pair);
    SeededRandom random(6);
    const std::uint64_t frames_before = pair.connection(server).totals().frames_received;
    const std::uint64_t sent_before = pair.network.bytes_sent_by(server);
    std::uint64_t injected = 0;
    for (const auto& datagram : recorded) {
        // Not the one with AUTH_PROOF, which is whole when the flip hits the frame behind it.
        if (datagram.to != server || datagram.bytes[2] != 0x02) continue;
        for (int i = 0; i < 50; ++i) {
            auto bytes = datagram.bytes;
            const std::uint64_t bit = random.below(bytes.size() * 8);
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
            pair.network.inject(pair.network.address(client), server, bytes);
            ++injected;
        }
    }
    const std::uint64_t dropped_before = dropped_by(pair, server);
    pair.network.run_for(seconds(1));
    REQUIRE(injected >= 200);
    CHECK(pair.connection(server).totals().frames_received == frames_before);
    CHECK(pair.network.bytes_sent_by(server) == sent_before);
    CHECK(dropped_by(pair, server) >= dropped_before + injected);
    CHECK(pair.connection(server).state() == connection::SessionState::active);
}

TEST_CASE(
    "protocol §4.4 (a), §6.1 (b): every datagram ever sent, sent again from both sides, "
    "changes nothing") {
    SessionPair pair(7);
    const auto recorded = conversation(pair);
    const std::uint64_t sent_before[2] = {pair.network.bytes_sent_by(client),
                                          pair.network.bytes_sent_by(server)};
    const std::uint64_t frames_before[2] = {pair.connection(client).totals().frames_received,
                                            pair.connection(server).totals().frames_received};
    for (int round = 0; round < 3; ++round) {
        for (const auto& datagram : recorded) {
            pair.network.inject(pair.network.address(datagram.from), datagram.to, datagram.bytes);
            pair.network.run_for(milliseconds(1));
        }
    }
    for (const NodeNumber node : {client, server}) {
        CHECK(pair.connection(node).totals().frames_received == frames_before[node]);
        CHECK(pair.network.endpoint(node).session_count() == 1);
        CHECK(pair.network.endpoint(node).half_open_count() == 0);
    }
    // A repeated AUTH_PROOF gets its FINAL, which is smaller; nothing else is answered.
    CHECK(pair.network.bytes_sent_by(client) == sent_before[client]);
    CHECK(pair.network.bytes_sent_by(server) - sent_before[server] <= 3 * 200);
}

TEST_CASE("protocol §3.2 (c): a session's frames mean nothing in another session") {
    SessionPair pair(8);
    const auto recorded = conversation(pair);
    const auto first = pair.session[server];
    const auto session_id = pair.connection(server).session_id();
    pair.network.connect(client, server);
    pair.network.run_for(seconds(1));
    REQUIRE(pair.session[server] != first);
    const auto other_id = pair.connection(server).session_id();
    const std::uint64_t frames = pair.connection(server).totals().frames_received;
    // Spliced: the frames of the first session with the name of the second.
    std::uint64_t spliced = 0;
    for (const auto& datagram : recorded) {
        auto bytes = datagram.bytes;
        const bool is_session = std::equal(session_id.begin(), session_id.end(), bytes.begin() + 3);
        if (datagram.to != server || !is_session) continue;
        std::copy(other_id.begin(), other_id.end(), bytes.begin() + 3);
        pair.network.inject(pair.network.address(client), server, bytes);
        ++spliced;
    }
    pair.network.run_for(seconds(1));
    REQUIRE(spliced > 3);
    CHECK(pair.connection(server).totals().frames_received == frames);
}

TEST_CASE("protocol §5.1 (a): a frame that is sent back to its sender does not open") {
    SessionPair pair(9);
    const auto recorded = conversation(pair);
    const std::uint64_t frames = pair.connection(client).totals().frames_received;
    for (const auto& datagram : recorded) {
        if (datagram.from != client) continue;
        pair.network.inject(pair.network.address(server), client, datagram.bytes);
    }
    pair.network.run_for(seconds(1));
    CHECK(pair.connection(client).totals().frames_received == frames);
}

TEST_CASE("protocol §4.0 (e): no answer to a handshake message is larger than its question") {
    SessionPair pair(10);
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    bool is_proved = false;
    // Up to when the peer has proved itself: by AUTH_PROOF, the third message.
    pair.network.filter = [&](const DatagramView& datagram) {
        is_proved = is_proved || (datagram.from == client && datagram.bytes[2] == 0x05);
        if (is_proved) return Verdict::pass;
        (datagram.from == client ? received : sent) += datagram.bytes.size();
        CHECK(sent <= received);
        return Verdict::pass;
    };
    REQUIRE(pair.establish());
    CHECK(sent == handshake::padded_frame_size);
    CHECK(received == sent);
}

TEST_CASE("protocol §3.2 (c): frames of a session that has ended get no answer") {
    SessionPair pair(11);
    const auto recorded = conversation(pair);
    pair.close(client, 300, "bye");
    pair.network.run_for(seconds(10));
    REQUIRE(pair.network.endpoint(server).session_count() == 0);
    const std::uint64_t sent_before = pair.network.bytes_sent_by(server);
    for (const auto& datagram : recorded) {
        if (datagram.to != server) continue;
        pair.network.inject(pair.network.address(client), server, datagram.bytes);
    }
    pair.network.run_for(seconds(1));
    CHECK(pair.network.bytes_sent_by(server) == sent_before);
    CHECK(pair.network.endpoint(server).session_count() == 0);
    CHECK(pair.drops(server, wire::DropReason::session_unknown) > 3);
    CHECK(pair.drops(server, wire::DropReason::handshake_replayed) == 1);
}

}  // namespace
}  // namespace stt
