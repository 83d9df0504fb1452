#include "stc/permutation/portable.hpp"

#include "stc/permutation/scalar_machine.hpp"

namespace stt::stc::permutation {
namespace {

struct PortableUnit;

constexpr Kernel kernel = BatchKernel<ScalarMachine<PortableUnit>>::with_states_min(1);

}  // namespace

constinit const Backend portable_backend{"portable", {&kernel}, 1};

}  // namespace stt::stc::permutation
