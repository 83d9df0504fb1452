#pragma once

#include <cstddef>

#include "core/wire/frame.hpp"

namespace stt::handshake {

// Chosen: more threads than one port is worth; a Session ID's first byte tells so many apart evenly
// enough (the busiest has a third more than the least at 64, 1 in 85 more at 3).
inline constexpr std::size_t shard_count_max = 64;

// Which part of a node this is, where several share its port: it has the Session IDs, handshake ids
// among them, that shard_of() gives it. Spec protocol §4.1 (j).
struct Shard {
    std::size_t index = 0;
    std::size_t count = 1;  // to shard_count_max

    constexpr std::size_t shard_of(const wire::SessionId& id) const noexcept {
        return id.front() % count;
    }
    constexpr bool has(const wire::SessionId& id) const noexcept { return shard_of(id) == index; }
};

}  // namespace stt::handshake
