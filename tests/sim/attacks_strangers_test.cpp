// Those who hold no key, and those who hold a seed and no manners. docs/design/attacks.md.
#include "testing/session_pair.hpp"
#include "tests/sim/attack_scene.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::DropReason;

// A datagram with the outer form of a HELLO, and nothing in it.
std::vector<std::uint8_t> hello_of_a_stranger(SeededRandom& random) {
    std::vector<std::uint8_t> hello(1'200);
    random.fill(hello);
    // Magic, HANDSHAKE, a random handshake id, stream 0, sequence 0, no flags, lengths that fit,
    // and metadata of kind 2.
    const std::vector<std::uint8_t> head{0x53, 0x54, 0x01};
    std::copy(head.begin(), head.end(), hello.begin());
    hello[11] = hello[12] = hello[13] = 0;
    const std::size_t payload = hello.size() - 16 - 1 - 57;
    hello[14] = static_cast<std::uint8_t>((payload & 0x7f) | 0x80);
    hello[15] = static_cast<std::uint8_t>(payload >> 7);
    hello[16 + payload] = 57;
    hello[17 + payload] = 0x02;
    return hello;
}

connection::Moment later(Instant now) {
    return {now, 1'700'000'000'000};
}

TEST_CASE("lesson 5, memory before a proof: what strangers send allocates nothing, not once") {
    RawPeer peer(1);
    settle(peer);
    SeededRandom random(7);
    std::vector<std::vector<std::uint8_t>> datagrams;
    for (int i = 0; i < 200; ++i) datagrams.push_back(hello_of_a_stranger(random));
    for (int i = 0; i < 200; ++i) {
        std::vector<std::uint8_t> noise(random.below(1'500));
        random.fill(noise);
        if (noise.size() > 3 && i % 2 == 0) std::copy_n(datagrams[0].begin(), 3, noise.begin());
        datagrams.push_back(std::move(noise));
    }
    // A frame of the session's own, damaged, and one of a session that nobody has.
    for (const std::size_t place : {std::size_t{5}, std::size_t{30}}) {
        auto frame = sealed(peer, wire::Ping{});
        frame[place] ^= 1;
        datagrams.push_back(frame);
    }
    const auto deliver_all = [&](std::uint8_t host) {
        for (auto& datagram : datagrams) {
            const Address from = Address::ipv4({203, 0, 113, host}, 443);
            peer.endpoint().handle_datagrams(later(peer.now()), from, datagram, 1'500, 0);
        }
    };
    deliver_all(1);  // what is allocated once for good
    const std::size_t allocations = bench::allocations_of(0);
    const std::size_t before = bench::memory_held_by(0);
    for (std::uint8_t host = 2; host < 50; ++host) deliver_all(host);
    CHECK(bench::allocations_of(0) == allocations);
    CHECK(bench::memory_held_by(0) == before);
    std::array<std::uint8_t, 2'000> buffer;
    CHECK(!peer.endpoint().poll_transmit(later(peer.now()), buffer));
    CHECK(peer.endpoint().half_open_count() == 0);
    CHECK(peer.endpoint().statistics().nonces == 1);
    CHECK(peer.drops(DropReason::handshake_seed_unknown) >= 200 * 49);
    CHECK(is_healthy(peer));
}

TEST_CASE("lesson 13, HELLO flood: silence for strangers, while a transfer goes on as before") {
    SessionPair pair(2);
    LinkOptions link;
    link.delay = milliseconds(10);
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    SeededRandom random(3);
    std::size_t answers = 0;
    pair.network.filter = [&](const DatagramView& datagram) {
        if (datagram.from == server && datagram.destination != pair.network.address(client)) {
            ++answers;
        }
        return Verdict::pass;
    };
    std::size_t written = 0;
    for (std::uint16_t i = 0; i < 400; ++i) {
        for (std::uint8_t j = 0; j < 10; ++j) {
            const Address from = Address::ipv4({203, 0, j, static_cast<std::uint8_t>(i)}, i);
            pair.network.inject(from, server, hello_of_a_stranger(random));
        }
        if (written < 2'000'000) written += pair.write(client, key, std::string(20'000, 'x'));
        pair.network.run_for(milliseconds(5));
    }
    pair.network.run_for(seconds(2));
    CHECK(answers == 0);
    CHECK(pair.received(server, key).text.size() == written);
    CHECK(written >= 2'000'000);
    const auto statistics = pair.network.endpoint(server).statistics();
    CHECK(statistics.half_open == 0);
    CHECK(statistics.nonces == 1);
    CHECK(pair.drops(server, DropReason::handshake_seed_unknown) == 4'000);
    // And whoever holds the seed gets in beside the flood.
    pair.network.inject(Address::ipv4({203, 0, 0, 1}, 1), server, hello_of_a_stranger(random));
    pair.network.connect(client, server);
    pair.network.run_for(seconds(1));
    CHECK(pair.network.endpoint(server).session_count() == 2);
}

TEST_CASE("lesson 8, zero-length datagrams: none, one and thousands of them do nothing at all") {
    RawPeer peer(4);
    settle(peer);
    std::vector<std::uint8_t> nothing;
    for (int i = 0; i < 5'000; ++i) {
        for (const std::size_t segment : {std::size_t{1}, std::size_t{1'500}}) {
            peer.endpoint().handle_datagrams(later(peer.now()), peer.address(), nothing, segment,
                                             0);
        }
    }
    for (const std::uint64_t drops : peer.endpoint().drops()) CHECK(drops == 0);
    // Datagrams of one byte each, as a segment size of 1 makes of any other.
    auto frame = sealed(peer, wire::Ping{});
    const std::size_t size = frame.size();
    peer.endpoint().handle_datagrams(later(peer.now()), peer.address(), frame, 1, 0);
    CHECK(peer.drops(DropReason::frame_malformed) == size);
    CHECK(is_healthy(peer));
}

TEST_CASE("lesson 14, state: no datagram without a key moves anything, over a whole session") {
    // Two runs of one seed, one with strangers: all that the nodes send is the same to the byte.
    const auto run = [](bool has_strangers) {
        SessionPair pair(5);
        LinkOptions link;
        link.delay = milliseconds(10);
        pair.network.set_links(client, server, link);
        SeededRandom random(6);
        pair.network.filter = [&](const DatagramView& datagram) {
            if (!has_strangers) return Verdict::pass;
            // A copy of each datagram from its own sender's address, one bit of each frame flipped.
            std::vector<std::uint8_t> copy(datagram.bytes.begin(), datagram.bytes.end());
            for (MutableBytes rest = copy; !rest.empty();) {
                const auto frame = wire::parse_frame(rest);
                if (!frame) break;
                const std::size_t size = frame->size;
                rest[random.below(size)] ^= 0x10;
                rest = rest.subspan(size);
            }
            pair.network.inject(datagram.source, datagram.to, copy, milliseconds(1));
            pair.network.inject(datagram.source, datagram.to, hello_of_a_stranger(random));
            return Verdict::pass;
        };
        REQUIRE(pair.establish());
        const auto key = pair.open(client);
        pair.write(client, key, std::string(200'000, 'x'));
        pair.network.run_for(seconds(3));
        CHECK(pair.received(server, key).text.size() == 200'000);
        return pair.network.trace_hash();
    };
    const std::uint64_t undisturbed = run(false);
    CHECK(run(true) == undisturbed);
}

TEST_CASE("lesson 16, reflection: a session's own frames, sent back, are nobody's") {
    SessionPair pair(9);
    REQUIRE(pair.establish());
    pair.network.set_recording(true);
    const auto key = pair.open(client);
    pair.write(client, key, std::string(5'000, 'x'));
    pair.network.run_for(seconds(1));
    pair.network.set_recording(false);
    const auto recorded = pair.network.recorded();
    for (const auto& datagram : recorded) {
        pair.network.inject(pair.network.address(datagram.to), datagram.from, datagram.bytes);
    }
    pair.network.run_for(seconds(1));
    CHECK(!pair.closed(client));
    CHECK(!pair.closed(server));
    CHECK(pair.drops(client, DropReason::not_authentic) +
              pair.drops(client, DropReason::sequence_repeated) +
              pair.drops(client, DropReason::sequence_too_old) >
          0);
    pair.write(client, key, "on");
    pair.network.run_for(seconds(1));
    CHECK(pair.received(server, key).text.size() == 5'002);
}

}  // namespace
}  // namespace stt
