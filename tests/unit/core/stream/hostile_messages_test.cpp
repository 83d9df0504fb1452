// What a peer that lies about messages does to the streams of a session.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "victim.hpp"

namespace stt::stream {
namespace {

Victim victim_with(StreamKind kind, const StreamsConfig& config = {}) {
    Victim victim(config);
    REQUIRE(is_taken(victim.control(1, 0, {open_of(kind)})));
    return victim;
}

TEST_CASE("protocol §7.2 (b): bytes beyond their message, or messages that overlap, are error 5") {
    const auto whole = framed(100);  // 101 bytes
    struct Lie {
        std::uint64_t offset;
        std::uint64_t back;
        std::vector<std::uint8_t> bytes;
    };
    const std::vector<std::uint8_t> filler(60, 1);
    const Lie lies[] = {
        {50, 50, filler},    // beyond its end
        {90, 0, whole},      // begins inside
        {101, 102, filler},  // belongs to one that began before this stream's first
        {60, 5, filler},     // claims another start inside
    };
    for (const Lie& lie : lies) {
        CAPTURE(lie.offset);
        Victim victim = victim_with(StreamKind::messages);
        if (lie.back > lie.offset) continue;  // refused where frames are parsed
        REQUIRE(is_taken(victim.message(0, 0, part(whole, 0, 20))));
        CHECK(fails_with(victim.message(lie.offset, lie.back, lie.bytes), ErrorCode::flow_control));
    }
    // A complete message, read or not, keeps its place.
    for (const bool is_read : {false, true}) {
        Victim victim = victim_with(StreamKind::messages);
        REQUIRE(is_taken(victim.message(0, 0, whole)));
        if (is_read) REQUIRE(victim.read_messages() == 1);
        CHECK(fails_with(victim.message(90, 10, filler), ErrorCode::flow_control));
    }
    // A length that runs into a message that is here.
    Victim victim = victim_with(StreamKind::messages);
    REQUIRE(is_taken(victim.message(80, 0, framed(10))));
    CHECK(fails_with(victim.message(0, 0, part(whole, 0, 20)), ErrorCode::flow_control));
}

TEST_CASE("protocol §7.2 (a): a length that is not in shortest form is error 1") {
    Victim victim = victim_with(StreamKind::messages);
    CHECK(fails_with(victim.message(0, 0, {0x80, 0x00, 1, 2}), ErrorCode::protocol));
}

TEST_CASE("protocol §7.2 DATAGRAMS: a frame that is not one whole message is error 5") {
    const auto whole = framed(100);
    for (int which = 0; which < 3; ++which) {
        Victim victim = victim_with(StreamKind::datagrams);
        const auto result = which == 0   ? victim.message(0, 0, part(whole, 0, 100))
                            : which == 1 ? victim.message(200, 1, whole)
                                         : victim.message(100, 100, {}, true);
        CHECK(fails_with(result, ErrorCode::flow_control));
    }
    // The same when it came before OPEN.
    Victim early;
    REQUIRE(is_taken(early.message(0, 0, part(whole, 0, 50))));
    CHECK(
        fails_with(early.control(1, 0, {open_of(StreamKind::datagrams)}), ErrorCode::flow_control));
}

TEST_CASE("protocol §7.3 (d): bytes of DATAGRAMS beyond the final offset are error 5") {
    Victim victim = victim_with(StreamKind::datagrams);
    REQUIRE(is_taken(victim.message(1'000, 0, framed(10), true)));
    CHECK(is_taken(victim.message(0, 0, framed(10))));
    CHECK(fails_with(victim.message(1'011, 0, framed(10)), ErrorCode::flow_control));
    CHECK(fails_with(victim.message(1'020, 0, {}, true), ErrorCode::flow_control));
    // Its last message once, though its frame is repeated.
    CHECK(is_taken(victim.message(1'000, 0, framed(10), true)));
    CHECK(victim.read_messages() == 2);
}

TEST_CASE("protocol §8.1 SKIP: lies about offsets are error 5") {
    const auto whole = framed(100);
    for (int which = 0; which < 5; ++which) {
        CAPTURE(which);
        Victim victim = victim_with(StreamKind::expiring);
        REQUIRE(is_taken(victim.message(0, 0, part(whole, 0, 20))));
        if (which == 4) REQUIRE(is_taken(victim.message(300, 0, {}, true)));
        const wire::Skip skips[] = {
            {10, 5},                           // backwards
            {0, 50},                           // ends inside a message
            {50, 200},                         // begins inside one
            {200, stream_credit_initial + 1},  // beyond the credit
            {200, 301},                        // beyond the end
        };
        CHECK(fails_with(victim.control(1, 0, {skips[which]}), ErrorCode::flow_control));
    }
}

TEST_CASE("protocol §9.2 (c): ranges and begun messages of a session are bounded") {
    Victim victim;
    std::size_t taken = 0;
    for (std::uint16_t stream = 0; stream < 40; ++stream) {
        const auto id = static_cast<std::uint16_t>(1 + 2 * stream);
        REQUIRE(is_taken(victim.control(id, 0, {open_of(StreamKind::messages)})));
        // The first byte of one message after the other, with gaps.
        for (std::uint64_t i = 1; i < 2'000; ++i) {
            const std::vector<std::uint8_t> bytes{10};
            const auto result = victim.streams.handle_data(start, rtt, id, wire::flag::message,
                                                           {0, i * 20, 0, bytes});
            REQUIRE(result.has_value());
            if (*result == Taken::yes) ++taken;
        }
    }
    CHECK(victim.streams.fragment_count() <= fragment_count_max + 1);
    // A range and a message each.
    CHECK(taken <= fragment_count_max / 2 + 1);
    // What the application waits for is welcome all the same.
    REQUIRE(is_taken(victim.message(0, 0, {5, 1, 2})));
    REQUIRE(is_taken(victim.message(3, 3, {3, 4, 5})));
    CHECK(victim.read_messages() == 1);
    for (std::uint16_t stream = 0; stream < 40; ++stream) {
        const auto id = static_cast<std::uint16_t>(1 + 2 * stream);
        victim.streams.release(start, rtt, {id, 0});
        REQUIRE(is_taken(victim.control(id, 0, {wire::Reset{0, 40'000}})));
    }
    victim.acknowledge_all();
    CHECK(victim.streams.fragment_count() == 0);
    CHECK(victim.streams.state_count() == 0);
}

TEST_CASE("protocol §9.2 (c): a million empty messages cost no more than their bytes") {
    Victim victim = victim_with(StreamKind::messages);
    std::uint64_t offset = 0;
    const std::vector<std::uint8_t> empty{0};
    for (; offset < stream_credit_initial; ++offset)
        REQUIRE(is_taken(victim.message(offset, 0, empty)));
    CHECK(victim.streams.fragment_count() == 0);
    CHECK(fails_with(victim.message(offset, 0, empty), ErrorCode::flow_control));
}

TEST_CASE("protocol §9.3 (c): begun messages cannot raise a stream's limit without end") {
    Victim victim = victim_with(StreamKind::messages);
    std::uint64_t limit = stream_credit_initial;
    for (int i = 0; i < 2'000; ++i) {
        // A byte at the edge, whose message has yet to tell its length.
        const auto result = victim.message(limit - 1, 0, {0x80});
        if (!is_taken(result)) break;
        if (const std::uint64_t raised = victim.credit_sent(); raised > 0) limit = raised;
    }
    CHECK(limit <= stream_credit_initial + 10 * partial_message_count_max);
}

// Every order of everything that can be said of a stream, for every kind.
TEST_CASE("lesson 7: OPEN, DATA, STREAM_END, STOP, RESET and SKIP in every order") {
    const auto whole = framed(100);
    for (std::uint64_t kind = 0; kind < 5; ++kind) {
        std::vector<int> order{0, 1, 2, 3, 4, 5};
        do {
            CAPTURE(kind);
            Victim victim;
            bool is_violation = false;
            // As a path that takes all in the end: what was not taken comes again.
            for (int round = 0; round < 2 && !is_violation; ++round) {
                for (const int step : order) {
                    const bool is_message = kind != 0;
                    const auto result =
                        step == 0 ? victim.control(1, 0, {wire::Open{kind, 3, 1'000, {}}})
                        : step == 1
                            ? (is_message ? victim.message(0, 0, whole) : victim.data(1, 0, 0, 101))
                        : step == 2 ? (is_message ? victim.message(101, 0, {}, true)
                                                  : victim.data(1, 0, 101, 0, true))
                        : step == 3 ? victim.control(1, 0, {wire::Stop{9}})
                        : step == 4 ? victim.control(1, 0, {wire::Reset{8, 101}})
                        : kind == 3 ? victim.control(1, 0, {wire::Skip{0, 101}})
                                    : victim.control(1, 0, {wire::Priority{2}});
                    is_violation = is_violation || !result.has_value();
                    victim.acknowledge_all();
                }
            }
            REQUIRE_FALSE(is_violation);
            while (victim.streams.poll_event()) {
            }
            victim.streams.finish({1, 0});
            victim.streams.release(start, rtt, {1, 0});
            victim.acknowledge_all();
            REQUIRE(victim.streams.open_count() == 0);
            REQUIRE(victim.streams.state_count() == 0);
            REQUIRE(victim.streams.unread() == 0);
            REQUIRE(victim.streams.fragment_count() == 0);
        } while (std::next_permutation(order.begin(), order.end()));
    }
}

TEST_CASE("protocol §8.3 (a): what waits for its OPEN is bounded over all streams together") {
    StreamsConfig config;
    config.peer_stream_limit = 1'000;
    Victim victim(config);
    const std::size_t whole = early_size_max / stream_credit_initial;
    const auto id_of = [](std::size_t i) { return static_cast<std::uint16_t>(2 * i + 1); };
    for (std::size_t i = 0; i < whole; ++i) {
        CHECK(is_taken(victim.data(id_of(i), 0, 0, stream_credit_initial)));
    }
    CHECK(is_not_taken(victim.data(id_of(whole), 0, 0, 1)));
    // A repeat adds nothing, and an OPEN is always taken and makes room.
    CHECK(is_taken(victim.data(id_of(0), 0, 0, 1'000)));
    CHECK(is_taken(victim.control(id_of(0), 0, {open_bytes})));
    CHECK(victim.streams.unread() == stream_credit_initial);
    CHECK(is_taken(victim.data(id_of(whole), 0, 0, stream_credit_initial)));
    CHECK(is_not_taken(victim.data(id_of(whole + 1), 0, 0, 1)));
}

TEST_CASE("protocol §8.1 STREAM_LIMIT: more than 128 streams are told as the session begins") {
    for (const std::uint64_t limit : {0u, 128u, 129u, 1'000u, 1'000'000u}) {
        StreamsConfig config;
        config.peer_stream_limit = limit;
        Streams streams(config);
        const std::uint64_t taken = std::clamp<std::uint64_t>(limit, 128, stream_limit_max);
        CHECK(streams.credit_use().accepted_limit == taken);
        CHECK(streams.take_stream_limit() == (taken > 128 ? std::optional(taken) : std::nullopt));
        CHECK(!streams.take_stream_limit());
    }
}

TEST_CASE("lesson 6: a peer that only opens and resets is held at STREAM_LIMIT") {
    Victim victim;
    // Unknown kinds are refused, and let go, by this side alone: still each waits for the peer to
    // acknowledge that, so that 128 are the most in a round trip.
    for (std::uint64_t use = 0; use < stream_limit_initial; ++use) {
        const auto id = static_cast<std::uint16_t>(1 + 2 * use);
        REQUIRE(is_taken(victim.control(id, 0, {wire::Open{9, 3, 0, {}}, wire::Reset{0, 0}})));
    }
    CHECK(fails_with(victim.control(1'001, 0, {wire::Open{9, 3, 0, {}}}), ErrorCode::stream));
    CHECK(victim.streams.state_count() == stream_limit_initial);
    victim.acknowledge_all();
    CHECK(victim.streams.state_count() == 0);
    CHECK(victim.streams.take_stream_limit() == 2 * stream_limit_initial);
}

}  // namespace
}  // namespace stt::stream
