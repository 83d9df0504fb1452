#include "core/recovery/received_ranges.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

// The same by the plainest means: every sequence by itself.
class NaiveRanges {
public:
    bool insert(std::uint64_t sequence) {
        if (!sequences_.insert(sequence).second) return false;
        const auto all = descending();
        if (all.size() <= received_ranges_max) return true;
        const auto dropped = all.back();
        for (std::uint64_t i = dropped.first; i <= dropped.last; ++i) sequences_.erase(i);
        return sequence > dropped.last;
    }
    void forget_through(std::uint64_t last) {
        sequences_.erase(sequences_.begin(), sequences_.upper_bound(last));
    }
    std::vector<wire::SequenceRange> descending() const {
        std::vector<wire::SequenceRange> ranges;
        for (auto i = sequences_.rbegin(); i != sequences_.rend(); ++i) {
            if (!ranges.empty() && ranges.back().first == *i + 1) {
                ranges.back().first = *i;
            } else {
                ranges.push_back({*i, *i});
            }
        }
        return ranges;
    }

private:
    std::set<std::uint64_t> sequences_;
};

void check_same(const ReceivedRanges& ranges, const NaiveRanges& naive) {
    const auto expected = naive.descending();
    const auto actual = ranges.descending();
    REQUIRE(actual.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        REQUIRE(actual[i].first == expected[i].first);
        REQUIRE(actual[i].last == expected[i].last);
    }
}

}  // namespace

TEST_CASE("received ranges agree with a set of sequences over seeded random steps") {
    for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL}) {
        CAPTURE(seed);
        Random random(seed);
        ReceivedRanges ranges;
        NaiveRanges naive;
        const std::uint64_t spread = seed % 2 == 0 ? 2'000 : 300;
        std::uint64_t top = 0;
        for (int step = 0; step < 3'000; ++step) {
            if (random.one_in(400)) {
                const std::uint64_t last = top - std::min(top, random.below(spread));
                ranges.forget_through(last);
                naive.forget_through(last);
            } else {
                top += random.below(4);
                const std::uint64_t sequence = top - std::min(top, random.below(spread));
                CHECK(ranges.insert(sequence) == naive.insert(sequence));
                CHECK(ranges.contains(sequence + 1) == [&] {
                    for (const auto& range : naive.descending()) {
                        if (range.first <= sequence + 1 && sequence + 1 <= range.last) return true;
                    }
                    return false;
                }());
            }
            if (step % 16 == 0) check_same(ranges, naive);
        }
        check_same(ranges, naive);
    }
}

TEST_CASE("protocol §10.2 (b): over 256 ranges the oldest are dropped") {
    ReceivedRanges ranges;
    for (std::uint64_t i = 0; i < 256; ++i) CHECK(ranges.insert(10 + 2 * i));
    CHECK(ranges.descending().size() == 256);
    CHECK(ranges.contains(10));

    CHECK(ranges.insert(10 + 2 * 256));
    CHECK(ranges.descending().size() == 256);
    CHECK_FALSE(ranges.contains(10));
    CHECK(ranges.contains(12));

    CHECK_FALSE(ranges.insert(8));  // would be the oldest itself
    CHECK(ranges.insert(13));       // joins two: there is room for one again
    CHECK(ranges.descending().size() == 255);
    CHECK(ranges.insert(8));
}

TEST_CASE("the highest sequence there is can be inserted") {
    ReceivedRanges ranges;
    CHECK(ranges.insert(UINT64_MAX));
    CHECK(ranges.insert(UINT64_MAX - 1));
    CHECK_FALSE(ranges.insert(UINT64_MAX));
    CHECK(ranges.descending().size() == 1);
    ranges.forget_through(UINT64_MAX);
    CHECK(ranges.is_empty());
}

}  // namespace stt::recovery::testing
