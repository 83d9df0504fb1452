#include "core/websocket/http_response.hpp"

#include <algorithm>
#include <stt/check.hpp>

namespace stt::websocket {
namespace {

void append_field(std::string& head, const HeaderField& field) {
    STT_CHECK(is_token(field.name));
    STT_CHECK(std::none_of(field.value.begin(), field.value.end(), [](char letter) {
        const auto byte = static_cast<unsigned char>(letter);
        return byte < 0x20 || byte == 0x7f;
    }));
    head.append(field.name).append(": ").append(field.value).append("\r\n");
}

}  // namespace

std::string_view reason_phrase_of(unsigned status) noexcept {
    switch (status) {
        case 101:
            return "Switching Protocols";
        case 200:
            return "OK";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 414:
            return "URI Too Long";
        case 421:
            return "Misdirected Request";
        case 426:
            return "Upgrade Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Status";
    }
}

std::string response_head(unsigned status, std::uint64_t body_size,
                          std::span<const HeaderField> headers) {
    STT_CHECK(status >= 200 && status <= 599);
    std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
    head.append(reason_phrase_of(status)).append("\r\n");
    append_field(head, {"Content-Length", std::to_string(body_size)});
    append_field(head, {"Connection", "close"});
    for (const HeaderField& field : headers) append_field(head, field);
    return head.append("\r\n");
}

}  // namespace stt::websocket
