// Why a WebSocket connection ends. RFC 6455 §7.4.
#pragma once

#include <cstdint>

namespace stt::websocket {

namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported_data = 1003;
inline constexpr std::uint16_t none = 1005;      // never sent: the close frame had no code
inline constexpr std::uint16_t abnormal = 1006;  // never sent: there was no close frame
inline constexpr std::uint16_t invalid_payload = 1007;
inline constexpr std::uint16_t policy_violation = 1008;
inline constexpr std::uint16_t message_too_big = 1009;
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t try_again_later = 1013;
}  // namespace close_code

// True for a code that a close frame may carry: what RFC 6455 §7.4.1 and the IANA registry since
// then define for the wire, and what §7.4.2 leaves to libraries and applications.
constexpr bool is_close_code_for_wire(std::uint16_t code) noexcept {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

}  // namespace stt::websocket
