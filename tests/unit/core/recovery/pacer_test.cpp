#include "core/recovery/pacer.hpp"

#include <doctest/doctest.h>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

TEST_CASE("before a rate is known a pacer holds nothing back") {
    Pacer pacer(1'200);
    for (int i = 0; i < 100; ++i) {
        CHECK(pacer.budget(at(Duration(0))) == 12'000);
        pacer.on_sent(at(Duration(0)), 12'000);
    }
    CHECK_FALSE(pacer.next_release(at(Duration(0)), 1'200).has_value());
}

TEST_CASE("protocol §10.4 (b): a burst is at most ten datagrams or 1 ms, never over 64 KiB") {
    Pacer pacer(1'472);
    pacer.set_rate(at(Duration(0)), 1'000'000);
    CHECK(pacer.burst_max() == 14'720);
    pacer.set_rate(at(Duration(0)), 30'000'000);
    CHECK(pacer.burst_max() == 30'000);
    pacer.set_rate(at(Duration(0)), 1'250'000'000);
    CHECK(pacer.burst_max() == 65'536);
    CHECK(pacer.budget(at(seconds(10'000))) == 65'536);
}

TEST_CASE("over any time the rate is kept to the byte, at any rate") {
    for (const std::uint64_t rate : {7ULL, 1'000ULL, 999'983ULL, 125'000'000ULL, 1'250'000'000ULL,
                                     12'500'000'000ULL, 60'000'000'000ULL}) {
        CAPTURE(rate);
        Pacer pacer(1'200);
        Instant now = at(Duration(0));
        pacer.set_rate(now, rate);
        std::uint64_t sent = 0;
        std::size_t largest_burst = 0;
        const std::size_t first = pacer.budget(now);
        Instant last = now;
        for (int i = 0; i < 20'000; ++i) {
            last = now;
            std::size_t burst = 0;
            while (pacer.budget(now) >= 1'200) {
                pacer.on_sent(now, 1'200);
                burst += 1'200;
            }
            sent += burst;
            largest_burst = std::max(largest_burst, burst);
            const auto release = pacer.next_release(now, 1'200);
            REQUIRE(release.has_value());
            REQUIRE(*release > now);  // no stall, no spinning
            now = *release;
        }
        CHECK(largest_burst <= pacer.burst_max());
        const auto elapsed = static_cast<long double>((last - at(Duration(0))).count());
        const auto allowed = static_cast<long double>(rate) * elapsed / 1'000'000;
        CHECK(static_cast<long double>(sent) <= allowed + static_cast<long double>(first));
        CHECK(static_cast<long double>(sent) + 1'200 >= allowed + static_cast<long double>(first));
    }
}

TEST_CASE("a change of rate counts from then on") {
    Pacer pacer(1'200);
    pacer.set_rate(at(Duration(0)), 1'000'000);
    pacer.on_sent(at(Duration(0)), 12'000);
    pacer.set_rate(at(milliseconds(1)), 2'000'000);
    CHECK(pacer.budget(at(milliseconds(1))) == 1'000);
    CHECK(pacer.budget(at(milliseconds(2))) == 3'000);
}

TEST_CASE("what is sent without leave is owed, up to one burst") {
    Pacer pacer(1'200);
    pacer.set_rate(at(Duration(0)), 1'000'000);
    for (int i = 0; i < 1'000; ++i) pacer.on_sent(at(Duration(0)), 1'200);
    CHECK(pacer.budget(at(Duration(0))) == 0);
    CHECK(pacer.next_release(at(Duration(0)), 1'200) == at(microseconds(13'200)));
}

TEST_CASE("more than a burst is never waited for") {
    Pacer pacer(1'200);
    pacer.set_rate(at(Duration(0)), 1'000'000);
    pacer.on_sent(at(Duration(0)), 12'000);
    CHECK(pacer.next_release(at(Duration(0)), 1'000'000) == at(milliseconds(12)));
}

TEST_CASE("RFC 9002 §7.7: the rate is 1.25 windows a round trip, 2 in slow start") {
    CHECK(pacing_rate_of(100'000, milliseconds(100), false) == 1'250'000);
    CHECK(pacing_rate_of(100'000, milliseconds(100), true) == 2'000'000);
    // A loopback: 64 KiB of window, and pacing does not bind below 13 Gbit/s.
    CHECK(pacing_rate_of(65'536, microseconds(50), false) > 13'000'000'000 / 8);
    CHECK(pacing_rate_of(1, Duration(0), false) == 1'250'000);
}

}  // namespace stt::recovery::testing
