// One state in 64-bit integers, for the files that compile it with different instruction
// sets. `Unit` is a type in the file's unnamed namespace: see permutation.hpp.
#pragma once

#include <cstring>

#include "stc/permutation/batch_kernel.hpp"
#include "stc/permutation/short_copy.hpp"

namespace stt::stc::permutation {

template <class Unit>
struct ScalarMachine : ShortCopy<Unit> {
    using ShortCopy<Unit>::in_lane_order;
    using Word = std::uint64_t;
    using Effect = Word;
    static constexpr std::size_t width = 1;
    static constexpr std::size_t group = 1;

    static STT_ALWAYS_INLINE Word parity(Word a, Word b, Word c, Word d, Word e) {
        return a ^ b ^ c ^ d ^ e;
    }
    static STT_ALWAYS_INLINE Effect effect(Word left, Word right) {
        return left ^ rotate<1>(right);
    }
    template <unsigned count>
    static STT_ALWAYS_INLINE Word apply(Word a, Effect effect) {
        return rotate<count>(a ^ effect);
    }
    template <unsigned count>
    static STT_ALWAYS_INLINE Word rotate(Word a) {
        if constexpr (count == 0) {
            return a;
        } else {
            return (a << count) | (a >> (64 - count));
        }
    }
    static STT_ALWAYS_INLINE Word chi(Word a, Word b, Word c) { return a ^ (~b & c); }
    static STT_ALWAYS_INLINE Word add_constant(Word a, const Word& constant) {
        return a ^ constant;
    }
    static STT_ALWAYS_INLINE Word exclusive_or(Word a, Word b) { return a ^ b; }
    static STT_ALWAYS_INLINE Word exclusive_or_and(Word a, Word b, Word mask) {
        return a ^ (b & mask);
    }

    static STT_ALWAYS_INLINE Word load(const std::uint8_t* bytes) {
        Word word;
        std::memcpy(&word, bytes, sizeof word);
        return in_lane_order(word);
    }
    static STT_ALWAYS_INLINE void store(std::uint8_t* bytes, Word word) {
        word = in_lane_order(word);
        std::memcpy(bytes, &word, sizeof word);
    }
    template <std::size_t count>
    static STT_ALWAYS_INLINE void read(Word (&words)[count], const std::uint8_t* const* blocks,
                                       std::size_t offset) {
        static_assert(count == 1);
        words[0] = load(blocks[0] + offset);
    }
    template <std::size_t count>
    static STT_ALWAYS_INLINE void write(std::uint8_t* const* blocks, std::size_t offset,
                                        const Word (&words)[count]) {
        static_assert(count == 1);
        store(blocks[0] + offset, words[0]);
    }
};

}  // namespace stt::stc::permutation
