// Base64 with padding, as the opening handshake has it. RFC 4648 §4.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <vector>

namespace stt::websocket {

std::string base64_encode(Bytes bytes);
// Null for all that base64_encode() would not have made: other characters, line breaks, padding
// that is missing or holds bits (RFC 4648 §3.5).
std::optional<std::vector<std::uint8_t>> base64_decode(std::string_view text);

}  // namespace stt::websocket
