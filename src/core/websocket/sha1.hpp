// SHA-1, which RFC 6455 §4.2.2 uses as a mark that both ends speak WebSocket. It protects nothing,
// and nothing else may use it. Spec protocol §13.2.
#pragma once

#include <array>
#include <cstdint>
#include <stt/bytes.hpp>

namespace stt::websocket {

using Sha1Digest = std::array<std::uint8_t, 20>;

// FIPS 180-4 §6.1.
Sha1Digest sha1(Bytes message) noexcept;

}  // namespace stt::websocket
