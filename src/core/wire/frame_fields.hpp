// Bytes of a frame that its parser and its writer must agree on. Spec protocol §3.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/wire/frame.hpp"

namespace stt::wire {

inline constexpr std::uint16_t magic = 0x5354;
inline constexpr std::uint8_t reserved_frame_type = 0x00;
inline constexpr std::uint8_t padding_mark = 0x80;
inline constexpr std::size_t seed_nonce_size = 16;
inline constexpr std::size_t seed_hint_size = 8;

// HANDSHAKE and AUTH stand outside a session's counter and keys.
constexpr bool is_outside_session(FrameType type) noexcept {
    return type == FrameType::handshake || type == FrameType::auth;
}

}  // namespace stt::wire
