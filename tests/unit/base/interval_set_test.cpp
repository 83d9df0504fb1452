#include "base/interval_set.hpp"

#include <doctest/doctest.h>

#include <bitset>

#include "testing/seeded_random.hpp"

namespace stt {
namespace {

constexpr std::size_t universe = 96;
using Model = std::bitset<universe>;

std::vector<Interval> intervals_of(const Model& model) {
    std::vector<Interval> intervals;
    for (std::size_t i = 0; i < universe; ++i) {
        if (!model[i]) continue;
        if (!intervals.empty() && intervals.back().end == i) {
            ++intervals.back().end;
        } else {
            intervals.push_back({i, i + 1});
        }
    }
    return intervals;
}

TEST_CASE("IntervalSet: agrees with a set of bits over 200,000 random steps") {
    testing::SeededRandom random(2);
    IntervalSet set;
    Model model;
    for (int step = 0; step < 200'000; ++step) {
        const std::uint64_t begin = random.below(universe + 1);
        const std::uint64_t end = std::min<std::uint64_t>(universe, begin + random.below(12));
        const std::uint64_t action = random.below(5);
        if (action < 2) {
            set.insert(begin, end);
            for (std::uint64_t i = begin; i < end; ++i) model.set(i);
        } else if (action < 4) {
            set.erase(begin, end);
            for (std::uint64_t i = begin; i < end; ++i) model.reset(i);
        } else if (random.below(200) == 0) {
            set.clear();
            model.reset();
        }
        bool is_contained = true;
        for (std::uint64_t i = begin; i < end; ++i) is_contained = is_contained && model[i];
        REQUIRE(set.contains(begin, end) == is_contained);
        if (begin < end) {
            bool is_touched = false;
            const std::uint64_t first = begin == 0 ? 0 : begin - 1;
            for (std::uint64_t i = first; i < std::min<std::uint64_t>(universe, end + 1); ++i) {
                is_touched = is_touched || model[i];
            }
            REQUIRE(set.touches(begin, end) == is_touched);
        }
        if (step % 16 == 0) REQUIRE(set.intervals() == intervals_of(model));
    }
}

TEST_CASE("IntervalSet: neighbours that touch are one, those one apart are not") {
    IntervalSet set;
    set.insert(10, 20);
    set.insert(20, 30);
    CHECK(set.count() == 1);
    set.insert(31, 40);
    CHECK(set.count() == 2);
    set.insert(30, 31);
    CHECK(set.count() == 1);
    CHECK(set.front() == Interval{10, 40});
}

TEST_CASE("IntervalSet: an empty interval changes nothing and is in every set") {
    IntervalSet set;
    set.insert(5, 5);
    CHECK(set.is_empty());
    CHECK(set.contains(5, 5));
    set.insert(1, 3);
    set.erase(2, 2);
    CHECK(set.front() == Interval{1, 3});
}

}  // namespace
}  // namespace stt
