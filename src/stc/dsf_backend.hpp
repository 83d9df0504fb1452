// DSF with the way of computing it chosen by the caller: for tests and benchmarks.
#pragma once

#include <span>

#include "stc/dsf.hpp"
#include "stc/permutation/permutation.hpp"

namespace stt::stc {

// As fold_many and unfold_many of dsf.hpp, which pass backend().
void fold_many(const Backend& backend, std::span<FoldJob> jobs) noexcept;
void unfold_many(const Backend& backend, std::span<UnfoldJob> jobs) noexcept;

}  // namespace stt::stc
