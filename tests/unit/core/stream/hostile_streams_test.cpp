// What a peer that breaks the rules, or bends them, does to the streams of a session. Each case
// was once possible.
#include <doctest/doctest.h>

#include <vector>

#include "victim.hpp"

namespace stt::stream {
TEST_CASE("protocol §8.3 (f): a stream that was never opened cannot be opened again") {
    Victim victim;
    REQUIRE(victim.data(1, 0, 0, 100).has_value());
    const auto again = victim.data(1, 1, 0, 100);
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code == ErrorCode::protocol);
}

TEST_CASE("protocol §8.1 STREAM_LIMIT: one Stream ID used again and again runs into STREAM_LIMIT") {
    Victim victim;
    std::uint64_t use = 0;
    for (; use < stream_limit_initial; ++use) {
        REQUIRE(victim.control(1, use, {open_bytes, wire::Reset{0, 0}}).has_value());
    }
    // Nobody here has looked at one of them: there is no room for more.
    const auto beyond = victim.control(1, use, {open_bytes});
    REQUIRE_FALSE(beyond.has_value());
    CHECK(beyond.error().code == ErrorCode::stream);
    CHECK_FALSE(victim.streams.take_stream_limit().has_value());
}

TEST_CASE(
    "protocol §8.1 STREAM_LIMIT: STREAM_LIMIT rises when the application has let go of "
    "closed streams") {
    Victim victim;
    REQUIRE(victim.control(1, 0, {open_bytes, wire::Reset{0, 0}}).has_value());
    victim.streams.finish({1, 0});
    victim.acknowledge_all();
    CHECK_FALSE(victim.streams.take_stream_limit().has_value());
    victim.streams.release(start, rtt, {1, 0});
    CHECK(victim.streams.take_stream_limit() == stream_limit_initial + 1);
}

TEST_CASE("what a STOP made this side discard is never told as acknowledged") {
    Victim victim;
    REQUIRE(victim.control(1, 0, {open_bytes}).has_value());
    const std::vector<std::uint8_t> bytes(10'000, 'x');
    REQUIRE(victim.streams.write({1, 0}, bytes).has_value());
    SUBCASE("when it comes while somebody waits") {
        REQUIRE(victim.streams.wait_acknowledged({1, 0}).has_value());
        REQUIRE(victim.control(1, 0, {wire::Stop{9}}).has_value());
    }
    SUBCASE("when somebody asks afterwards") {
        REQUIRE(victim.control(1, 0, {wire::Stop{9}}).has_value());
        const auto waiting = victim.streams.wait_acknowledged({1, 0});
        REQUIRE_FALSE(waiting.has_value());
        CHECK(waiting.error() == WriteError::stopped);
    }
    victim.acknowledge_all();
    bool is_stopped_told = false;
    while (const auto event = victim.streams.poll_event()) {
        CHECK(event->kind != StreamEvent::Kind::acknowledged);
        is_stopped_told = is_stopped_told || event->kind == StreamEvent::Kind::stopped;
    }
    CHECK(is_stopped_told);
}

TEST_CASE("protocol §9.2 (c): a peer that never sends the first byte gets no credit by the last") {
    Victim victim;
    REQUIRE(victim.control(1, 0, {open_bytes}).has_value());
    Instant now = start;
    const std::vector<std::uint8_t> byte(1);
    for (int i = 0; i < 20; ++i, now += rtt) {
        const auto statistics = victim.streams.statistics({1, 0});
        const std::uint64_t end = statistics->receive_limit - (i == 0 ? 1 : 0);
        if (end <= statistics->bytes_received) break;
        REQUIRE(victim.streams.handle_data(now, rtt, 1, 0, {0, end - 1, 0, byte}).has_value());
    }
    CHECK(victim.streams.statistics({1, 0})->receive_limit == stream_credit_initial);
    CHECK(victim.streams.credit_use().receive_limit == session_credit_initial);
}

TEST_CASE("protocol §9.1 (c)(d): what a RESET before OPEN used up gives its credit back") {
    Victim victim;
    for (std::uint16_t i = 0; i < 32; ++i) {
        const auto id = static_cast<std::uint16_t>(1 + 2 * i);
        REQUIRE(victim.control(id, 0, {wire::Reset{0, stream_credit_initial}}).has_value());
        REQUIRE(victim.control(id, 0, {open_bytes}).has_value());
    }
    const auto credit = victim.streams.take_flow_credit();
    REQUIRE(credit.has_value());
    CHECK(*credit >= 32 * stream_credit_initial + session_credit_initial / 2);
}

TEST_CASE(
    "protocol §8.3 (b): a refused stream closes when its end came before the refusal arrived") {
    for (const std::uint64_t kind : {4u, 77u, 1u << 30}) {
        CAPTURE(kind);
        Victim victim;
        REQUIRE(victim.control(1, 0, {wire::Open{kind, 3, 0, {}}}).has_value());
        REQUIRE(victim.data(1, 0, 0, 1'000, true).has_value());
        victim.acknowledge_all();
        CHECK(victim.streams.open_count() == 0);
        CHECK(victim.streams.take_stream_limit() == stream_limit_initial + 1);
    }
}

TEST_CASE(
    "protocol §8.1 OPEN: an OPEN that repeats is ignored, and one of another kind is error 4") {
    Victim victim;
    REQUIRE(victim.control(1, 0, {open_bytes}).has_value());
    REQUIRE(victim.control(1, 0, {open_bytes}).has_value());
    const auto changed = victim.control(1, 0, {wire::Open{2, 3, 0, {}}});
    REQUIRE_FALSE(changed.has_value());
    CHECK(changed.error().code == ErrorCode::stream);
}

TEST_CASE("protocol §8.3 (a): a RESET past the initial credit waits for its OPEN") {
    Victim victim;
    const wire::StreamControlMessage reset = wire::Reset{0, stream_credit_initial + 1};
    const auto early = victim.control(1, 0, {reset});
    REQUIRE(early.has_value());
    CHECK(*early == Taken::no);
    REQUIRE(victim.control(1, 0, {wire::Open{2, 3, 0, {}}}).has_value());
    const auto later = victim.control(1, 0, {reset});
    REQUIRE(later.has_value());
    CHECK(*later == Taken::yes);
}

TEST_CASE("the code of a RESET or STOP is kept for who accepts the stream later") {
    Victim victim;
    REQUIRE(victim.control(1, 0, {open_bytes, wire::Stop{12}}).has_value());
    CHECK(victim.streams.peer_code({1, 0}) == 12);
    REQUIRE(victim.control(1, 0, {wire::Reset{34, 0}}).has_value());
    CHECK(victim.streams.peer_code({1, 0}) == 34);
}

}  // namespace stt::stream
