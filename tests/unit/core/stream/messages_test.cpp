// What message streams promise, one clause at a time. Spec protocol §7.2, §7.3, §8, §9.3.
#include <doctest/doctest.h>

#include <vector>

#include "stream_pair.hpp"
#include "victim.hpp"

namespace stt::stream {
namespace {

constexpr Duration second = std::chrono::seconds(1);

// Sends frames of one side until nothing is left, and keeps them.
std::vector<Frame> take_frames(Side& side) {
    std::vector<Frame> frames;
    while (const auto frame = side.next()) frames.push_back(*frame);
    return frames;
}

bool is_data(const Frame& frame) {
    return frame.planned.type == wire::FrameType::data;
}

TEST_CASE("protocol §7.2 (a): a message lies as length and bytes, with back from its start") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::messages);
    REQUIRE(send(pair.one, key, 10));
    REQUIRE(send(pair.one, key, 2'000));
    const auto frames = take_frames(pair.one);
    REQUIRE(frames.size() == 4);
    REQUIRE(is_data(frames[1]));
    const auto first = wire::parse_data(frames[1].payload, frames[1].planned.flags);
    CHECK(first->offset == 0);
    CHECK(first->back == 0);
    CHECK(first->bytes.size() == 11);
    CHECK(first->bytes[0] == 10);
    const auto second_part = wire::parse_data(frames[2].payload, frames[2].planned.flags);
    CHECK(second_part->offset == 11);
    CHECK(second_part->back == 0);
    const auto third_part = wire::parse_data(frames[3].payload, frames[3].planned.flags);
    CHECK(third_part->offset == second_part->offset + second_part->bytes.size());
    CHECK(third_part->back == second_part->bytes.size());
    CHECK(second_part->bytes.size() + third_part->bytes.size() == 2'002);
}

TEST_CASE("protocol §7.2 (b): a retransmission keeps within one message too") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::messages);
    for (int i = 0; i < 5; ++i) REQUIRE(send(pair.one, key, 100));
    for (const Frame& frame : take_frames(pair.one)) pair.one.streams.on_lost(frame.planned);
    std::size_t count = 0;
    for (const Frame& frame : take_frames(pair.one)) {
        if (!is_data(frame)) continue;
        const auto data = wire::parse_data(frame.payload, frame.planned.flags);
        CHECK(data->back == 0);
        CHECK(data->bytes.size() == 101);
        CHECK((frame.planned.flags & wire::flag::message) != 0);
        ++count;
    }
    CHECK(count == 5);
}

TEST_CASE("protocol §7.2 (b): DATA of kinds 1 to 3 without MESSAGE, or of kind 0 with it: 4") {
    for (const auto kind : {StreamKind::messages, StreamKind::datagrams, StreamKind::expiring}) {
        Victim victim;
        REQUIRE(is_taken(victim.control(1, 0, {open_of(kind)})));
        CHECK(fails_with(victim.data(1, 0, 0, 10), ErrorCode::stream));
    }
    Victim victim;
    REQUIRE(is_taken(victim.control(1, 0, {open_bytes})));
    CHECK(fails_with(victim.message(0, 0, framed(3)), ErrorCode::stream));
}

TEST_CASE("protocol §7.2 (c): an empty STREAM_END has back 0, and one inside a message is 5") {
    const auto whole = framed(100);
    for (int which = 0; which < 6; ++which) {
        CAPTURE(which);
        Victim victim;
        REQUIRE(is_taken(victim.control(1, 0, {open_of(StreamKind::messages)})));
        if (which == 0) {
            CHECK(fails_with(victim.message(0, 0, part(whole, 0, 50), true),
                             ErrorCode::flow_control));
        } else if (which == 1) {
            REQUIRE(is_taken(victim.message(0, 0, part(whole, 0, 50))));
            CHECK(fails_with(victim.message(60, 0, {}, true), ErrorCode::flow_control));
        } else if (which == 2) {
            // The end comes first, and the length shows that it is wrong.
            REQUIRE(is_taken(victim.message(60, 0, {}, true)));
            CHECK(fails_with(victim.message(0, 0, part(whole, 0, 50)), ErrorCode::flow_control));
        } else if (which == 3) {
            REQUIRE(is_taken(victim.message(0, 0, whole)));
            CHECK(fails_with(victim.message(101, 101, {}, true), ErrorCode::flow_control));
        } else if (which == 4) {
            REQUIRE(is_taken(victim.message(0, 0, whole)));
            CHECK(is_taken(victim.message(101, 0, {}, true)));
        } else {
            REQUIRE(is_taken(victim.message(51, 51, part(whole, 51, 101), true)));
            CHECK(is_taken(victim.message(0, 0, part(whole, 0, 51))));
            CHECK(victim.read_messages() == 1);
        }
    }
}

TEST_CASE("protocol §7.2 MESSAGES: a later message is handed over while an earlier one waits") {
    Victim victim;
    REQUIRE(is_taken(victim.control(1, 0, {open_of(StreamKind::messages)})));
    const auto whole = framed(50);
    REQUIRE(is_taken(victim.message(0, 0, part(whole, 0, 20))));
    REQUIRE(is_taken(victim.message(102, 0, whole)));
    CHECK(victim.read_messages() == 1);
    // What is read out of order gives no credit before what lies in front of it.
    CHECK(victim.streams.unread() == 153);
    REQUIRE(is_taken(victim.message(51, 0, whole)));
    REQUIRE(is_taken(victim.message(20, 20, part(whole, 20, 51))));
    CHECK(victim.read_messages() == 2);
    CHECK(victim.streams.unread() == 0);
}

TEST_CASE("protocol §7.2 DATAGRAMS: a lost message is not sent again, its end is") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::datagrams);
    pair.carry();
    REQUIRE(send(pair.one, key, 500));
    pair.one.streams.finish(key);
    const auto frames = take_frames(pair.one);
    REQUIRE(frames.size() == 1);
    CHECK((frames[0].planned.flags & wire::flag::stream_end) != 0);
    pair.one.streams.on_lost(frames[0].planned);
    const auto again = take_frames(pair.one);
    REQUIRE(again.size() == 1);
    const auto data = wire::parse_data(again[0].payload, again[0].planned.flags);
    CHECK(data->bytes.empty());
    CHECK(data->back == 0);
    CHECK(data->offset == 502);
    REQUIRE(pair.other.handle(again[0]).has_value());
    bool is_end = false;
    CHECK(read_messages(pair.other, key, &is_end).empty());
    CHECK(is_end);
    CHECK(pair.one.streams.statistics(key)->messages_lost == 1);
}

TEST_CASE("protocol §7.2 DATAGRAMS: no credit holds them back, and no total counts them") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::datagrams);
    pair.carry();
    for (int i = 0; i < 5'000; ++i) {
        REQUIRE(send(pair.one, key, 1'000));
        pair.carry();
        REQUIRE(read_messages(pair.other, key).size() == 1);
    }
    CHECK(pair.one.streams.send_credit().sent == 0);
    CHECK(pair.other.streams.unread() == 0);
}

TEST_CASE("protocol §7.2 DATAGRAMS: the queue is bounded and drops the oldest") {
    Victim victim;
    REQUIRE(is_taken(victim.control(1, 0, {open_of(StreamKind::datagrams)})));
    const std::size_t fits = datagram_queue_max / (1'000 + message_overhead);
    for (std::size_t i = 0; i < fits + 10; ++i) {
        REQUIRE(
            is_taken(victim.message(i * 1'002, 0, framed(1'000, static_cast<std::uint8_t>(i)))));
    }
    std::vector<std::uint8_t> bytes;
    REQUIRE(victim.streams.receive_message(start, rtt, {1, 0}, bytes)->has_message);
    CHECK(bytes[0] == 10);
    CHECK(victim.read_messages() == fits - 1);
    CHECK(victim.streams.statistics({1, 0})->messages_dropped == 10);
}

TEST_CASE("protocol §7.2 DATAGRAMS: what no datagram carries is refused, or dropped later") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::datagrams);
    pair.carry();
    pair.one.streams.set_payload_room(1'000);
    const auto refused = pair.one.streams.send_message(start, key, message_of(1'000));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == SendError::too_large);
    REQUIRE(send(pair.one, key, 900));
    REQUIRE(send(pair.one, key, 10));
    // The path became narrower.
    pair.one.streams.set_payload_room(500);
    pair.carry();
    CHECK(read_messages(pair.other, key).size() == 1);
    CHECK(pair.one.streams.statistics(key)->messages_lost == 1);
}

TEST_CASE("protocol §7.2 EXPIRING: what did not begin until its deadline is never sent") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::expiring, second);
    REQUIRE(send(pair.one, key, 100));
    CHECK(pair.one.streams.deadline() == start + second);
    pair.one.streams.handle_timeout(start + second - Duration(1));
    CHECK(pair.one.streams.deadline().has_value());
    pair.one.streams.handle_timeout(start + second);
    CHECK_FALSE(pair.one.streams.deadline().has_value());
    pair.carry();
    CHECK(read_messages(pair.other, key).empty());
    CHECK(pair.one.streams.statistics(key)->bytes_sent == 0);
    CHECK(pair.one.streams.statistics(key)->messages_expired == 1);
}

TEST_CASE("protocol §7.2 EXPIRING, §7.3 (b): what is given up is skipped and counts as received") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::expiring, second);
    pair.carry();
    REQUIRE(send(pair.one, key, 3'000));
    for (const Frame& frame : take_frames(pair.one)) pair.one.streams.on_lost(frame.planned);
    pair.one.streams.handle_timeout(start + second);
    REQUIRE(pair.one.streams.send_message(start + second, key, message_of(5)).has_value());
    pair.one.streams.finish(key);
    pair.other.streams.finish(key);
    pair.carry();
    bool is_end = false;
    CHECK(read_messages(pair.other, key, &is_end).size() == 1);
    CHECK(is_end);
    CHECK(pair.one.streams.open_count() == 0);
    CHECK(pair.other.streams.open_count() == 0);
    CHECK(pair.other.streams.unread() == 0);
    CHECK(pair.one.streams.send_credit().sent == 3'002 + 6);
}

TEST_CASE("protocol §7.2 EXPIRING: a deadline of its own counts from the hand-over") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::expiring, second);
    REQUIRE(pair.one.streams.send_message(start, key, message_of(5), 10 * second).has_value());
    REQUIRE(pair.one.streams.send_message(start, key, message_of(5), second / 2).has_value());
    CHECK(pair.one.streams.deadline() == start + second / 2);
    pair.one.streams.handle_timeout(start + second);
    CHECK(pair.one.streams.deadline() == start + 10 * second);
    pair.carry();
    CHECK(read_messages(pair.other, key).size() == 1);
    CHECK_FALSE(pair.one.streams.deadline().has_value());
}

TEST_CASE("protocol §9.1 (c): SKIP waits for the credit that it needs") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::expiring, second);
    pair.carry();
    // Longer than the stream's credit; nothing of it arrives before it expires.
    REQUIRE(send(pair.one, key, 100'000));
    const auto lost = take_frames(pair.one);
    pair.one.streams.handle_timeout(start + second);
    for (const Frame& frame : take_frames(pair.one)) CHECK(is_data(frame));
    for (const Frame& frame : lost) pair.one.streams.on_lost(frame.planned);
    pair.carry();
    CHECK(read_messages(pair.other, key).empty());
    CHECK(pair.one.streams.statistics(key)->messages_expired == 1);
    CHECK(pair.one.streams.send_credit().reserved == 0);
    CHECK(pair.other.streams.unread() == 0);
}

TEST_CASE("protocol §8.1 SKIP: late bytes are dropped, a complete message is delivered") {
    Victim victim;
    REQUIRE(is_taken(victim.control(1, 0, {open_of(StreamKind::expiring)})));
    const auto whole = framed(50);
    REQUIRE(is_taken(victim.message(0, 0, part(whole, 0, 20))));
    REQUIRE(is_taken(victim.message(51, 0, whole)));
    REQUIRE(is_taken(victim.control(1, 0, {wire::Skip{0, 153}})));
    REQUIRE(is_taken(victim.message(20, 20, part(whole, 20, 51))));
    REQUIRE(is_taken(victim.message(102, 0, whole)));
    CHECK(victim.read_messages() == 1);
    CHECK(victim.streams.unread() == 0);
    // Twice says nothing more.
    REQUIRE(is_taken(victim.control(1, 0, {wire::Skip{0, 153}})));
    CHECK(victim.streams.statistics({1, 0})->bytes_read == 153);
}

TEST_CASE("protocol §8.1 SKIP: EXPIRING only, else error 4") {
    for (const auto kind : {StreamKind::bytes, StreamKind::messages, StreamKind::datagrams}) {
        Victim victim;
        REQUIRE(is_taken(victim.control(1, 0, {open_of(kind)})));
        CHECK(fails_with(victim.control(1, 0, {wire::Skip{0, 10}}), ErrorCode::stream));
        // Also when it came first.
        Victim early;
        REQUIRE(is_taken(early.control(1, 0, {wire::Skip{0, 10}})));
        CHECK(fails_with(early.control(1, 0, {open_of(kind)}), ErrorCode::stream));
    }
}

TEST_CASE("protocol §8.2 (a): SKIP, PRIORITY and STREAM_END are resent until acknowledged") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::expiring, second);
    pair.carry();
    REQUIRE(send(pair.one, key, 100));
    take_frames(pair.one);
    pair.one.streams.handle_timeout(start + second);
    REQUIRE(pair.one.streams.set_priority(key, 1));
    pair.one.streams.finish(key);
    std::size_t rounds = 0;
    for (; rounds < 5; ++rounds) {
        const auto frames = take_frames(pair.one);
        REQUIRE(frames.size() == 2);
        CHECK(frames[0].planned.items == (item::skip | item::priority));
        CHECK((frames[1].planned.flags & wire::flag::stream_end) != 0);
        for (const Frame& frame : frames) pair.one.streams.on_lost(frame.planned);
    }
    for (const Frame& frame : take_frames(pair.one))
        pair.one.streams.on_acknowledged(frame.planned);
    CHECK(take_frames(pair.one).empty());
}

TEST_CASE("protocol §8.1 PRIORITY: the receiver uses it; the newest wins, over OPEN too") {
    Pair pair;
    const StreamKey key = open(pair.one);
    const auto opening = pair.one.next();
    REQUIRE(opening.has_value());
    REQUIRE(pair.one.streams.set_priority(key, 6));
    const auto first = pair.one.next();
    REQUIRE(first.has_value());
    // The next waits for the fate of the first, which it could overtake.
    REQUIRE(pair.one.streams.set_priority(key, 0));
    CHECK_FALSE(pair.one.next().has_value());
    REQUIRE(pair.other.handle(*first).has_value());
    REQUIRE(pair.other.handle(*opening).has_value());
    CHECK(pair.other.streams.priority(key) == 6);
    pair.one.streams.on_acknowledged(first->planned);
    pair.carry();
    CHECK(pair.other.streams.priority(key) == 0);
    CHECK_FALSE(pair.one.streams.set_priority(key, 8));
}

TEST_CASE("protocol §8.3 (a): until OPEN is acknowledged nothing goes past the initial credit") {
    for (const auto kind :
         {StreamKind::bytes, StreamKind::messages, StreamKind::datagrams, StreamKind::expiring}) {
        Pair pair;
        const StreamKey key = open(pair.one, kind);
        const auto opening = pair.one.next();
        REQUIRE(opening.has_value());
        if (kind == StreamKind::bytes) {
            write(pair.one, key, 200'000);
        } else {
            for (int i = 0; i < 200; ++i) REQUIRE(send(pair.one, key, 1'000));
        }
        const auto frames = take_frames(pair.one);
        for (const Frame& frame : frames) {
            CHECK(frame.planned.range.offset + frame.planned.range.size <= stream_credit_initial);
            // They wait at the receiver, whatever the kind will be.
            CHECK(is_taken(pair.other.handle(frame)));
        }
        CHECK(frames.size() >= 59);
        REQUIRE(is_taken(pair.other.handle(*opening)));
        pair.other.poll();
        CHECK(pair.other.count(StreamEvent::Kind::opened) == 1);
        CHECK(pair.other.count(StreamEvent::Kind::readable) == 1);
        pair.one.streams.on_acknowledged(opening->planned);
        for (const Frame& frame : frames) pair.one.streams.on_acknowledged(frame.planned);
        pair.carry();
        if (kind == StreamKind::bytes) {
            CHECK(read_all(pair.other, key) > 60'000);
        } else {
            CHECK(read_messages(pair.other, key).size() >= 59);
        }
    }
}

TEST_CASE("protocol §8.3 (b): an endpoint that nobody serves is refused with 7, both ways") {
    for (const auto kind :
         {StreamKind::bytes, StreamKind::messages, StreamKind::datagrams, StreamKind::expiring}) {
        Pair pair;
        const StreamKey key = open(pair.one, kind);
        pair.carry();
        kind == StreamKind::bytes ? write(pair.one, key, 1'000)
                                  : static_cast<void>(send(pair.one, key, 1'000));
        pair.other.streams.refuse(start, rtt, key);
        pair.carry();
        CHECK(pair.one.count(StreamEvent::Kind::reset) == 1);
        CHECK(pair.one.count(StreamEvent::Kind::stopped) == 1);
        CHECK(pair.one.streams.peer_code(key) == 7);
        CHECK(pair.one.streams.open_count() == 0);
        CHECK(pair.other.streams.state_count() == 0);
        CHECK(pair.other.streams.unread() == 0);
    }
}

TEST_CASE("protocol §9.3 (a): a message over the limit is not sent, and one that comes: STOP(5)") {
    Pair pair;
    const StreamKey key = open(pair.one, StreamKind::messages);
    REQUIRE(
        pair.one.streams.send_message(start, key, message_of(message_size_max - 3)).has_value());
    const auto refused =
        pair.one.streams.send_message(start, key, message_of(message_size_max - 2));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == SendError::too_large);

    for (const std::size_t size : {998u, 999u}) {
        StreamsConfig config;
        config.message_size_max = 1'000;
        Victim victim(config);
        REQUIRE(is_taken(victim.control(1, 0, {open_of(StreamKind::messages)})));
        REQUIRE(is_taken(victim.message(0, 0, part(framed(size), 0, 10))));
        CHECK(victim.stop_sent() == (size == 998 ? std::nullopt : std::optional<std::uint64_t>(5)));
        Victim of_datagrams(config);
        REQUIRE(is_taken(of_datagrams.control(1, 0, {open_of(StreamKind::datagrams)})));
        REQUIRE(is_taken(of_datagrams.message(0, 0, framed(size))));
        CHECK(of_datagrams.read_messages() == (size == 998 ? 1 : 0));
        CHECK(of_datagrams.stop_sent() ==
              (size == 998 ? std::nullopt : std::optional<std::uint64_t>(5)));
    }
}

TEST_CASE("protocol §9.3 (b)(d): what a message begun still needs is used by no other stream") {
    Pair pair;
    const StreamKey bytes_key = open(pair.one);
    const StreamKey first = open(pair.one, StreamKind::messages);
    const StreamKey second_key = open(pair.one, StreamKind::messages);
    const StreamKey third = open(pair.one, StreamKind::messages);
    pair.carry();
    for (const StreamKey key : {first, second_key, third}) REQUIRE(send(pair.one, key, 1'000'000));
    take_frames(pair.one);
    // Two begin, of which 65,536 bytes each may be sent; the third waits.
    const SendCredit& credit = pair.one.streams.send_credit();
    CHECK(credit.sent == 2 * stream_credit_initial);
    CHECK(credit.sent + credit.reserved == 2 * 1'000'003);
    write(pair.one, bytes_key, 97'000);
    // What is left of the credit is for the message that waits.
    CHECK(take_frames(pair.one).empty());
    CHECK(credit.sent == 2 * stream_credit_initial);
    // New credit goes to it first, and then to others.
    pair.one.streams.handle_flow_credit(3 * 1'000'003 - 1);
    CHECK(take_frames(pair.one).empty());
    pair.one.streams.handle_flow_credit(3 * 1'000'003 + 1'000);
    take_frames(pair.one);
    CHECK(credit.sent == 3 * stream_credit_initial + 1'000);
    CHECK(credit.room() == 0);
}

TEST_CASE("protocol §9.3 (c): who sees a message begun raises the stream's limit to its end") {
    Victim victim;
    REQUIRE(is_taken(victim.control(1, 0, {open_of(StreamKind::messages)})));
    REQUIRE(is_taken(victim.message(0, 0, framed(10'000))));
    CHECK(victim.credit_sent() == 0);
    REQUIRE(is_taken(victim.message(10'002, 0, part(framed(500'000), 0, 100))));
    CHECK(victim.credit_sent() == 10'002 + 500'003);
    // Before all of the length is there, for as much as a length can take.
    Victim cut;
    REQUIRE(is_taken(cut.control(1, 0, {open_of(StreamKind::messages)})));
    REQUIRE(is_taken(cut.message(stream_credit_initial - 1, 0, {0x80})));
    CHECK(cut.credit_sent() == stream_credit_initial - 1 + 10);
}

TEST_CASE("protocol §9.3 (d): messages of many streams never wait for each other for good") {
    Pair pair;
    std::vector<StreamKey> keys;
    for (int i = 0; i < 20; ++i) {
        const bool is_expiring = i % 3 == 0;
        keys.push_back(open(pair.one, is_expiring ? StreamKind::expiring : StreamKind::messages));
    }
    const StreamKey bytes_key = open(pair.one);
    std::size_t received = 0;
    for (std::size_t round = 0; round < 3; ++round) {
        for (const StreamKey key : keys) REQUIRE(send(pair.one, key, 900'000));
        write(pair.one, bytes_key, 1'000'000);
        for (int i = 0; i < 60; ++i) {
            pair.carry();
            for (const StreamKey key : keys) received += read_messages(pair.other, key).size();
            read_all(pair.other, bytes_key);
        }
        REQUIRE(received == keys.size() * (round + 1));
    }
    CHECK(pair.one.streams.send_credit().reserved == 0);
    CHECK(pair.other.streams.unread() == 0);
}

TEST_CASE("would_block is followed by `writable` when there is room for that message") {
    StreamsConfig config = config_of(true);
    config.send_buffer_max = 10'000;
    Side side(config);
    const StreamKey key = open(side, StreamKind::messages);
    REQUIRE(send(side, key, 6'000));
    const auto refused = side.streams.send_message(start, key, message_of(6'000));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == SendError::would_block);
    CHECK(side.streams.send_message(start, key, message_of(10'000)).error() ==
          SendError::too_large);
    const auto frames = take_frames(side);
    side.poll();
    CHECK(side.count(StreamEvent::Kind::writable) == 0);
    for (const Frame& frame : frames) side.streams.on_acknowledged(frame.planned);
    side.poll();
    CHECK(side.count(StreamEvent::Kind::writable) == 1);
    CHECK(send(side, key, 6'000));
}

TEST_CASE("each command belongs to its kinds of streams") {
    Side side(config_of(true));
    const StreamKey bytes_key = open(side);
    const StreamKey messages_key = open(side, StreamKind::messages);
    std::vector<std::uint8_t> output(10);
    CHECK(side.streams.write(messages_key, output).error() == WriteError::wrong_kind);
    CHECK(side.streams.read(start, rtt, messages_key, output).error() == ReadError::wrong_kind);
    CHECK(side.streams.send_message(start, bytes_key, output).error() == SendError::wrong_kind);
    CHECK(side.streams.receive_message(start, rtt, bytes_key, output).error() ==
          ReadError::wrong_kind);
    CHECK(side.streams.open({.endpoint = {}, .kind = StreamKind::expiring}).error() ==
          OpenError::deadline);
    CHECK(side.streams.open({.endpoint = {}, .priority = 8}).error() == OpenError::priority);
}

}  // namespace
}  // namespace stt::stream
