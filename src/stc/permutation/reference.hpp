#pragma once

#include "stc/permutation/permutation.hpp"

namespace stt::stc::permutation {

// Keccak-p[1600, rounds] as FIPS 202 writes it down, for any number of rounds up to 24:
// what the fast versions are compared with. Slow.
void permute_reference(std::uint8_t* state, unsigned rounds) noexcept;

// The reference as a backend: every other must give the same bytes.
extern const Backend reference_backend;

}  // namespace stt::stc::permutation
