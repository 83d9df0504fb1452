#include "stc/permutation/portable.hpp"

#include "stc/permutation/scalar_machine.hpp"

namespace stt::stc::permutation {
namespace {

struct PortableUnit;

}  // namespace

constinit const Kernel portable_kernel =
    BatchKernel<ScalarMachine<PortableUnit>>::with_states_min(1);
constinit const Backend portable_backend{"portable", {&portable_kernel}, 1};

}  // namespace stt::stc::permutation
