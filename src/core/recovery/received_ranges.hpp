// Which sequences have arrived, as few ranges. Spec protocol §10.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/wire/control.hpp"

namespace stt::recovery {

// Ranges that a receiver keeps. Spec protocol §10.2; 256 × 16 bytes = 4 KiB.
inline constexpr std::size_t received_ranges_max = 256;

// A set of sequences as disjoint ranges that do not touch, largest first. Over
// received_ranges_max the lowest is dropped. Memory grows with use up to 4 KiB.
class ReceivedRanges {
public:
    // False when it was there already, or is below all of 256 ranges and so is not kept.
    bool insert(std::uint64_t sequence);
    bool contains(std::uint64_t sequence) const noexcept;
    // Forgets every sequence up to and with `last`.
    void forget_through(std::uint64_t last) noexcept;

    // Descending; valid until the next change.
    std::span<const wire::SequenceRange> descending() const noexcept { return ranges_; }
    bool is_empty() const noexcept { return ranges_.empty(); }

private:
    std::vector<wire::SequenceRange> ranges_;
};

}  // namespace stt::recovery
