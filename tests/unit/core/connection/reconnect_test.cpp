#include "core/connection/reconnect.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace stt::connection {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant start{seconds(100)};

TEST_CASE("protocol §12.2 (f): 0.5 s from a failed try until the next, doubling to 30 s") {
    Reconnections all({});
    all.begin(start, 7);
    Instant now = start;
    std::vector<Duration> delays;
    for (AttemptId attempt = 1; attempt <= 9; ++attempt) {
        REQUIRE(all.poll_timeout().has_value());
        delays.push_back(*all.poll_timeout() - now);
        now = *all.poll_timeout();
        CHECK_FALSE(all.poll_due(now - Duration(1)));
        REQUIRE(all.poll_due(now) == 7);
        all.on_tried(7, attempt);
        CHECK(all.owner_of(attempt) == 7);
        CHECK_FALSE(all.poll_timeout());
        all.on_failed(now, 7);
        CHECK_FALSE(all.owner_of(attempt));
    }
    CHECK(delays == std::vector<Duration>{seconds(0), milliseconds(500), seconds(1), seconds(2),
                                          seconds(4), seconds(8), seconds(16), seconds(30),
                                          seconds(30)});
    // Another network may be a better one.
    all.hurry(now);
    CHECK(all.poll_timeout() == now);
}

TEST_CASE("a Reconnections with as many tries as allowed has room again when one has ended") {
    ReconnectPolicy policy;
    policy.try_count_max = 2;
    Reconnections all(policy);
    for (SessionHandle session = 1; session <= 3; ++session) all.begin(start, session);
    while (const auto due = all.poll_due(start)) {
        if (all.has_room()) {
            all.on_tried(*due, 10 + *due);
        } else {
            all.postpone(start, *due);
        }
    }
    CHECK_FALSE(all.has_room());
    CHECK(all.poll_timeout() == start + milliseconds(500));
    all.on_response(start, 1, 100, seconds(1), milliseconds(50));
    CHECK_FALSE(all.has_room());
    const auto ended = all.end(1);
    REQUIRE(ended.has_value());
    CHECK(ended->new_session == 100);
    CHECK(all.has_room());
    CHECK_FALSE(all.end(1));
    all.on_failed(start, 2);
    all.end(2);
    all.end(3);
    CHECK(all.count() == 0);
    CHECK_FALSE(all.poll_timeout());
}

TEST_CASE("questions are a round trip apart, and never under 10 ms") {
    for (const Duration round_trip : {Duration(milliseconds(1)), Duration(milliseconds(50))}) {
        Reconnections all({});
        all.begin(start, 1);
        all.on_tried(1, 5);
        all.on_response(start, 1, 2, {}, round_trip);
        CHECK(all.poll_timeout() == start);
        REQUIRE(all.poll_due(start) == 1);
        all.on_asked(start, 1);
        CHECK(all.find(1)->question_count == 1);
        CHECK(all.poll_timeout() == start + std::max(round_trip, Duration(milliseconds(10))));
        all.ask_anew(1);
        CHECK(all.find(1)->question_count == 0);
    }
}

}  // namespace
}  // namespace stt::connection
