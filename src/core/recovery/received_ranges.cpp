#include "core/recovery/received_ranges.hpp"

#include <algorithm>

namespace stt::recovery {

namespace {

// The first range, from the largest down, that does not lie wholly above `sequence`.
template <class Ranges>
auto first_at_or_below(Ranges& ranges, std::uint64_t sequence) noexcept {
    return std::partition_point(
        ranges.begin(), ranges.end(),
        [sequence](const wire::SequenceRange& range) { return range.first > sequence; });
}

}  // namespace

bool ReceivedRanges::insert(std::uint64_t sequence) {
    const auto below = first_at_or_below(ranges_, sequence);
    if (below != ranges_.end() && below->last >= sequence) return false;
    const bool touches_below = below != ranges_.end() && below->last + 1 == sequence;
    const bool touches_above = below != ranges_.begin() && (below - 1)->first == sequence + 1;
    if (touches_below && touches_above) {
        (below - 1)->first = below->first;
        ranges_.erase(below);
    } else if (touches_below) {
        below->last = sequence;
    } else if (touches_above) {
        (below - 1)->first = sequence;
    } else {
        if (ranges_.size() == received_ranges_max) {
            if (below == ranges_.end()) return false;
            const auto position = below - ranges_.begin();
            ranges_.pop_back();
            ranges_.insert(ranges_.begin() + position, {sequence, sequence});
            return true;
        }
        ranges_.insert(below, {sequence, sequence});
    }
    return true;
}

bool ReceivedRanges::contains(std::uint64_t sequence) const noexcept {
    const auto range = first_at_or_below(ranges_, sequence);
    return range != ranges_.end() && range->last >= sequence;
}

void ReceivedRanges::forget_through(std::uint64_t last) noexcept {
    while (!ranges_.empty() && ranges_.back().last <= last) ranges_.pop_back();
    if (!ranges_.empty() && ranges_.back().first <= last) ranges_.back().first = last + 1;
}

}  // namespace stt::recovery
