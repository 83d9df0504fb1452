#pragma once

#include <cstdint>

namespace stt::session {

// Which side of a session a node is on: who sent HELLO is the initiator.
enum class Role : std::uint8_t { initiator, responder };

constexpr Role opposite(Role role) noexcept {
    return role == Role::initiator ? Role::responder : Role::initiator;
}

}  // namespace stt::session
