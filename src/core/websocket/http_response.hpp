// Heads of HTTP responses. RFC 9112 §4.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/websocket/http_head.hpp"

namespace stt::websocket {

// "Not Found" for 404; of those that this server sends, else "Status".
std::string_view reason_phrase_of(unsigned status) noexcept;

// The head of a response after which the connection closes: status line, Content-Length,
// Connection: close, then `headers`. Those are the owner's own: no control character may be in
// them, else an STT_CHECK breaks. To a HEAD request it is the whole answer.
std::string response_head(unsigned status, std::uint64_t body_size,
                          std::span<const HeaderField> headers = {});

}  // namespace stt::websocket
