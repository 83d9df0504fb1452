// Compiled with -mavx512f -mavx512vl -mavx512bw -mbmi2: eight states in thirty-two 512-bit
// registers.
#include "stc/permutation/x86.hpp"

#if defined(__x86_64__)

#include "stc/permutation/four_lanes.hpp"
#include "stc/permutation/pipelined_kernel.hpp"

namespace stt::stc::permutation {
namespace {

struct Avx512Unit;

// vpternlog's truth tables.
constexpr int xor_of_three = 0x96;    // a ^ b ^ c
constexpr int xor_of_and = 0x78;      // a ^ (b & c)
constexpr int xor_of_and_not = 0xd2;  // a ^ (~b & c)

// Copies of up to 160 bytes in three pieces, whatever their size.
struct MaskedCopy {
    static constexpr std::size_t piece_size = 64;
    static constexpr std::size_t end_offset = 2 * piece_size;
    static_assert(end_offset + piece_size / 2 == lane_size * fold_lanes);

    // The bytes of the piece at `offset` that are below `size`.
    static STT_ALWAYS_INLINE std::uint64_t mask_at(std::size_t offset, std::size_t size) {
        const std::size_t rest = size > offset ? size - offset : 0;
        return _bzhi_u64(~std::uint64_t{0},
                         rest < piece_size ? static_cast<unsigned>(rest) : unsigned{piece_size});
    }
    static STT_ALWAYS_INLINE void copy(std::uint8_t* to, const std::uint8_t* from,
                                       std::size_t size) {
#pragma GCC unroll 3
        for (std::size_t at = 0; at <= end_offset; at += piece_size) {
            const __mmask64 mask = mask_at(at, size);
            _mm512_mask_storeu_epi8(to + at, mask, _mm512_maskz_loadu_epi8(mask, from + at));
        }
    }
    static STT_ALWAYS_INLINE void copy_padded(std::uint8_t* to, const std::uint8_t* from,
                                              std::size_t size) {
        const __m512i padding = _mm512_set1_epi8(0x01);
#pragma GCC unroll 3
        for (std::size_t at = 0; at <= end_offset; at += piece_size) {
            const __mmask64 mask = mask_at(at, size);
            const __mmask64 end = size >= at ? mask + 1 : 0;
            const __m512i bytes =
                _mm512_mask_blend_epi8(end, _mm512_maskz_loadu_epi8(mask, from + at), padding);
            if (at < end_offset) {
                _mm512_storeu_si512(to + at, bytes);
            } else {
                _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at),
                                    _mm512_castsi512_si256(bytes));
            }
        }
    }
};

// Four states, with the three-operand logic and the rotations of AVX-512.
struct QuadMachine : FourLanes<Avx512Unit> {
    // Left as two words: XORing both into a lane is one instruction.
    struct Effect {
        Word left;
        Word right;
    };

    static STT_ALWAYS_INLINE void copy(std::uint8_t* to, const std::uint8_t* from,
                                       std::size_t size) {
        MaskedCopy::copy(to, from, size);
    }
    static STT_ALWAYS_INLINE void copy_padded(std::uint8_t* to, const std::uint8_t* from,
                                              std::size_t size) {
        MaskedCopy::copy_padded(to, from, size);
    }

    static STT_ALWAYS_INLINE Word exclusive_or(Word a, Word b) { return _mm256_xor_si256(a, b); }
    static STT_ALWAYS_INLINE Word exclusive_or_and(Word a, Word b, Word mask) {
        return _mm256_ternarylogic_epi64(a, b, mask, xor_of_and);
    }
    static STT_ALWAYS_INLINE Word exclusive_or(Word a, Word b, Word c) {
        return _mm256_ternarylogic_epi64(a, b, c, xor_of_three);
    }
    static STT_ALWAYS_INLINE Word parity(Word a, Word b, Word c, Word d, Word e) {
        return exclusive_or(exclusive_or(a, b, c), d, e);
    }
    static STT_ALWAYS_INLINE Effect effect(Word left, Word right) {
        return {left, rotate<1>(right)};
    }
    template <unsigned count>
    static STT_ALWAYS_INLINE Word apply(Word a, const Effect& effect) {
        return rotate<count>(exclusive_or(a, effect.left, effect.right));
    }
    template <unsigned count>
    static STT_ALWAYS_INLINE Word rotate(Word a) {
        return count == 0 ? a : _mm256_rol_epi64(a, count);
    }
    static STT_ALWAYS_INLINE Word chi(Word a, Word b, Word c) {
        return _mm256_ternarylogic_epi64(a, b, c, xor_of_and_not);
    }
    static STT_ALWAYS_INLINE Word add_constant(Word a, const std::uint64_t& constant) {
        return exclusive_or(a, _mm256_set1_epi64x(static_cast<long long>(constant)));
    }
};

// Eight states.
struct OctoMachine : MaskedCopy {
    using Word = __m512i;
    struct Effect {
        Word left;
        Word right;
    };
    static constexpr std::size_t width = 8;
    static constexpr std::size_t group = 4;

    static STT_ALWAYS_INLINE Word exclusive_or(Word a, Word b) { return _mm512_xor_si512(a, b); }
    static STT_ALWAYS_INLINE Word exclusive_or_and(Word a, Word b, Word mask) {
        return _mm512_ternarylogic_epi64(a, b, mask, xor_of_and);
    }
    static STT_ALWAYS_INLINE Word exclusive_or(Word a, Word b, Word c) {
        return _mm512_ternarylogic_epi64(a, b, c, xor_of_three);
    }
    static STT_ALWAYS_INLINE Word parity(Word a, Word b, Word c, Word d, Word e) {
        return exclusive_or(exclusive_or(a, b, c), d, e);
    }
    static STT_ALWAYS_INLINE Effect effect(Word left, Word right) {
        return {left, rotate<1>(right)};
    }
    template <unsigned count>
    static STT_ALWAYS_INLINE Word apply(Word a, const Effect& effect) {
        return rotate<count>(exclusive_or(a, effect.left, effect.right));
    }
    template <unsigned count>
    static STT_ALWAYS_INLINE Word rotate(Word a) {
        return count == 0 ? a : _mm512_rol_epi64(a, count);
    }
    static STT_ALWAYS_INLINE Word chi(Word a, Word b, Word c) {
        return _mm512_ternarylogic_epi64(a, b, c, xor_of_and_not);
    }
    static STT_ALWAYS_INLINE Word add_constant(Word a, const std::uint64_t& constant) {
        return exclusive_or(a, _mm512_set1_epi64(static_cast<long long>(constant)));
    }
    static STT_ALWAYS_INLINE Word load(const std::uint8_t* bytes) {
        return _mm512_loadu_si512(bytes);
    }
    static STT_ALWAYS_INLINE void store(std::uint8_t* bytes, Word word) {
        _mm512_storeu_si512(bytes, word);
    }

    template <std::size_t count>
    static STT_ALWAYS_INLINE void read(Word (&words)[count], const std::uint8_t* const* blocks,
                                       std::size_t offset) {
        static_assert(count == 4 || count == 1);
        if constexpr (count == 4) {
            read_four(words, blocks, offset);
        } else {
            words[0] = read_one(blocks, offset);
        }
    }
    template <std::size_t count>
    static STT_ALWAYS_INLINE void write(std::uint8_t* const* blocks, std::size_t offset,
                                        const Word (&words)[count]) {
        static_assert(count == 4);
        const Word even = _mm512_unpacklo_epi64(words[0], words[1]);
        const Word odd = _mm512_unpackhi_epi64(words[0], words[1]);
        const Word even_next = _mm512_unpacklo_epi64(words[2], words[3]);
        const Word odd_next = _mm512_unpackhi_epi64(words[2], words[3]);
        const Word low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
        const Word high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
        store_halves(blocks[0] + offset, blocks[2] + offset,
                     _mm512_permutex2var_epi64(even, low, even_next));
        store_halves(blocks[1] + offset, blocks[3] + offset,
                     _mm512_permutex2var_epi64(odd, low, odd_next));
        store_halves(blocks[4] + offset, blocks[6] + offset,
                     _mm512_permutex2var_epi64(even, high, even_next));
        store_halves(blocks[5] + offset, blocks[7] + offset,
                     _mm512_permutex2var_epi64(odd, high, odd_next));
    }

private:
    static STT_ALWAYS_INLINE Word load_halves(const std::uint8_t* low, const std::uint8_t* high) {
        const __m256i low_half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(low));
        const __m256i high_half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(high));
        return _mm512_inserti64x4(_mm512_castsi256_si512(low_half), high_half, 1);
    }
    static STT_ALWAYS_INLINE void read_four(Word* words, const std::uint8_t* const* blocks,
                                            std::size_t offset) {
        const Word b02 = load_halves(blocks[0] + offset, blocks[2] + offset);
        const Word b13 = load_halves(blocks[1] + offset, blocks[3] + offset);
        const Word b46 = load_halves(blocks[4] + offset, blocks[6] + offset);
        const Word b57 = load_halves(blocks[5] + offset, blocks[7] + offset);
        const Word even_low = _mm512_unpacklo_epi64(b02, b13);
        const Word even_high = _mm512_unpacklo_epi64(b46, b57);
        words[0] = _mm512_shuffle_i64x2(even_low, even_high, 0x88);
        words[2] = _mm512_shuffle_i64x2(even_low, even_high, 0xdd);
        const Word odd_low = _mm512_unpackhi_epi64(b02, b13);
        const Word odd_high = _mm512_unpackhi_epi64(b46, b57);
        words[1] = _mm512_shuffle_i64x2(odd_low, odd_high, 0x88);
        words[3] = _mm512_shuffle_i64x2(odd_low, odd_high, 0xdd);
    }
    static STT_ALWAYS_INLINE long long load_lane(const std::uint8_t* bytes) {
        return FourLanes<Avx512Unit>::load_lane(bytes);
    }
    static STT_ALWAYS_INLINE Word read_one(const std::uint8_t* const* blocks, std::size_t offset) {
        return _mm512_setr_epi64(load_lane(blocks[0] + offset), load_lane(blocks[1] + offset),
                                 load_lane(blocks[2] + offset), load_lane(blocks[3] + offset),
                                 load_lane(blocks[4] + offset), load_lane(blocks[5] + offset),
                                 load_lane(blocks[6] + offset), load_lane(blocks[7] + offset));
    }
    static STT_ALWAYS_INLINE void store_halves(std::uint8_t* low, std::uint8_t* high, Word word) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(low), _mm512_castsi512_si256(word));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(high), _mm512_extracti64x4_epi64(word, 1));
    }
};

constexpr Kernel octo_kernel = PipelinedKernel<OctoMachine>::with_states_min(5);
constexpr Kernel quad_kernel = PipelinedKernel<QuadMachine>::with_states_min(2);

}  // namespace

constinit const Backend avx512_backend{
    "avx512", {&octo_kernel, &quad_kernel, &avx512_pair_kernel}, 3};

}  // namespace stt::stc::permutation

#endif
