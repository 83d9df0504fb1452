#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include "stream_pair.hpp"
#include "testing/pattern.hpp"
#include "testing/seeded_random.hpp"

namespace stt::stream {
namespace {

// Random writes on several streams of both sides, with losses, until all has arrived.
void run_random(std::uint64_t seed) {
    testing::SeededRandom random(seed);
    Pair pair;
    struct Work {
        std::uint64_t size;
        std::uint64_t written = 0;
        std::uint64_t read = 0;
        bool is_end = false;
    };
    std::map<StreamKey, Work> work[2];
    Side* sides[2] = {&pair.one, &pair.other};
    for (int stream = 0; stream < 5; ++stream) {
        const StreamKey key = open(*sides[random.below(2)]);
        for (auto& of_side : work) of_side.emplace(key, Work{random.below(300'000)});
    }
    const auto pattern = [&](int side, StreamKey key) {
        return testing::Pattern(seed * 100 + static_cast<unsigned>(side) * 50 + key.id);
    };
    std::vector<std::uint8_t> buffer(20'000);
    for (bool is_done = false; !is_done;) {
        for (int side = 0; side < 2; ++side) {
            for (auto& [key, one] : work[side]) {
                const auto chunk =
                    std::min<std::uint64_t>(one.size - one.written, random.below(buffer.size()));
                const MutableBytes bytes = MutableBytes(buffer).first(chunk);
                pattern(side, key).write(one.written, bytes);
                const auto taken = sides[side]->streams.write(key, bytes);
                if (taken) one.written += *taken;
                if (one.written == one.size) sides[side]->streams.finish(key);
            }
        }
        pair.carry([&](const Frame&) { return random.below(5) == 0; });
        is_done = true;
        for (int side = 0; side < 2; ++side) {
            for (auto& [key, one] : work[side]) {
                const MutableBytes room = MutableBytes(buffer).first(random.below(buffer.size()));
                const auto outcome = sides[side]->streams.read(start, rtt, key, room);
                if (outcome) {
                    REQUIRE(pattern(1 - side, key).matches(one.read, room.first(outcome->size)));
                    one.read += outcome->size;
                    one.is_end = outcome->is_end;
                }
                is_done = is_done && one.is_end;
            }
        }
    }
    pair.carry();
    for (int side = 0; side < 2; ++side) {
        for (const auto& [key, one] : work[side]) REQUIRE(one.read == work[1 - side].at(key).size);
        REQUIRE(sides[side]->streams.open_count() == 0);
        REQUIRE(sides[side]->streams.unread() == 0);
    }
}

TEST_CASE("Streams: five streams carry everything both ways under loss, over 60 seeds") {
    for (std::uint64_t seed = 0; seed < 60; ++seed) run_random(seed);
}

TEST_CASE("Streams: a lost CREDIT is told again though an older one was acknowledged") {
    Pair pair;
    const StreamKey key = open(pair.one);
    write(pair.one, key, 65'536);
    pair.carry();
    // Two raises, one after the other, before either's fate is known.
    std::vector<std::uint8_t> buffer(40'000);
    REQUIRE(pair.other.streams.read(start, rtt, key, buffer).has_value());
    const auto first = pair.other.next();
    REQUIRE(first.has_value());
    REQUIRE(pair.one.handle(*first).has_value());
    write(pair.one, key, 40'000);
    while (const auto frame = pair.one.next()) REQUIRE(pair.other.handle(*frame).has_value());
    read_all(pair.other, key);
    const auto second = pair.other.next();
    REQUIRE(second.has_value());
    pair.other.streams.on_acknowledged(first->planned);
    pair.other.streams.on_lost(second->planned);
    const auto again = pair.other.next();
    REQUIRE(again.has_value());
    CHECK(again->planned.items == item::credit);
}

TEST_CASE("Streams: RESET of a stream whose bytes wait to be sent sends none of them") {
    Pair pair;
    const StreamKey key = open(pair.one);
    write(pair.one, key, 10'000);
    pair.one.streams.reset(key, 300);
    std::size_t data_frames = 0;
    while (const auto frame = pair.one.next()) {
        if (frame->planned.type == wire::FrameType::data) ++data_frames;
        REQUIRE(pair.other.handle(*frame).has_value());
    }
    CHECK(data_frames == 0);
    pair.other.poll();
    CHECK(pair.other.count(StreamEvent::Kind::reset) == 1);
}

TEST_CASE("Streams: a RESET or STOP that overtakes OPEN is told after the stream is") {
    for (const bool is_stop : {false, true}) {
        Pair pair;
        const StreamKey key = open(pair.one);
        const auto opening = pair.one.next();
        REQUIRE(opening.has_value());
        if (is_stop) {
            pair.one.streams.stop(start, rtt, key, 300);
        } else {
            pair.one.streams.reset(key, 300);
        }
        const auto overtaking = pair.one.next();
        REQUIRE(overtaking.has_value());
        REQUIRE(pair.other.handle(*overtaking).has_value());
        pair.other.poll();
        CHECK(pair.other.events.empty());
        REQUIRE(pair.other.handle(*opening).has_value());
        pair.other.poll();
        REQUIRE(!pair.other.events.empty());
        CHECK(pair.other.events.front().kind == StreamEvent::Kind::opened);
        CHECK(pair.other.events.back().kind ==
              (is_stop ? StreamEvent::Kind::stopped : StreamEvent::Kind::reset));
        CHECK(pair.other.events.back().code == 300);
    }
}

TEST_CASE(
    "protocol §8.3 (e): who waits for acknowledgement hears of it when the next use shows it") {
    Pair pair;
    const StreamKey key = open(pair.one);
    pair.one.streams.finish(key);
    pair.carry();
    write(pair.other, key, 5);
    pair.other.streams.finish(key);
    REQUIRE(pair.other.streams.wait_acknowledged(key).has_value());
    // The bytes arrive, but nobody tells this side so.
    std::vector<Frame> unacknowledged;
    while (const auto frame = pair.other.next()) {
        REQUIRE(pair.one.handle(*frame).has_value());
        unacknowledged.push_back(*frame);
    }
    read_all(pair.one, key);
    pair.one.streams.release(start, rtt, key);
    const StreamKey again = open(pair.one);
    CHECK(again.id == key.id);
    CHECK(again.use == key.use + 1);
    const auto opening = pair.one.next();
    REQUIRE(opening.has_value());
    REQUIRE(pair.other.handle(*opening).has_value());
    pair.other.poll();
    CHECK(pair.other.count(StreamEvent::Kind::acknowledged) == 1);
    CHECK(pair.other.count(StreamEvent::Kind::opened) == 2);
    for (const Frame& frame : unacknowledged) pair.other.streams.on_lost(frame.planned);
    CHECK(!pair.other.next().has_value());
}

TEST_CASE("Streams: the 129th stream waits for STREAM_LIMIT") {
    Pair pair;
    std::vector<StreamKey> keys;
    for (int i = 0; i < 128; ++i) keys.push_back(open(pair.one));
    CHECK(!pair.one.streams.open({.endpoint = "test"}).has_value());
    pair.carry();
    const StreamKey key = keys[40];
    pair.one.streams.finish(key);
    pair.carry();
    pair.other.streams.finish(key);
    pair.carry();
    CHECK(pair.one.count(StreamEvent::Kind::limit_raised) == 0);
    pair.other.streams.release(start, rtt, key);
    // The limit travels in a CONTROL frame, which is not the streams' own.
    pair.one.streams.handle_stream_limit(*pair.other.streams.take_stream_limit());
    pair.one.poll();
    CHECK(pair.one.count(StreamEvent::Kind::limit_raised) == 1);
    CHECK(open(pair.one).id == key.id);
    CHECK(!pair.one.streams.open({.endpoint = "test"}).has_value());
}

TEST_CASE("Streams: an endpoint name has at most 255 bytes") {
    Side side(config_of(true));
    CHECK(side.streams.open({.endpoint = std::string(255, 'a')}).has_value());
    const auto refused = side.streams.open({.endpoint = std::string(256, 'a')});
    REQUIRE(!refused.has_value());
    CHECK(refused.error() == OpenError::endpoint_name);
}

TEST_CASE("Streams: what is written while the session's credit is used up goes out later") {
    Pair pair;
    std::vector<StreamKey> keys;
    for (int i = 0; i < 40; ++i) keys.push_back(open(pair.one));
    for (const StreamKey key : keys) write(pair.one, key, 65'536);
    pair.carry();
    CHECK(pair.other.streams.unread() == session_credit_initial);
    for (int i = 0; i < 1'000; ++i) {
        write(pair.one, keys.back(), 1);
        CHECK(!pair.one.next().has_value());
    }
    for (const StreamKey key : keys) read_all(pair.other, key);
    pair.carry();
    std::size_t rest = 0;
    for (const StreamKey key : keys) rest += read_all(pair.other, key);
    CHECK(rest == 40 * 65'536 + 1'000 - session_credit_initial);
}

TEST_CASE("Streams: a stream takes four windows of its path, within bounds") {
    StreamsConfig config = config_of(true);
    config.send_buffer_max = 5 << 20;
    Side side(config);
    const StreamKey key = open(side);
    const std::vector<std::uint8_t> bytes(8 << 20);
    std::size_t written = 0;
    const auto fill = [&] { return written += *side.streams.write(key, bytes); };
    CHECK(fill() == send_buffer_min);
    side.streams.set_send_window(1'000);
    CHECK(fill() == send_buffer_min);
    side.streams.set_send_window(1 << 20);
    CHECK(fill() == std::size_t{4} << 20);
    side.streams.set_send_window(2 << 20);
    CHECK(fill() == config.send_buffer_max);
    // A window that shrinks takes nothing back.
    side.streams.set_send_window(1'000);
    CHECK(fill() == config.send_buffer_max);
    config.send_buffer_max = 10'000;
    Side narrow(config);
    const auto taken = narrow.streams.write(open(narrow), bytes);
    CHECK(*taken == 10'000);
}

TEST_CASE("protocol §9.2 (c): what nobody reads does not widen the session's window") {
    Pair pair;
    for (int stream = 0; stream < 40; ++stream) write(pair.one, open(pair.one), 65'536);
    int frames = 0;
    pair.carry([&](const Frame&) {
        if (++frames % 500 == 0) pair.other.now += rtt;
        return false;
    });
    CHECK(pair.other.streams.unread() == session_credit_initial);
    CHECK(pair.other.streams.credit_use().receive_limit == session_credit_initial);
}

TEST_CASE("protocol §9.2 (b): a session's window is twice that of its widest stream, or more") {
    Pair pair;
    const StreamKey key = open(pair.one);
    pair.one.streams.set_send_window(4 << 20);
    write(pair.one, key, 8 << 20);
    // Twice as much comes in each round trip. From 200,000 bytes on nothing can be read, and only
    // the stream's window grows by itself.
    constexpr std::uint64_t lost_offset = 200'000;
    int frames = 0;
    int frames_at_tick = 16;
    const auto carry = [&](Side& from, Side& to) {
        while (const auto frame = from.next()) {
            const Planned& planned = frame->planned;
            if (++frames == frames_at_tick) {
                pair.other.now += rtt;
                frames_at_tick *= 2;
            }
            const std::uint64_t end = planned.range.offset + planned.range.size;
            if (planned.range.offset <= lost_offset && lost_offset < end) continue;
            REQUIRE(to.handle(*frame).has_value());
            from.streams.on_acknowledged(planned);
        }
    };
    for (int round = 0; round < 100; ++round) {
        carry(pair.one, pair.other);
        read_all(pair.other, key);
        carry(pair.other, pair.one);
        if (const auto limit = pair.other.streams.take_flow_credit()) {
            pair.one.streams.handle_flow_credit(*limit);
        }
    }
    CHECK(pair.other.streams.unread() > session_credit_initial);
}

TEST_CASE("Streams: streams of one priority take turns") {
    Pair pair;
    const StreamKey first = open(pair.one);
    const StreamKey second = open(pair.one);
    pair.carry();
    write(pair.one, first, 20'000);
    write(pair.one, second, 20'000);
    std::vector<std::uint16_t> order;
    while (const auto frame = pair.one.next()) order.push_back(frame->planned.key.id);
    REQUIRE(order.size() > 20);
    for (std::size_t i = 1; i < 20; ++i) CHECK(order[i] != order[i - 1]);
}

}  // namespace
}  // namespace stt::stream
