// What a hostile peer does with streams, their credit and their number. docs/design/attacks.md.
#include "testing/session_pair.hpp"
#include "tests/sim/attack_scene.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using stream::StreamEvent;
using stream::StreamKey;
using wire::ControlMessage;
using wire::DropReason;

constexpr std::uint64_t far = (std::uint64_t{1} << 62) - 1;

template <class Do>
std::optional<std::uint64_t> code_after(StreamKind kind, const Do& attack) {
    RawPeer peer(1);
    peer.send(1, 0, open_of(kind));
    attack(peer);
    return violation_code(peer);
}

void send_message_part(RawPeer& peer, std::uint64_t offset, const std::vector<std::uint8_t>& part,
                       std::uint8_t flags = 0) {
    peer.send_data(1, 0, offset, part, static_cast<std::uint8_t>(wire::flag::message | flags));
}

TEST_CASE("attack, credit: bytes, ends and skips beyond what was given are error 5") {
    const auto bytes = StreamKind::bytes;
    const auto expiring = StreamKind::expiring;
    const std::uint8_t end = wire::flag::stream_end;
    CHECK(code_after(bytes, [](auto& peer) { peer.send_data(1, 0, 65'536, filler(1)); }) == 5);
    CHECK(code_after(bytes, [](auto& peer) { peer.send_data(1, 0, far - 1, filler(1)); }) == 5);
    CHECK(code_after(bytes, [](auto& peer) { peer.send(1, 0, wire::Reset{0, 65'537}); }) == 5);
    CHECK(code_after(bytes, [](auto& peer) { peer.send(1, 0, wire::Reset{0, far}); }) == 5);
    CHECK(code_after(expiring, [](auto& peer) { peer.send(1, 0, wire::Skip{0, 65'537}); }) == 5);
    CHECK(code_after(expiring, [](auto& peer) { peer.send(1, 0, wire::Skip{0, far}); }) == 5);
    CHECK(code_after(expiring, [](auto& peer) { peer.send(1, 0, wire::Skip{9, 3}); }) == 5);
    CHECK(code_after(bytes, [&](auto& peer) { peer.send_data(1, 0, 65'536, {}, end); }) ==
          std::nullopt);
    CHECK(code_after(bytes, [&](auto& peer) { peer.send_data(1, 0, 65'537, {}, end); }) == 5);
}

TEST_CASE("attack, final size: an end that changes, in any two ways to say it, is error 5") {
    const auto say = [](RawPeer& peer, int how, std::uint64_t end) {
        if (how == 0) peer.send_data(1, 0, end, {}, wire::flag::stream_end);
        if (how == 1) peer.send_data(1, 0, 0, filler(end), wire::flag::stream_end);
        if (how == 2) peer.send(1, 0, wire::Reset{0, end});
        if (how == 3) peer.send_data(1, 0, 0, filler(end));
    };
    for (int first = 0; first < 3; ++first) {
        for (int second = 0; second < 4; ++second) {
            CAPTURE(first);
            CAPTURE(second);
            const auto lie = [&](std::uint64_t one, std::uint64_t other) {
                return code_after(StreamKind::bytes, [&](RawPeer& peer) {
                    say(peer, first, one);
                    say(peer, second, other);
                });
            };
            CHECK(lie(100, 101) == 5);
            if (second != 3) CHECK(lie(100, 99) == 5);
            CHECK(lie(100, 100) == std::nullopt);
        }
    }
}

TEST_CASE("attack, message lies: `back`, lengths and ends that cannot be are error 5, or error 1") {
    const auto kind = StreamKind::messages;
    const auto code = [&](const auto& attack) { return code_after(kind, attack); };
    // Bytes beyond their message, and two that overlap.
    CHECK(code([](auto& peer) { send_message_part(peer, 0, {2, 'a', 'b', 'c'}); }) == 5);
    CHECK(code([](auto& peer) {
              send_message_part(peer, 0, {9, 'a'});
              send_message_part(peer, 5, {2, 'b', 'c'});
          }) == 5);
    // The end inside of a message.
    CHECK(code([](auto& peer) {
              send_message_part(peer, 0, {9, 'a'}, wire::flag::stream_end);
          }) == 5);
    // A message longer than any: the stream is stopped, and nothing is kept for it.
    RawPeer peer(2);
    peer.send(1, 0, open_of(kind));
    settle(peer);
    const std::size_t before = held(peer);
    send_message_part(peer, 0, {0xff, 0xff, 0xff, 0xff, 0x0f, 'x'});
    const auto stops = peer.messages<wire::Stop>();
    REQUIRE(stops.size() == 1);
    CHECK(stops.front().code == 5);
    CHECK(held(peer) < before + 16 * kib);
    CHECK(is_healthy(peer));
}

TEST_CASE("attack, credit overflow: the largest limits of all change nothing but who waits") {
    RawPeer peer(3);
    peer.send(1, 0, open_of());
    settle(peer);
    constexpr std::uint64_t largest = ~std::uint64_t{0};
    for (int i = 0; i < 3; ++i) {
        peer.send(ControlMessage(wire::FlowCredit{largest}));
        peer.send(ControlMessage(wire::StreamLimit{largest}));
        peer.send(1, 0, wire::Credit{largest});
        // A lower one after it takes nothing back.
        peer.send(ControlMessage(wire::FlowCredit{0}));
        peer.send(ControlMessage(wire::StreamLimit{0}));
        peer.send(1, 0, wire::Credit{0});
    }
    const std::size_t before = held(peer);
    const std::vector<std::uint8_t> chunk(1'000'000, 1);
    std::size_t taken = 0;
    for (int i = 0; i < 10; ++i) {
        const auto written = peer.connection()->write({1, 0}, chunk);
        REQUIRE(written);
        taken += *written;
        peer.touch();
    }
    CHECK(taken == stream::send_buffer_min);
    CHECK(held(peer) < before + 2 * stream::send_buffer_min);
    // As many as there are IDs for, and no further.
    std::size_t opened = 0;
    for (int i = 0; i < 500; ++i) opened += peer.connection()->open_stream("x") ? 1u : 0u;
    CHECK(opened == 500);
    CHECK(!peer.closed());
}

TEST_CASE("attack, stream flood: what STREAM_LIMIT allows costs a known memory, one more error 4") {
    RawPeer peer(4);
    settle(peer);
    const std::size_t before = held(peer);
    const std::uint64_t limit = connection::ConnectionConfig{}.peer_stream_limit;
    for (std::uint64_t i = 0; i < limit; ++i) {
        peer.send(static_cast<std::uint16_t>(2 * i + 1), 0, open_of());
        if (i % 16 == 0) peer.acknowledge_all();
        if (i % 64 == 0) peer.clear();
    }
    CHECK(is_healthy(peer));
    const std::size_t each = (held(peer) - before) / limit;
    MESSAGE("bytes for an open stream, its event and the cached keys included: ", each);
    CHECK(each < 3 * kib);
    peer.send(static_cast<std::uint16_t>(2 * limit + 1), 0, open_of());
    CHECK(violation_code(peer) == 4);
}

TEST_CASE("attack, streams without OPEN: DATA for a thousand of them holds 2 MiB, not 64") {
    RawPeer peer(5);
    settle(peer);
    const std::size_t before = held(peer);
    for (std::uint16_t i = 0; i < 1'000; ++i) {
        peer.send_data(static_cast<std::uint16_t>(2 * i + 1), 0, 0, filler(60'000));
        if (i % 16 == 0) {
            peer.acknowledge_all();
            peer.clear();
        }
    }
    CHECK(peer.drops(DropReason::data_beyond_initial_credit) > 900);
    CHECK(held(peer) < before + (7u << 20));
    CHECK(is_healthy(peer));
}

TEST_CASE("lesson 6, stream churn: opens and resets wait for the application, not it for them") {
    RawPeer peer(6);
    settle(peer);
    const std::uint64_t limit = connection::ConnectionConfig{}.peer_stream_limit;
    std::size_t before = 0;
    // One ID, used again and again; the application lets go of every second stream.
    std::uint64_t use = 0;
    for (; use < 2 * limit + 1'000; ++use) {
        peer.send(1, use, open_of());
        peer.send(1, use, wire::Reset{0, 0});
        peer.send(1, use, wire::Stop{0});
        if (peer.closed()) break;
        peer.acknowledge_all();
        if (use % 2 == 0) peer.connection()->release(peer.now(), {1, use});
        if (use == 100) before = held(peer);
        if (use % 64 == 0) peer.clear();
    }
    // Half were let go of: the limit rose by so many, and no further.
    CHECK(violation_code(peer) == 4);
    CHECK(use >= 2 * limit - 2);
    CHECK(use <= 2 * limit + 2);
    CHECK(held(peer) < before + limit * 3 * kib);
}

TEST_CASE(
    "attack, single bytes: sent one by one, in order or with gaps, they hold a bounded memory") {
    RawPeer peer(7);
    peer.send(1, 0, open_of());
    settle(peer);
    const std::size_t before = held(peer);
    const auto send_bytes = [&](std::uint16_t stream, std::uint64_t from, std::uint64_t step,
                                std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            peer.send_data(stream, 0, from + i * step, filler(1));
            if (i % 64 == 0) {
                peer.acknowledge_all();
                peer.clear();
            }
        }
    };
    SUBCASE("in order") {
        send_bytes(1, 0, 1, 10'000);
        CHECK(peer.connection()->streams().unread() == 10'000);
        CHECK(peer.connection()->streams().fragment_count() == 0);
        CHECK(held(peer) < before + 256 * kib);
    }
    SUBCASE("every second one, on twenty streams") {
        // Past the limits of a stream and of the session they are not taken, and must come again.
        for (std::uint16_t stream = 1; stream < 40;
             stream = static_cast<std::uint16_t>(stream + 2)) {
            peer.send(stream, 0, open_of());
            send_bytes(stream, 1, 2, 1'100);
        }
        CHECK(peer.connection()->streams().fragment_count() == stream::fragment_count_max);
        CHECK(held(peer) < before + (3u << 20));
        MESSAGE("bytes for each of 16,384 fragments: ", (held(peer) - before) / 16'384);
        // What closes a gap is taken all the same.
        send_bytes(1, 0, 2, 1'000);
        CHECK(peer.connection()->streams().fragment_count() < stream::fragment_count_max);
    }
    CHECK(is_healthy(peer));
}

// Streams that the client opens, and both ends let go of as soon as they have ended.
class Churn {
public:
    explicit Churn(SessionPair& pair) : pair_(pair) {
        pair.network.on_event = [this](NodeNumber node, const connection::EndpointEvent& event) {
            const auto* of_session = std::get_if<connection::SessionEvent>(&event);
            if (of_session == nullptr) return;
            const auto* of_stream = std::get_if<StreamEvent>(&of_session->event);
            if (of_stream == nullptr) return;
            if (of_stream->kind == StreamEvent::Kind::readable)
                handle_readable(node, of_stream->key);
        };
    }
    // As many as may be open beside those that stay.
    void open_some(std::size_t most) {
        connection::Connection& connection = pair_.connection(client);
        for (std::size_t i = 0; i < most; ++i) {
            const auto key = connection.open_stream("churn");
            if (!key) break;
            REQUIRE(connection.write(*key, bytes_of("x")).has_value());
            connection.finish(*key);
            ++opened;
        }
        pair_.network.touch(client, pair_.session[client]);
    }
    std::size_t opened = 0;
    std::size_t ended = 0;  // at the client, after the server's answer

private:
    void handle_readable(NodeNumber node, StreamKey key) {
        connection::Connection& connection = pair_.connection(node);
        std::array<std::uint8_t, 16> buffer;
        const Instant now = pair_.network.local_now(node);
        const auto outcome = connection.read(now, key, buffer);
        if (!outcome || !outcome->is_end) return;
        if (node == server) connection.finish(key);
        if (node == client) ++ended;
        connection.release(now, key);
        pair_.network.touch(node, pair_.session[node]);
    }
    SessionPair& pair_;
};

TEST_CASE("streams: a thousand are open at once, and thousands come and go beside them") {
    SessionPair pair(8);
    LinkOptions link;
    link.delay = milliseconds(5);
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    pair.network.run_for(milliseconds(50));
    std::vector<StreamKey> keys;
    for (int i = 0; i < 1'000; ++i) {
        const auto key = pair.connection(client).open_stream("stays");
        REQUIRE(key);
        keys.push_back(*key);
    }
    for (const StreamKey key : keys) pair.write(client, key, "first");
    pair.network.run_for(seconds(1));
    CHECK(pair.connection(client).streams().open_count() == 1'000);
    CHECK(pair.connection(server).streams().open_count() == 1'000);
    CHECK(pair.count(server, StreamEvent::Kind::opened) == 1'000);
    for (const StreamKey key : keys) CHECK(pair.received(server, key).text == "first");

    const auto keep = pair.network.on_event;
    Churn churn(pair);
    const auto churn_until = [&](std::size_t count) {
        while (churn.opened < count) {
            churn.open_some(count - churn.opened);
            pair.network.run_for(milliseconds(11));
        }
        pair.network.run_for(seconds(2));
        CHECK(churn.ended == count);
    };
    // Then the nodes have in their pools what such a flight needs, and need no more.
    churn_until(STT_CHURN_COUNT / 4);
    const std::size_t memory = bench::memory_held_by(0);
    churn_until(STT_CHURN_COUNT);
    // Nothing is left of them, and those that stayed carry on.
    CHECK(pair.connection(client).streams().state_count() == 1'000);
    CHECK(pair.connection(server).streams().state_count() == 1'000);
    CHECK(bench::memory_held_by(0) < memory + 512 * kib);
    pair.network.on_event = keep;
    for (const StreamKey key : keys) pair.write(client, key, ", last");
    pair.network.run_for(seconds(1));
    for (const StreamKey key : keys) CHECK(pair.received(server, key).text == "first, last");
}

}  // namespace
}  // namespace stt
