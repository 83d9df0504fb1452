#pragma once

#include "stc/permutation/permutation.hpp"

namespace stt::stc::permutation {

// On 64-bit integers; runs anywhere.
extern const Backend portable_backend;

}  // namespace stt::stc::permutation
