// Compiled with -mbmi -mbmi2: andn for chi, rorx for the rotations.
#include "stc/permutation/x86.hpp"

#if defined(__x86_64__)

#include "stc/permutation/scalar_machine.hpp"

namespace stt::stc::permutation {
namespace {

struct Bmi2Unit;

}  // namespace

constinit const Kernel bmi2_kernel = BatchKernel<ScalarMachine<Bmi2Unit>>::with_states_min(1);
constinit const Backend bmi2_backend{"bmi2", {&bmi2_kernel}, 1};

}  // namespace stt::stc::permutation

#endif
