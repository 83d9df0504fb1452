// Compiled with -mavx2: four states in sixteen 256-bit registers.
#include "stc/permutation/x86.hpp"

#if defined(__x86_64__)

#include "stc/permutation/four_lanes.hpp"
#include "stc/permutation/pipelined_kernel.hpp"

namespace stt::stc::permutation {
namespace {

struct Avx2Unit;

struct Avx2Machine : FourLanes<Avx2Unit> {
    using Effect = Word;

    static STT_ALWAYS_INLINE Word exclusive_or(Word a, Word b) { return _mm256_xor_si256(a, b); }
    static STT_ALWAYS_INLINE Word exclusive_or_and(Word a, Word b, Word mask) {
        return _mm256_xor_si256(a, _mm256_and_si256(b, mask));
    }
    static STT_ALWAYS_INLINE Word parity(Word a, Word b, Word c, Word d, Word e) {
        return exclusive_or(exclusive_or(exclusive_or(a, b), exclusive_or(c, d)), e);
    }
    static STT_ALWAYS_INLINE Effect effect(Word left, Word right) {
        return exclusive_or(left, rotate<1>(right));
    }
    template <unsigned count>
    static STT_ALWAYS_INLINE Word apply(Word a, Effect effect) {
        return rotate<count>(exclusive_or(a, effect));
    }
    template <unsigned count>
    static STT_ALWAYS_INLINE Word rotate(Word a) {
        if constexpr (count == 0) {
            return a;
        } else if constexpr (count == 8) {
            // By whole bytes a rotation is one shuffle instead of two shifts and an or.
            return _mm256_shuffle_epi8(
                a, _mm256_setr_epi8(7, 0, 1, 2, 3, 4, 5, 6, 15, 8, 9, 10, 11, 12, 13, 14,  //
                                    7, 0, 1, 2, 3, 4, 5, 6, 15, 8, 9, 10, 11, 12, 13, 14));
        } else if constexpr (count == 56) {
            return _mm256_shuffle_epi8(
                a, _mm256_setr_epi8(1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8,  //
                                    1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8));
        } else {
            return _mm256_or_si256(_mm256_slli_epi64(a, count), _mm256_srli_epi64(a, 64 - count));
        }
    }
    static STT_ALWAYS_INLINE Word chi(Word a, Word b, Word c) {
        return exclusive_or(a, _mm256_andnot_si256(b, c));
    }
    static STT_ALWAYS_INLINE Word add_constant(Word a, const std::uint64_t& constant) {
        return exclusive_or(a, _mm256_set1_epi64x(static_cast<long long>(constant)));
    }
};

constexpr Kernel quad_kernel = PipelinedKernel<Avx2Machine>::with_states_min(3);

}  // namespace

constinit const Backend avx2_backend{"avx2", {&quad_kernel, &bmi2_kernel}, 2};

}  // namespace stt::stc::permutation

#endif
