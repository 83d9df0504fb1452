// Blocks of four states, to and from 256-bit registers that hold one lane of each. `Unit` is
// a type in the including file's unnamed namespace: see permutation.hpp.
#pragma once

#include <immintrin.h>

#include "stc/permutation/short_copy.hpp"

namespace stt::stc::permutation {

template <class Unit>
struct FourLanes : ShortCopy<Unit> {
    using Word = __m256i;
    static constexpr std::size_t width = 4;
    static constexpr std::size_t group = 4;

    static STT_ALWAYS_INLINE Word load(const std::uint8_t* bytes) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
    }
    static STT_ALWAYS_INLINE void store(std::uint8_t* bytes, Word word) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), word);
    }

    static STT_ALWAYS_INLINE __m128i load_pair(const std::uint8_t* bytes) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    }
    // Two lanes each of two states.
    static STT_ALWAYS_INLINE Word load_pairs(const std::uint8_t* low, const std::uint8_t* high) {
        return _mm256_inserti128_si256(_mm256_castsi128_si256(load_pair(low)), load_pair(high), 1);
    }
    static STT_ALWAYS_INLINE void store_pairs(std::uint8_t* low, std::uint8_t* high, Word word) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(low), _mm256_castsi256_si128(word));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(high), _mm256_extracti128_si256(word, 1));
    }
    static STT_ALWAYS_INLINE long long load_lane(const std::uint8_t* bytes) {
        long long lane;
        __builtin_memcpy(&lane, bytes, sizeof lane);
        return lane;
    }

    template <std::size_t count>
    static STT_ALWAYS_INLINE void read(Word (&words)[count], const std::uint8_t* const* blocks,
                                       std::size_t offset) {
        static_assert(count == 4 || count == 1);
        const std::uint8_t* const b0 = blocks[0] + offset;
        const std::uint8_t* const b1 = blocks[1] + offset;
        const std::uint8_t* const b2 = blocks[2] + offset;
        const std::uint8_t* const b3 = blocks[3] + offset;
        if constexpr (count == 1) {
            words[0] =
                _mm256_setr_epi64x(load_lane(b0), load_lane(b1), load_lane(b2), load_lane(b3));
        } else {
            const Word even = load_pairs(b0, b2);
            const Word odd = load_pairs(b1, b3);
            words[0] = _mm256_unpacklo_epi64(even, odd);
            words[1] = _mm256_unpackhi_epi64(even, odd);
            const Word even_next = load_pairs(b0 + 16, b2 + 16);
            const Word odd_next = load_pairs(b1 + 16, b3 + 16);
            words[2] = _mm256_unpacklo_epi64(even_next, odd_next);
            words[3] = _mm256_unpackhi_epi64(even_next, odd_next);
        }
    }

    template <std::size_t count>
    static STT_ALWAYS_INLINE void write(std::uint8_t* const* blocks, std::size_t offset,
                                        const Word (&words)[count]) {
        static_assert(count == 4);
        std::uint8_t* const b0 = blocks[0] + offset;
        std::uint8_t* const b1 = blocks[1] + offset;
        std::uint8_t* const b2 = blocks[2] + offset;
        std::uint8_t* const b3 = blocks[3] + offset;
        store_pairs(b0, b2, _mm256_unpacklo_epi64(words[0], words[1]));
        store_pairs(b1, b3, _mm256_unpackhi_epi64(words[0], words[1]));
        store_pairs(b0 + 16, b2 + 16, _mm256_unpacklo_epi64(words[2], words[3]));
        store_pairs(b1 + 16, b3 + 16, _mm256_unpackhi_epi64(words[2], words[3]));
    }
};

}  // namespace stt::stc::permutation
