#include "core/stream/receive_window.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "core/stream/stream_state.hpp"

namespace stt::stream {
namespace {

using std::chrono::milliseconds;
constexpr Duration rtt = milliseconds(10);

// Everything that came was read at once.
ReceiveWindow::Progress all_read(std::uint64_t end) {
    return {end, 0, end};
}

TEST_CASE(
    "protocol §9.2 (a): the limit rises when less than half of the window is left, not before") {
    ReceiveWindow window(1'000, 8'000);
    const Instant now(milliseconds(1));
    CHECK(window.limit() == 1'000);
    CHECK(!window.on_progress(now, rtt, all_read(499)));
    CHECK(!window.on_progress(now, rtt, all_read(500)));
    CHECK(window.on_progress(now, rtt, all_read(501)));
    CHECK(window.limit() == 1'501);
}

TEST_CASE(
    "protocol §9.2 (b): a window grows to eight times what comes in a round trip, up to its cap") {
    ReceiveWindow window(1'000, 3'000);
    Instant now(milliseconds(1));
    CHECK_FALSE(window.on_progress(now, rtt, all_read(100)));
    // Less than a round trip is not measured, and of a longer time the rate is.
    now += rtt - Duration(1);
    CHECK_FALSE(window.on_progress(now, rtt, all_read(200)));
    CHECK(window.window() == 1'000);
    now += rtt + Duration(1);
    CHECK_FALSE(window.on_progress(now, rtt, all_read(250)));
    CHECK(window.window() == 1'000);
    now += rtt;
    REQUIRE(window.on_progress(now, rtt, all_read(550)));
    CHECK(window.window() == 8 * 300);
    CHECK(window.limit() == 550 + 8 * 300);
    now += rtt;
    REQUIRE(window.on_progress(now, rtt, all_read(2'000)));
    CHECK(window.window() == 3'000);
    // It does not shrink again.
    now += 100 * rtt;
    CHECK(window.on_progress(now, rtt, all_read(4'000)));
    CHECK(window.window() == 3'000);
}

TEST_CASE(
    "protocol §9.2 (b): a peer that doubles its rate each round trip does not come to the limit") {
    constexpr std::uint64_t cap = 16 << 20;
    // What waits for a datagram that was lost cannot be read; it comes after two round trips.
    for (const bool is_lost : {false, true}) {
        ReceiveWindow window(65'536, cap);
        const auto arrived_at = [](int ms) {
            return static_cast<std::uint64_t>(12'000 * std::exp2(ms / 10.0));
        };
        std::uint64_t read = 0;
        for (int ms = 0; window.window() < cap; ++ms) {
            REQUIRE(ms < 1'000);
            if (!is_lost || ms / 20 % 2 == 0) read = arrived_at(ms);
            window.on_progress(Instant(milliseconds(1 + ms)), rtt, {arrived_at(ms), 0, read});
            // A limit that is told now lets the peer go on half a round trip later; what it sends
            // then arrives after the other half.
            CAPTURE(is_lost);
            CAPTURE(ms);
            CHECK(window.limit() >= arrived_at(ms + 10));
        }
    }
}

TEST_CASE("protocol §9.2 (c): an application that does not keep up gets no larger window") {
    ReceiveWindow window(1'000, 8'000);
    Instant now(milliseconds(1));
    for (std::uint64_t highest = 0; highest <= 1'000; highest += 100) {
        CHECK_FALSE(window.on_progress(now, rtt, {highest, highest, 0}));
        now += rtt / 5;
    }
    CHECK(window.window() == 1'000);
    CHECK(window.limit() == 1'000);
    // Nor one that reads all of it now and then.
    for (std::uint64_t read = 1'000; read < 20'000; read += 1'000) {
        now += 10 * rtt;
        CHECK(window.on_progress(now, rtt, all_read(read)));
        CHECK_FALSE(window.on_progress(now, rtt, {read + 1'000, 1'000, read}));
    }
    CHECK(window.window() == 1'000);
}

TEST_CASE("ReceiveWindow: limits never sink") {
    // A cap below the initial credit, which the peer counts on all the same.
    ReceiveWindow window(65'536, 1'000);
    CHECK(window.limit() == 65'536);
    CHECK(!window.on_progress(Instant(milliseconds(1)), rtt, all_read(10)));
    CHECK(window.limit() == 65'536);
    CHECK(window.on_progress(Instant(milliseconds(1)), rtt, all_read(65'536)));
    CHECK(window.limit() == 66'536);
}

}  // namespace
}  // namespace stt::stream
