#include "core/stream/receive_window.hpp"

#include <doctest/doctest.h>

#include "core/stream/stream_state.hpp"

namespace stt::stream {
namespace {

using std::chrono::milliseconds;
constexpr Duration rtt = milliseconds(10);

TEST_CASE(
    "protocol §9.2 (a): the limit rises when less than half of the window is left, not before") {
    ReceiveWindow window(1'000, 8'000);
    const Instant now(milliseconds(1));
    CHECK(window.limit() == 1'000);
    CHECK(!window.on_read(now, rtt, 499));
    CHECK(!window.on_read(now, rtt, 500));
    CHECK(window.on_read(now, rtt, 501));
    CHECK(window.limit() == 1'501);
}

TEST_CASE(
    "protocol §9.2 (b): a window doubles when used up within two round trips, up to its cap") {
    ReceiveWindow window(1'000, 3'000);
    Instant now(milliseconds(1));
    REQUIRE(window.on_read(now, rtt, 1'000));
    CHECK(window.window() == 1'000);
    now += milliseconds(19);
    REQUIRE(window.on_read(now, rtt, 2'000));
    CHECK(window.window() == 2'000);
    CHECK(window.limit() == 4'000);
    now += milliseconds(20);
    REQUIRE(window.on_read(now, rtt, 4'000));
    CHECK(window.window() == 2'000);
    now += milliseconds(1);
    REQUIRE(window.on_read(now, rtt, 6'000));
    CHECK(window.window() == 3'000);
}

TEST_CASE("protocol §9.2 (b): a window that ends behind a gap grows, however late") {
    ReceiveWindow window(1'000, 8'000);
    Instant now(milliseconds(1));
    REQUIRE(window.on_read(now, rtt, 1'000));
    // Everything up to the limit but for the first bytes; they come three round trips later.
    window.on_gap(2'000, 0);
    now += 3 * rtt;
    REQUIRE(window.on_read(now, rtt, 2'000));
    CHECK(window.window() == 4'000);
    // Once for each: the next is as slow, but was never used up.
    window.on_gap(4'000, 0);
    now += 3 * rtt;
    REQUIRE(window.on_read(now, rtt, 4'500));
    CHECK(window.window() == 4'000);
}

TEST_CASE("protocol §9.2 (b): an application that does not read gets no larger window") {
    ReceiveWindow window(1'000, 8'000);
    REQUIRE(window.on_read(Instant(milliseconds(1)), rtt, 1'000));
    window.on_gap(2'000, 500);
    REQUIRE(window.on_read(Instant(milliseconds(100)), rtt, 2'000));
    CHECK(window.window() == 1'000);
}

TEST_CASE("ReceiveWindow: limits never sink") {
    // A cap below the initial credit, which the peer counts on all the same.
    ReceiveWindow window(65'536, 1'000);
    CHECK(window.limit() == 65'536);
    CHECK(!window.on_read(Instant(milliseconds(1)), rtt, 10));
    CHECK(window.limit() == 65'536);
    CHECK(window.on_read(Instant(milliseconds(1)), rtt, 65'536));
    CHECK(window.limit() == 66'536);
}

}  // namespace
}  // namespace stt::stream
