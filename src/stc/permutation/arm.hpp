#pragma once

#include "stc/permutation/permutation.hpp"

namespace stt::stc::permutation {

#if defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define STT_HAS_NEON

// Two states side by side in 128-bit registers, which every AArch64 processor has.
extern const Backend neon_backend;
// The same with the instructions of the SHA3 extension.
extern const Backend neon_sha3_backend;

#endif

}  // namespace stt::stc::permutation
