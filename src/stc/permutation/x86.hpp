#pragma once

#include "stc/permutation/permutation.hpp"

namespace stt::stc::permutation {

#if defined(__x86_64__)

// Needs BMI1 and BMI2: one state in 64-bit integers.
extern const Backend bmi2_backend;
// Needs AVX2 and what bmi2_backend needs: four states side by side.
extern const Backend avx2_backend;
// Needs AVX-512 F, VL and BW, and what avx2_backend needs: eight states side by side.
extern const Backend avx512_backend;

// The kernels of width 1 for the backends that are wider: that of bmi2_backend, and one that needs
// what avx512_backend needs.
extern const Kernel bmi2_kernel;
extern const Kernel avx512_pair_kernel;

#endif

}  // namespace stt::stc::permutation
