// Compiled with -march=armv8.2-a+sha3: XOR of three, XOR and rotate, bit clear and XOR, each in
// one instruction.
#include "stc/permutation/arm.hpp"

#if defined(STT_HAS_NEON)

#include "stc/permutation/pipelined_kernel.hpp"
#include "stc/permutation/portable.hpp"
#include "stc/permutation/two_lanes.hpp"

namespace stt::stc::permutation {
namespace {

struct NeonSha3Unit;

struct NeonSha3Machine : TwoLanes<NeonSha3Unit> {
    static STT_ALWAYS_INLINE Word parity(Word a, Word b, Word c, Word d, Word e) {
        return veor3q_u64(veor3q_u64(a, b, c), d, e);
    }
    static STT_ALWAYS_INLINE Effect effect(Word left, Word right) {
        return vrax1q_u64(left, right);
    }
    template <unsigned count>
    static STT_ALWAYS_INLINE Word apply(Word a, Effect effect) {
        // The instruction turns to the right.
        return vxarq_u64(a, effect, (64 - count) % 64);
    }
    static STT_ALWAYS_INLINE Word chi(Word a, Word b, Word c) { return vbcaxq_u64(a, c, b); }
};

constexpr Kernel pair_kernel = PipelinedKernel<NeonSha3Machine>::with_states_min(2);

}  // namespace

constinit const Backend neon_sha3_backend{"neon-sha3", {&pair_kernel, &portable_kernel}, 2};

}  // namespace stt::stc::permutation

#endif
