#include "platform/shared_port.hpp"

#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

namespace stt::platform {
namespace {

SystemError set_shared(int handle) noexcept {
    const int on = 1;
    if (::setsockopt(handle, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
        return last_system_error();
    }
    return {};
}

}  // namespace

SystemError prepare_to_bind(int handle, PortUse use) noexcept {
    if (use != PortUse::further) return {};
    return set_shared(handle);
}

SystemError share_bound(int handle, PortUse use) noexcept {
    if (use != PortUse::first) return {};
    return set_shared(handle);
}

SystemError steer_by_byte(int handle, std::size_t offset, std::size_t count) noexcept {
    // The program sees the payload. A load beyond its end ends it with 0.
    std::array<sock_filter, 3> program{{
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)},
        {BPF_ALU | BPF_MOD | BPF_K, 0, 0, static_cast<std::uint32_t>(count)},
        {BPF_RET | BPF_A, 0, 0, 0},
    }};
    const sock_fprog filter{program.size(), program.data()};
    if (::setsockopt(handle, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) != 0) {
        return last_system_error();
    }
    return {};
}

}  // namespace stt::platform
