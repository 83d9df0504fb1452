// Keccak-p[1600, n_r], the one primitive of STC, and the ways this build can compute it.
// Spec stc "One permutation".
//
// This header and those it includes are compiled with and without vector instructions.
// So it holds no inline function of external linkage that is called at run time: the linker keeps
// one copy of such a function, and the one it keeps may be made of instructions the processor
// lacks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stt::stc {

inline constexpr std::size_t lane_count = 25;
inline constexpr std::size_t lane_size = 8;

// Spec stc "One permutation"; 24 rounds give the permutation of FIPS 202.
inline constexpr unsigned rounds_stc = 12;
inline constexpr unsigned rounds_max = 24;

// Lanes that one call of DSF's duplex overwrites: 160 bytes. Spec stc §DSF.
inline constexpr std::size_t fold_lanes = 20;
// Lanes that one block of TurboSHAKE128 covers: 168 bytes. RFC 9861 §2.
inline constexpr std::size_t absorb_lanes = 21;

// The most states that any kernel works on side by side.
inline constexpr std::size_t width_max = 8;

// What a kernel's fold and unfold do: calls of DSF's duplex od for each state.
//
// First, if `is_start`, one call with the block of A at head[i], on the keyed state at keyed[i],
// whatever the batch holds. Then `count` calls with data: state i reads blocks at input[i] and
// writes as many bytes to output[i]; both move on by 160 bytes a call, and may be equal. Blocks
// are of 160 bytes, but in the last call each state has its own size and trailer. A block that
// is shorter is padded as od pads it.
struct DuplexRun {
    const std::uint8_t* input[width_max];
    std::uint8_t* output[width_max];
    // At least 1, or 0 if there is a start.
    std::size_t count;
    // XORed into lane 20 of every state, at each call with data but the last.
    std::uint64_t trailer;
    // XORed into lane 20 of state i, at the last call.
    std::uint64_t last_trailer[width_max];
    // Bytes of the last block, at most 160.
    std::size_t last_size[width_max];
    bool is_start;
    // Of 200 bytes; only the last 40 matter.
    const std::uint8_t* keyed[width_max];
    const std::uint8_t* head[width_max];
    // At most 160.
    std::size_t head_size[width_max];
    std::uint64_t head_trailer[width_max];
    // scratch_size(width) bytes, aligned to 64, in which a kernel may leave data: the caller
    // wipes them when it is done with all its runs.
    std::uint8_t* scratch;
};

// The last block of every state, padded; and for a kernel that is wider than 1 three more: on their
// way in, on their way out, and which bytes of the last are there.
consteval std::size_t scratch_size(std::size_t width) {
    return (width == 1 ? 1 : 4) * fold_lanes * lane_size * width;
}

// The permutation on `width` independent states side by side.
//
// A batch of states is lane_count groups of `width` lanes: lane l of state i lies at byte
// 8 (l width + i), little-endian, whatever the processor's order. A batch of one state is
// thus the state itself, as in FIPS 202. A batch is aligned to its group's size, but one of
// width 1 needs no alignment.
struct Kernel {
    std::size_t width;
    // Fewer independent states than this are better given to a narrower kernel. Measured.
    std::size_t states_min;
    // The last `rounds` rounds of Keccak-f[1600]; `rounds` is even, at most 24.
    void (*permute)(std::uint8_t* batch, unsigned rounds);
    // The block XOR the state overwrites the state, and is the output: ciphertext.
    void (*fold)(std::uint8_t* batch, const DuplexRun& run);
    // The block overwrites the state; the output is the block XOR the state: plaintext.
    void (*unfold)(std::uint8_t* batch, const DuplexRun& run);
    // XORs `count` blocks of 168 bytes at input[i] into state i, permuting after each.
    void (*absorb)(std::uint8_t* batch, const std::uint8_t* const* input, std::size_t count);
};

inline constexpr std::size_t kernels_max = 3;

// The kernels of one instruction set, widest first; the last has width 1.
struct Backend {
    const char* name;
    const Kernel* kernels[kernels_max];
    std::size_t kernel_count;
};

}  // namespace stt::stc
