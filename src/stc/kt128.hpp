// KT128 with the way of computing it chosen by the caller: for tests and benchmarks.
#pragma once

#include <cstddef>
#include <stt/bytes.hpp>

#include "stc/permutation/permutation.hpp"
#include "stc/turboshake.hpp"

namespace stt::stc {

// B, the size of a leaf. RFC 9861 §3.2.
inline constexpr std::size_t leaf_size = 8192;
// The size of a chaining value.
inline constexpr std::size_t chaining_value_size = 32;

// TurboSHAKE128(leaf, 0x0b, 32) of each whole leaf in `leaves`, one after the other into
// `output`. `leaves` is a multiple of leaf_size, `output` has 32 bytes for each.
void hash_leaves(const Backend& backend, Bytes leaves, MutableBytes output) noexcept;

}  // namespace stt::stc
