// Who sends next, and what is left of streams. Spec protocol §8.1, §9.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "stream_pair.hpp"

namespace stt::stream {
namespace {

TEST_CASE("protocol §8.1 OPEN: priorities are strict, and control goes before all of them") {
    Pair pair;
    std::vector<StreamKey> keys;
    for (std::uint8_t priority = 0; priority < priority_count; ++priority) {
        const auto key = pair.one.streams.open({.endpoint = "test", .priority = priority});
        REQUIRE(key.has_value());
        keys.push_back(*key);
    }
    pair.carry();
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) write(pair.one, *key, 10'000);
    std::size_t level = 0;
    for (int count = 0; const auto frame = pair.one.next(); ++count) {
        if (count == 12) {
            // In the middle of it.
            pair.one.streams.reset(keys[7], 300);
            const auto control = pair.one.next();
            REQUIRE(control.has_value());
            CHECK(control->planned.items == item::reset);
        }
        while (keys[level].id != frame->planned.key.id) REQUIRE(++level < priority_count);
        const std::uint8_t hint =
            frame->planned.flags & (wire::flag::priority_high | wire::flag::priority_low);
        CHECK(hint == (level <= 1   ? wire::flag::priority_high
                       : level >= 6 ? wire::flag::priority_low
                                    : 0));
    }
    CHECK(level == 6);
}

TEST_CASE("protocol §8.1 PRIORITY: a stream that is moved up goes next, with all it has") {
    Pair pair;
    const StreamKey first = open(pair.one);
    const StreamKey second = open(pair.one);
    pair.carry();
    write(pair.one, first, 10'000);
    write(pair.one, second, 10'000);
    REQUIRE(pair.one.streams.set_priority(second, 0));
    CHECK(pair.one.next()->planned.items == item::priority);
    std::size_t sent = 0;
    while (sent < 10'000) {
        const auto frame = pair.one.next();
        REQUIRE(frame.has_value());
        CHECK(frame->planned.key == second);
        sent += frame->planned.range.size;
    }
    CHECK(pair.one.next()->planned.key == first);
}

TEST_CASE(
    "a stream sends as much DATA in its turn as set_turn_size() says, and one frame at least") {
    for (const std::size_t turn_size : {0u, 1u, 5'000u, 20'000u}) {
        CAPTURE(turn_size);
        Pair pair;
        std::vector<StreamKey> keys;
        for (int i = 0; i < 3; ++i) keys.push_back(open(pair.one));
        pair.carry();
        for (const StreamKey key : keys) write(pair.one, key, 60'000);
        pair.one.streams.set_turn_size(turn_size);
        for (std::size_t turn = 0; turn < 6; ++turn) {
            std::size_t sent = 0;
            std::size_t frame_size = 0;
            do {
                const auto frame = pair.one.next();
                REQUIRE(frame.has_value());
                CHECK(frame->planned.key == keys[turn % 3]);
                frame_size = frame->planned.range.size + 40;
                sent += frame_size;
            } while (sent + frame_size <= turn_size);
            CHECK(sent <= std::max(turn_size, frame_size));
        }
    }
}

TEST_CASE(
    "protocol §8.1 OPEN: a stream of a higher priority interrupts a turn, which then goes on") {
    Pair pair;
    const StreamKey first = open(pair.one);
    const StreamKey second = open(pair.one);
    const auto urgent = pair.one.streams.open({.endpoint = "test", .priority = 0});
    REQUIRE(urgent.has_value());
    pair.carry();
    write(pair.one, first, 60'000);
    write(pair.one, second, 60'000);
    pair.one.streams.set_turn_size(10'000);
    std::map<StreamKey, std::size_t> sent;
    for (int i = 0; i < 50; ++i) {
        // More often than a turn lasts.
        if (i % 5 == 0) {
            write(pair.one, *urgent, 100);
            CHECK(pair.one.next()->planned.key == *urgent);
        }
        const auto frame = pair.one.next();
        REQUIRE(frame.has_value());
        sent[frame->planned.key] += frame->planned.range.size;
    }
    CHECK(sent[first] <= sent[second] + 10'000);
    CHECK(sent[second] <= sent[first] + 10'000);
}

TEST_CASE("small messages do not lengthen a turn: what their frames add counts") {
    Pair pair;
    const StreamKey first = open(pair.one, StreamKind::datagrams);
    const StreamKey second = open(pair.one, StreamKind::datagrams);
    pair.carry();
    for (int i = 0; i < 1'000; ++i) {
        for (const StreamKey key : {first, second}) {
            REQUIRE(pair.one.streams.send_message(Instant{}, key, std::vector<std::uint8_t>(1)));
        }
    }
    pair.one.streams.set_turn_size(16'384);
    std::size_t count = 0;
    while (pair.one.next()->planned.key == first) ++count;
    CHECK(count >= 300);
    CHECK(count <= 410);
}

TEST_CASE("protocol §9.2 (c): new session credit is shared among the streams that waited") {
    Pair pair;
    std::vector<StreamKey> keys;
    for (int i = 0; i < 100; ++i) keys.push_back(open(pair.one));
    pair.carry();
    for (const StreamKey key : keys) write(pair.one, key, 60'000);
    while (pair.one.next()) {
    }
    CHECK(pair.one.streams.send_credit().room() == 0);
    pair.one.streams.handle_flow_credit(session_credit_initial + 500'000);
    std::map<std::uint16_t, std::size_t> bytes;
    while (const auto frame = pair.one.next()) {
        bytes[frame->planned.key.id] += frame->planned.range.size;
    }
    CHECK(bytes.size() == 100);
    for (const auto& [id, size] : bytes) {
        CHECK(size >= 4'000);
        CHECK(size <= 6'000);
    }
}

TEST_CASE("protocol §8.1 CREDITS: several CREDITs go in one, and again when it is lost") {
    Pair pair;
    std::vector<StreamKey> keys;
    for (int i = 0; i < 10; ++i) keys.push_back(open(pair.one));
    for (const StreamKey key : keys) write(pair.one, key, 65'536);
    pair.carry();
    std::vector<std::uint8_t> entries(1'000);
    CHECK_FALSE(pair.other.streams.take_credits(entries).has_value());
    for (const StreamKey key : keys) read_all(pair.other, key);
    // Only what fits.
    CHECK_FALSE(pair.other.streams.take_credits(MutableBytes(entries).first(7)).has_value());
    const auto lost = pair.other.streams.take_credits(entries);
    REQUIRE(lost.has_value());
    CHECK(lost->count == 10);
    CHECK_FALSE(pair.other.next().has_value());
    pair.other.streams.on_credits_lost(lost->number);
    const auto again = pair.other.streams.take_credits(entries);
    REQUIRE(again.has_value());
    CHECK(again->count == 10);
    pair.other.streams.on_credits_acknowledged(again->number);
    pair.other.streams.on_credits_lost(again->number);
    CHECK_FALSE(pair.other.next().has_value());
    REQUIRE(pair.one.streams.handle_credits({again->count, Bytes(entries).first(again->size)})
                .has_value());
    for (const StreamKey key : keys) {
        CHECK(pair.one.streams.statistics(key)->send_limit > stream_credit_initial);
    }
}

TEST_CASE("streams that were opened and closed one after another leave nothing behind") {
    Pair pair;
    const StreamKind kinds[] = {StreamKind::bytes, StreamKind::messages, StreamKind::datagrams,
                                StreamKind::expiring};
    for (int i = 0; i < 5'000; ++i) {
        const StreamKind kind = kinds[i % 4];
        const StreamKey key = open(pair.one, kind);
        CHECK(key.id < 2 * stream_limit_initial);
        kind == StreamKind::bytes ? write(pair.one, key, 100)
                                  : static_cast<void>(send(pair.one, key, 100));
        pair.one.streams.finish(key);
        pair.carry();
        if (kind == StreamKind::bytes) {
            REQUIRE(read_all(pair.other, key) == 100);
        } else {
            REQUIRE(read_messages(pair.other, key).size() == 1);
        }
        pair.other.streams.finish(key);
        pair.other.streams.release(start, rtt, key);
        pair.one.streams.release(start, rtt, key);
        pair.carry();
        pair.one.events.clear();
        pair.other.events.clear();
    }
    for (Side* side : {&pair.one, &pair.other}) {
        CHECK(side->streams.state_count() == 0);
        CHECK(side->streams.unread() == 0);
        CHECK(side->streams.fragment_count() == 0);
        CHECK(side->streams.send_credit().reserved == 0);
        CHECK_FALSE(side->streams.deadline().has_value());
    }
}

}  // namespace
}  // namespace stt::stream
