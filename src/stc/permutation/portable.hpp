#pragma once

#include "stc/permutation/permutation.hpp"

namespace stt::stc::permutation {

// On 64-bit integers; runs anywhere.
extern const Backend portable_backend;

// Its kernel, for the backends that are wider.
extern const Kernel portable_kernel;

}  // namespace stt::stc::permutation
