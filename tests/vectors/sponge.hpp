#pragma once

#include <cstdint>
#include <stt/bytes.hpp>
#include <vector>

#include "stc/permutation/permutation.hpp"

namespace stt::vectors {

// TurboSHAKE128 on one kernel, with the message in every one of its states: what the library
// computes with its fastest kernel, computed with any. Empty when the states disagree.
std::vector<std::uint8_t> turboshake128_on(const stc::Kernel& kernel, Bytes message,
                                           std::uint8_t domain, std::size_t output_size);

// The permutation on one kernel, with `state` (200 bytes) in every one of its states. Empty when
// the states disagree afterwards.
std::vector<std::uint8_t> permuted_on(const stc::Kernel& kernel, Bytes state);

}  // namespace stt::vectors
