#include "core/recovery/path_recovery.hpp"

#include <doctest/doctest.h>

namespace stt::recovery {
namespace {

TEST_CASE("a stream's turn is 8 us of the rate, and 16 KiB at most") {
    PathRecovery path{PathConfig{}};
    CHECK(path.stream_turn() == 0);
    const Instant now(std::chrono::seconds(1));
    // The rate is what the first window is in a round trip.
    path.on_round_trip(now, std::chrono::milliseconds(1));
    const std::uint64_t rate = path.pacing_rate();
    REQUIRE(rate > 10'000'000);
    CHECK(path.stream_turn() == rate * 8 / 1'000'000);
    for (int i = 0; i < 100; ++i) path.on_round_trip(now, Duration(1));
    CHECK(path.pacing_rate() > 3'000'000'000);
    CHECK(path.stream_turn() == 16'384);
}

}  // namespace
}  // namespace stt::recovery
