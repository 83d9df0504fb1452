#include "stc/permutation/backend.hpp"

#include <array>
#include <stt/check.hpp>

#include "stc/permutation/arm.hpp"
#include "stc/permutation/portable.hpp"
#include "stc/permutation/reference.hpp"
#include "stc/permutation/x86.hpp"

#if defined(STT_HAS_NEON) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace stt::stc {
namespace {

#if defined(STT_HAS_NEON)
bool has_sha3_extension() noexcept {
#if defined(__linux__)
    // Named HWCAP_SHA3 in headers that are not too old.
    constexpr unsigned long sha3 = 1UL << 17;
    return (getauxval(AT_HWCAP) & sha3) != 0;
#else
    return false;
#endif
}
#endif

// Backends in the order of their speed; the last that the processor has is used.
struct BackendTable {
    std::array<Backend, 5> backends;
    std::size_t count = 0;

    BackendTable() noexcept {
        add(permutation::reference_backend);
        add(permutation::portable_backend);
#if defined(__x86_64__)
        // These ask the operating system too whether it saves the wide registers.
        const bool has_bmi2 = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
        const bool has_avx2 = has_bmi2 && __builtin_cpu_supports("avx2");
        const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                                __builtin_cpu_supports("avx512vl") &&
                                __builtin_cpu_supports("avx512bw");
        if (has_bmi2) add(permutation::bmi2_backend);
        if (has_avx2) add(permutation::avx2_backend);
        if (has_avx512) add(permutation::avx512_backend);
#elif defined(STT_HAS_NEON)
        add(permutation::neon_backend);
        if (has_sha3_extension()) add(permutation::neon_sha3_backend);
#endif
    }
    void add(const Backend& backend) noexcept {
        backends[count++] = backend;
    }
};

const BackendTable& table() noexcept {
    static const BackendTable once;
    return once;
}

}  // namespace

const Backend& backend() noexcept {
    return available_backends().back();
}

std::span<const Backend> available_backends() noexcept {
    return std::span{table().backends}.first(table().count);
}

const Kernel& single_kernel(const Backend& backend) noexcept {
    const Kernel& kernel = *backend.kernels[backend.kernel_count - 1];
    STT_CHECK(kernel.width == 1);
    return kernel;
}

const Kernel& kernel_for(const Backend& backend, std::size_t state_count) noexcept {
    for (std::size_t i = 0; i + 1 < backend.kernel_count; ++i) {
        if (state_count >= backend.kernels[i]->states_min) return *backend.kernels[i];
    }
    return single_kernel(backend);
}

}  // namespace stt::stc
