#include "core/recovery/sequence_bits.hpp"

#include <algorithm>
#include <bit>
#include <stt/check.hpp>

namespace stt::recovery {

SequenceBits::SequenceBits(std::size_t size)
    : mask_(size - 1),
      word_count_(size / word_bits),
      words_(word_count_ + (word_count_ + word_bits - 1) / word_bits) {
    STT_CHECK(std::has_single_bit(size) && size >= word_bits && size <= size_max);
}

void SequenceBits::set(std::uint64_t sequence) noexcept {
    const std::size_t index = sequence & mask_;
    const std::size_t word = index / word_bits;
    words_[word] |= std::uint64_t{1} << (index % word_bits);
    summary()[word / word_bits] |= std::uint64_t{1} << (word % word_bits);
}

void SequenceBits::clear(std::uint64_t sequence) noexcept {
    const std::size_t index = sequence & mask_;
    const std::size_t word = index / word_bits;
    words_[word] &= ~(std::uint64_t{1} << (index % word_bits));
    if (words_[word] == 0) {
        summary()[word / word_bits] &= ~(std::uint64_t{1} << (word % word_bits));
    }
}

std::optional<std::uint64_t> SequenceBits::next(std::uint64_t first,
                                                std::uint64_t end) const noexcept {
    if (first >= end) return std::nullopt;
    const std::size_t size = mask_ + 1;
    STT_CHECK(end - first <= size);
    const std::size_t begin = first & mask_;
    const std::size_t count = static_cast<std::size_t>(end - first);
    // The ring's end may lie between: then look behind it too.
    const std::size_t before_wrap = std::min(count, size - begin);
    if (const auto index = next_index(begin, begin + before_wrap)) return first + (*index - begin);
    if (const auto index = next_index(0, count - before_wrap)) {
        return first + before_wrap + *index;
    }
    return std::nullopt;
}

std::optional<std::size_t> SequenceBits::next_index(std::size_t first,
                                                    std::size_t end) const noexcept {
    if (first >= end) return std::nullopt;
    std::size_t word = first / word_bits;
    std::uint64_t bits = words_[word] & (~std::uint64_t{0} << (first % word_bits));
    if (bits == 0) {
        // The next word that is not zero, by the summary.
        if (++word == word_count_) return std::nullopt;
        std::size_t group = word / word_bits;
        std::uint64_t used = summary()[group] & (~std::uint64_t{0} << (word % word_bits));
        while (used == 0) {
            if (++group * word_bits >= word_count_) return std::nullopt;
            used = summary()[group];
        }
        word = group * word_bits + static_cast<std::size_t>(std::countr_zero(used));
        bits = words_[word];
    }
    const std::size_t index = word * word_bits + static_cast<std::size_t>(std::countr_zero(bits));
    if (index >= end) return std::nullopt;
    return index;
}

}  // namespace stt::recovery
