// What both sides of the opening handshake share. RFC 6455 §4.
#pragma once

#include <string>
#include <string_view>

namespace stt::websocket {

inline constexpr std::string_view protocol_version = "13";
inline constexpr std::size_t nonce_size = 16;  // what Sec-WebSocket-Key encodes

// The value of Sec-WebSocket-Accept that answers a key. RFC 6455 §4.2.2 (5.4).
std::string accept_of(std::string_view key);

// Visible ASCII that begins with '/', without the '#' that no request sends. RFC 9112 §3.2.1.
bool is_origin_form(std::string_view target) noexcept;
// A Host: a name or address, and a port or none; lets through what a URI's authority may hold, less
// what names a user. RFC 9110 §7.2.
bool is_host(std::string_view host) noexcept;

}  // namespace stt::websocket
