// A bit for each of a window of sequences, with a fast search for the next one set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace stt::recovery {

// Bits of the sequences of a ring whose size is a power of two, at most
// 65,536: bit i stands for every sequence that is i modulo the size. Two levels of 64-bit
// words, so that an ACK over 65,536 settled sequences costs 16 words and not 65,536 looks.
class SequenceBits {
public:
    static constexpr std::size_t size_max = 65'536;
    // Of no sequence: for what has room for none.
    SequenceBits() = default;
    // All clear.
    explicit SequenceBits(std::size_t size);

    std::size_t size() const noexcept { return word_count_ * word_bits; }
    bool contains(std::uint64_t sequence) const noexcept {
        const std::size_t index = sequence & mask_;
        return (words_[index / word_bits] >> (index % word_bits) & 1) != 0;
    }
    void set(std::uint64_t sequence) noexcept;
    void clear(std::uint64_t sequence) noexcept;
    // The lowest sequence from first up to but without `end` whose bit is set; first + size >= end.
    std::optional<std::uint64_t> next(std::uint64_t first, std::uint64_t end) const noexcept;

private:
    static constexpr std::size_t word_bits = 64;

    std::optional<std::size_t> next_index(std::size_t first, std::size_t end) const noexcept;

    // Bit w: words_[w] is not zero.
    std::uint64_t* summary() noexcept { return words_.data() + word_count_; }
    const std::uint64_t* summary() const noexcept { return words_.data() + word_count_; }

    std::size_t mask_ = 0;
    std::size_t word_count_ = 0;
    std::vector<std::uint64_t> words_;  // and behind them the summary
};

}  // namespace stt::recovery
