#include "core/recovery/hystart.hpp"

#include <doctest/doctest.h>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

using Phase = HyStart::Phase;

// Rounds of `samples` ACKs, one datagram each.
class Rounds {
public:
    void run(HyStart& hystart, Duration round_trip, std::uint64_t samples = 10) {
        const std::uint64_t end = next_ + samples;
        for (; next_ < end; ++next_) hystart.on_acked(next_, end, round_trip);
    }

private:
    std::uint64_t next_ = 0;
};

}  // namespace

TEST_CASE("RFC 9406 §4.2: a steady round trip never ends slow start") {
    HyStart hystart;
    Rounds rounds;
    for (int i = 0; i < 50; ++i) rounds.run(hystart, milliseconds(100));
    CHECK(hystart.phase() == Phase::slow_start);
    CHECK(hystart.growth(1'000) == 1'000);
}

TEST_CASE("RFC 9406 §4.3: the threshold is an eighth of the round trip, within 4 and 16 ms") {
    struct Case {
        Duration base;
        Duration threshold;
    };
    for (const auto& [base, threshold] :
         {Case{milliseconds(10), milliseconds(4)}, Case{milliseconds(80), milliseconds(10)},
          Case{milliseconds(400), milliseconds(16)}}) {
        HyStart below;
        Rounds rounds_below;
        rounds_below.run(below, base);
        rounds_below.run(below, base + threshold - microseconds(1));
        CHECK(below.phase() == Phase::slow_start);

        HyStart above;
        Rounds rounds_above;
        rounds_above.run(above, base);
        rounds_above.run(above, base + threshold);
        CHECK(above.phase() == Phase::conservative);
        CHECK(above.growth(1'000) == 250);
    }
}

TEST_CASE("RFC 9406 §4.2: a round of fewer than eight samples decides nothing") {
    HyStart hystart;
    Rounds rounds;
    rounds.run(hystart, milliseconds(50));
    rounds.run(hystart, milliseconds(100), 7);
    CHECK(hystart.phase() == Phase::slow_start);
}

TEST_CASE("RFC 9406 §4.2: one low sample is enough to keep a round innocent") {
    HyStart hystart;
    Rounds rounds;
    rounds.run(hystart, milliseconds(50));
    hystart.on_acked(10, 100, milliseconds(50));
    for (std::uint64_t i = 11; i < 100; ++i) hystart.on_acked(i, 100, milliseconds(90));
    CHECK(hystart.phase() == Phase::slow_start);
    for (std::uint64_t i = 100; i < 108; ++i) hystart.on_acked(i, 200, milliseconds(90));
    CHECK(hystart.phase() == Phase::conservative);
}

TEST_CASE("RFC 9406 §4.2: after five rounds of conservative slow start it is over") {
    HyStart hystart;
    Rounds rounds;
    rounds.run(hystart, milliseconds(50));
    rounds.run(hystart, milliseconds(70));  // enters; this partial round is the first
    for (int round = 0; round < 4; ++round) {
        CHECK(hystart.phase() == Phase::conservative);
        rounds.run(hystart, milliseconds(70));
    }
    CHECK(hystart.phase() == Phase::conservative);
    rounds.run(hystart, milliseconds(70), 1);
    CHECK(hystart.phase() == Phase::finished);
}

TEST_CASE("RFC 9406 §4.2: when the delay falls again slow start resumes") {
    HyStart hystart;
    Rounds rounds;
    rounds.run(hystart, milliseconds(50));
    rounds.run(hystart, milliseconds(70));
    rounds.run(hystart, milliseconds(70));
    CHECK(hystart.phase() == Phase::conservative);
    rounds.run(hystart, milliseconds(60));
    CHECK(hystart.phase() == Phase::slow_start);
    rounds.run(hystart, milliseconds(80));
    CHECK(hystart.phase() == Phase::conservative);
}

}  // namespace stt::recovery::testing
