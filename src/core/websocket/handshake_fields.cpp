#include "core/websocket/handshake_fields.hpp"

#include <algorithm>

#include "core/websocket/base64.hpp"
#include "core/websocket/sha1.hpp"

namespace stt::websocket {

std::string accept_of(std::string_view key) {
    // The same for all servers that there are: RFC 6455 §1.3.
    std::string text(key);
    text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    return base64_encode(sha1(bytes_of(text)));
}

bool is_origin_form(std::string_view target) noexcept {
    return target.starts_with('/') && std::all_of(target.begin(), target.end(), [](char letter) {
               return letter > 0x20 && letter < 0x7f && letter != '#';
           });
}

bool is_host(std::string_view host) noexcept {
    constexpr std::string_view marks = "-._~!$&'()*+;=%:[]";
    return !host.empty() && std::all_of(host.begin(), host.end(), [marks](char letter) {
        return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
               (letter >= 'A' && letter <= 'Z') || marks.find(letter) != std::string_view::npos;
    });
}

}  // namespace stt::websocket
