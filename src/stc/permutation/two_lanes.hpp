// Two states side by side in the 128-bit registers of AArch64. `Unit` is a type in the including
// file's unnamed namespace: see permutation.hpp.
#pragma once

#include <arm_neon.h>

#include "stc/permutation/short_copy.hpp"

namespace stt::stc::permutation {

template <class Unit>
struct TwoLanes : ShortCopy<Unit> {
    using Word = uint64x2_t;
    using Effect = Word;
    static constexpr std::size_t width = 2;
    static constexpr std::size_t group = 4;

    static STT_ALWAYS_INLINE Word exclusive_or(Word a, Word b) { return veorq_u64(a, b); }
    static STT_ALWAYS_INLINE Word exclusive_or_and(Word a, Word b, Word mask) {
        return veorq_u64(a, vandq_u64(b, mask));
    }
    static STT_ALWAYS_INLINE Word add_constant(Word a, const std::uint64_t& constant) {
        return veorq_u64(a, vdupq_n_u64(constant));
    }

    static STT_ALWAYS_INLINE Word load(const std::uint8_t* bytes) {
        return vreinterpretq_u64_u8(vld1q_u8(bytes));
    }
    static STT_ALWAYS_INLINE void store(std::uint8_t* bytes, Word word) {
        vst1q_u8(bytes, vreinterpretq_u8_u64(word));
    }

    template <std::size_t count>
    static STT_ALWAYS_INLINE void read(Word (&words)[count], const std::uint8_t* const* blocks,
                                       std::size_t offset) {
        static_assert(count == 4 || count == 1);
        const std::uint8_t* const b0 = blocks[0] + offset;
        const std::uint8_t* const b1 = blocks[1] + offset;
        if constexpr (count == 1) {
            words[0] =
                vcombine_u64(vreinterpret_u64_u8(vld1_u8(b0)), vreinterpret_u64_u8(vld1_u8(b1)));
        } else {
            words[0] = vzip1q_u64(load(b0), load(b1));
            words[1] = vzip2q_u64(load(b0), load(b1));
            words[2] = vzip1q_u64(load(b0 + 16), load(b1 + 16));
            words[3] = vzip2q_u64(load(b0 + 16), load(b1 + 16));
        }
    }
    template <std::size_t count>
    static STT_ALWAYS_INLINE void write(std::uint8_t* const* blocks, std::size_t offset,
                                        const Word (&words)[count]) {
        static_assert(count == 4);
        std::uint8_t* const b0 = blocks[0] + offset;
        std::uint8_t* const b1 = blocks[1] + offset;
        store(b0, vzip1q_u64(words[0], words[1]));
        store(b1, vzip2q_u64(words[0], words[1]));
        store(b0 + 16, vzip1q_u64(words[2], words[3]));
        store(b1 + 16, vzip2q_u64(words[2], words[3]));
    }
};

}  // namespace stt::stc::permutation
