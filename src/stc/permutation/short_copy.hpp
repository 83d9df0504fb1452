// Copies of the 160 bytes, or fewer, that are a message's last block. `Unit` is a type in the
// including file's unnamed namespace: see permutation.hpp.
#pragma once

#include <bit>
#include <cstring>

#include "stc/permutation/round.hpp"

namespace stt::stc::permutation {

template <class Unit>
struct ShortCopy {
    static constexpr std::size_t block_size = lane_size * fold_lanes;

    // A call of memcpy with a size that it does not know costs more than the copy itself.
    static STT_ALWAYS_INLINE void copy(std::uint8_t* to, const std::uint8_t* from,
                                       std::size_t size) {
        constexpr std::size_t piece = 16;
        if (size >= piece) {
            for (std::size_t i = 0; i + piece < size; i += piece) {
                std::memcpy(to + i, from + i, piece);
            }
            std::memcpy(to + size - piece, from + size - piece, piece);
        } else {
            for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
        }
    }

    // Fills a block: `size` bytes, od's padding, zeros. In words, as it will be read: what was
    // written in pieces of other sizes has to reach the cache first.
    static STT_ALWAYS_INLINE void copy_padded(std::uint8_t* to, const std::uint8_t* from,
                                              std::size_t size) {
        const std::size_t whole = size - size % lane_size;
        for (std::size_t i = 0; i < whole; i += lane_size) {
            std::memcpy(to + i, from + i, lane_size);
        }
        if (size == block_size) return;
        std::uint64_t word = end_word(from, size) | std::uint64_t{1} << (8 * (size - whole));
        for (std::size_t i = whole; i < block_size; i += lane_size) {
            const std::uint64_t lane = in_lane_order(word);
            std::memcpy(to + i, &lane, lane_size);
            word = 0;
        }
    }

    // Lanes are little-endian in memory.
    static STT_ALWAYS_INLINE std::uint64_t in_lane_order(std::uint64_t word) {
        if constexpr (std::endian::native == std::endian::big) return __builtin_bswap64(word);
        return word;
    }

private:
    // The bytes after the last whole word, as the low bytes of one.
    static STT_ALWAYS_INLINE std::uint64_t end_word(const std::uint8_t* bytes, std::size_t size) {
        const std::size_t rest = size % lane_size;
        if (rest == 0) return 0;
        std::uint64_t word = 0;
        if (size > lane_size) {
            std::memcpy(&word, bytes + size - lane_size, lane_size);
            return in_lane_order(word) >> (8 * (lane_size - rest));
        }
        for (std::size_t i = 0; i < rest; ++i) word |= std::uint64_t{bytes[i]} << (8 * i);
        return word;
    }
};

}  // namespace stt::stc::permutation
