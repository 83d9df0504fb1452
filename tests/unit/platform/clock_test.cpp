#include <doctest/doctest.h>

#include <chrono>
#include <platform/clock.hpp>

using namespace stt;

TEST_CASE("Clock: now() never goes back") {
    Instant last = platform::now();
    for (int i = 0; i < 100'000; ++i) {
        const Instant next = platform::now();
        REQUIRE(next >= last);
        last = next;
    }
}

TEST_CASE("Clock: now() moves on by itself") {
    const Instant start = platform::now();
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (platform::now() == start && std::chrono::steady_clock::now() < give_up) {
    }
    CHECK(platform::now() > start);
}

TEST_CASE("Clock: unix_milliseconds() is the date of the system") {
    const auto seconds = static_cast<std::int64_t>(
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
    const std::int64_t difference = platform::unix_milliseconds() / 1000 - seconds;
    CHECK(difference >= -60);
    CHECK(difference <= 60);
}
