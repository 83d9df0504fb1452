// Which ways of computing the permutation this processor has.
#pragma once

#include <span>

#include "stc/permutation/permutation.hpp"

namespace stt::stc {

// The fastest backend that runs here. Found once; the same for the life of the process.
const Backend& backend() noexcept;

// Every backend that runs here, slowest first: for tests and benchmarks. The first is
// the reference, the last is backend().
std::span<const Backend> available_backends() noexcept;

// The kernel of width 1.
const Kernel& single_kernel(const Backend& backend) noexcept;
// The widest kernel that pays off for `state_count` independent states.
const Kernel& kernel_for(const Backend& backend, std::size_t state_count) noexcept;

}  // namespace stt::stc
