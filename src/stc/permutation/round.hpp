// One round of Keccak-p[1600], written once for words of any kind. FIPS 202 §3.2.
//
// `Ops` says how to compute on the kind: a 64-bit integer, or a vector register that
// holds the same lane of several states:
//   parity(a, b, c, d, e)      a ^ b ^ c ^ d ^ e
//   effect(left, right)        left ^ (right turned by one), in whatever form apply() wants it
//   apply<count>(a, effect)    (a ^ effect) turned by count
//   chi(a, b, c)               a ^ (~b & c)
//   add_constant(a, constant)
// It must have internal linkage (an unnamed namespace): see permutation.hpp.
#pragma once

#include "stc/permutation/permutation.hpp"

#define STT_ALWAYS_INLINE inline __attribute__((always_inline))

namespace stt::stc::permutation {

// Iota's constants. FIPS 202 §3.2.5.
inline constexpr std::uint64_t round_constants[rounds_max] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

// Rho's rotation of lane (x, y), at x + 5y. FIPS 202 §3.2.2.
inline constexpr unsigned rotations[lane_count] = {
    0,  1,  62, 28, 27,  //
    36, 44, 6,  55, 20,  //
    3,  10, 43, 25, 39,  //
    41, 45, 15, 21, 8,   //
    18, 2,  61, 56, 14,
};

// Pi: the lane that moves to (x, y). FIPS 202 §3.2.3.
constexpr unsigned source_of(unsigned x, unsigned y) {
    return (x + 3 * y) % 5 + 5 * x;
}

// Theta's effect on one lane, rho and pi: the word that chi finds at (x, y).
template <class Ops, unsigned x, unsigned y>
STT_ALWAYS_INLINE typename Ops::Word moved(const typename Ops::Word (&a)[lane_count],
                                           const typename Ops::Effect (&effect)[5]) {
    constexpr unsigned source = source_of(x, y);
    return Ops::template apply<rotations[source]>(a[source], effect[source % 5]);
}

// Row y after chi. FIPS 202 §3.2.4.
template <class Ops, unsigned y>
STT_ALWAYS_INLINE void make_row(const typename Ops::Word (&a)[lane_count],
                                const typename Ops::Effect (&effect)[5],
                                typename Ops::Word (&result)[lane_count]) {
    const auto b0 = moved<Ops, 0, y>(a, effect);
    const auto b1 = moved<Ops, 1, y>(a, effect);
    const auto b2 = moved<Ops, 2, y>(a, effect);
    const auto b3 = moved<Ops, 3, y>(a, effect);
    const auto b4 = moved<Ops, 4, y>(a, effect);
    result[5 * y + 0] = Ops::chi(b0, b1, b2);
    result[5 * y + 1] = Ops::chi(b1, b2, b3);
    result[5 * y + 2] = Ops::chi(b2, b3, b4);
    result[5 * y + 3] = Ops::chi(b3, b4, b0);
    result[5 * y + 4] = Ops::chi(b4, b0, b1);
}

template <class Ops>
STT_ALWAYS_INLINE void do_round(const typename Ops::Word (&a)[lane_count],
                                typename Ops::Word (&result)[lane_count],
                                const std::uint64_t& round_constant) {
    const auto c0 = Ops::parity(a[0], a[5], a[10], a[15], a[20]);
    const auto c1 = Ops::parity(a[1], a[6], a[11], a[16], a[21]);
    const auto c2 = Ops::parity(a[2], a[7], a[12], a[17], a[22]);
    const auto c3 = Ops::parity(a[3], a[8], a[13], a[18], a[23]);
    const auto c4 = Ops::parity(a[4], a[9], a[14], a[19], a[24]);
    const typename Ops::Effect effect[5] = {
        Ops::effect(c4, c1), Ops::effect(c0, c2), Ops::effect(c1, c3),
        Ops::effect(c2, c4), Ops::effect(c3, c0),
    };
    make_row<Ops, 0>(a, effect, result);
    result[0] = Ops::add_constant(result[0], round_constant);
    make_row<Ops, 1>(a, effect, result);
    make_row<Ops, 2>(a, effect, result);
    make_row<Ops, 3>(a, effect, result);
    make_row<Ops, 4>(a, effect, result);
}

// The last `rounds` rounds of Keccak-f[1600], in place; `rounds` is even. Two rounds a turn,
// so that no word has to be moved back to where it came from.
template <class Ops>
STT_ALWAYS_INLINE void do_rounds(typename Ops::Word (&a)[lane_count], unsigned rounds) {
    typename Ops::Word between[lane_count];
    for (unsigned round = rounds_max - rounds; round < rounds_max; round += 2) {
        do_round<Ops>(a, between, round_constants[round]);
        do_round<Ops>(between, a, round_constants[round + 1]);
    }
}

}  // namespace stt::stc::permutation
