// Sets of byte offsets as half-open intervals.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stt/check.hpp>
#include <vector>

namespace stt {

// Offsets from begin up to, not including, end.
struct Interval {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    std::uint64_t size() const noexcept { return end - begin; }
    friend bool operator==(const Interval&, const Interval&) = default;
};

// Disjoint intervals in ascending order; neighbours that touch are one. A sorted
// vector: the sets of a transport are short, and whoever inserts what a peer chose
// bounds their number with count().
class IntervalSet {
public:
    bool is_empty() const noexcept { return intervals_.empty(); }
    std::size_t count() const noexcept { return intervals_.size(); }
    const Interval& front() const noexcept { return intervals_.front(); }
    const Interval& back() const noexcept { return intervals_.back(); }
    const std::vector<Interval>& intervals() const noexcept { return intervals_; }

    // Adds [begin, end); an empty interval adds nothing.
    void insert(std::uint64_t begin, std::uint64_t end) {
        if (begin >= end) return;
        auto first = std::lower_bound(
            intervals_.begin(), intervals_.end(), begin,
            [](const Interval& interval, std::uint64_t value) { return interval.end < value; });
        if (first == intervals_.end() || first->begin > end) {
            intervals_.insert(first, Interval{begin, end});
            return;
        }
        auto last = first;
        std::uint64_t joined_end = end;
        for (; last != intervals_.end() && last->begin <= end; ++last) {
            joined_end = std::max(joined_end, last->end);
        }
        first->begin = std::min(first->begin, begin);
        first->end = joined_end;
        intervals_.erase(first + 1, last);
    }

    // Takes [begin, end) out.
    void erase(std::uint64_t begin, std::uint64_t end) {
        if (begin >= end) return;
        auto at = std::lower_bound(
            intervals_.begin(), intervals_.end(), begin,
            [](const Interval& interval, std::uint64_t value) { return interval.end <= value; });
        while (at != intervals_.end() && at->begin < end) {
            if (at->begin < begin && at->end > end) {
                const Interval tail{end, at->end};
                at->end = begin;
                intervals_.insert(at + 1, tail);
                return;
            }
            if (at->begin < begin) {
                at->end = begin;
                ++at;
            } else if (at->end > end) {
                at->begin = end;
                return;
            } else {
                at = intervals_.erase(at);
            }
        }
    }

    // True when all of [begin, end) is in the set.
    bool contains(std::uint64_t begin, std::uint64_t end) const noexcept {
        if (begin >= end) return true;
        const auto at = std::lower_bound(
            intervals_.begin(), intervals_.end(), begin,
            [](const Interval& interval, std::uint64_t value) { return interval.end <= value; });
        return at != intervals_.end() && at->begin <= begin && at->end >= end;
    }

    // True when inserting [begin, end) would join an interval that is there.
    bool touches(std::uint64_t begin, std::uint64_t end) const noexcept {
        const auto at = std::lower_bound(
            intervals_.begin(), intervals_.end(), begin,
            [](const Interval& interval, std::uint64_t value) { return interval.end < value; });
        return at != intervals_.end() && at->begin <= end;
    }

    void clear() noexcept { intervals_.clear(); }

private:
    std::vector<Interval> intervals_;
};

}  // namespace stt
