// One port for several sockets of this process: SO_REUSEPORT.
#pragma once

#include <cstddef>

#include "platform/system_error.hpp"

namespace stt::platform {

// The first is bound as if it were to be alone, so that a port that somebody has is refused, and
// lets others join after that; the further ones join it.
enum class PortUse { alone, first, further };

// To be called around bind(). What the system refuses, or no error.
SystemError prepare_to_bind(int handle, PortUse use) noexcept;
SystemError share_bound(int handle, PortUse use) noexcept;

// Datagrams for the port go to the socket that was bound as number (byte at `offset` of the
// payload) % count, and to the first if they are shorter. `handle` is any of the sockets, when all
// are bound. After an error the kernel spreads them, by the addresses.
SystemError steer_by_byte(int handle, std::size_t offset, std::size_t count) noexcept;

}  // namespace stt::platform
