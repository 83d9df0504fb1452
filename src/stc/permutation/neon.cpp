#include "stc/permutation/arm.hpp"

#if defined(STT_HAS_NEON)

#include "stc/permutation/pipelined_kernel.hpp"
#include "stc/permutation/portable.hpp"
#include "stc/permutation/two_lanes.hpp"

namespace stt::stc::permutation {
namespace {

struct NeonUnit;

struct NeonMachine : TwoLanes<NeonUnit> {
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
        } else {
            return vsriq_n_u64(vshlq_n_u64(a, count), a, 64 - count);
        }
    }
    static STT_ALWAYS_INLINE Word chi(Word a, Word b, Word c) {
        return exclusive_or(a, vbicq_u64(c, b));
    }
};

constexpr Kernel pair_kernel = PipelinedKernel<NeonMachine>::with_states_min(2);

}  // namespace

constinit const Backend neon_backend{"neon", {&pair_kernel, &portable_kernel}, 2};

}  // namespace stt::stc::permutation

#endif
