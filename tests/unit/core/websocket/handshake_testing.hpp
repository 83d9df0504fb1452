// What the tests of the opening handshake share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/websocket/client_handshake.hpp"
#include "core/websocket/server_handshake.hpp"
#include "testing/seeded_random.hpp"

namespace stt::websocket {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline const Fields upgrade_fields{
    {"Host", "example.com:8080"},    {"Upgrade", "websocket"},
    {"Connection", "Upgrade"},       {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
    {"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Protocol", "stt.v1"}};

inline std::string head_of(std::string_view first_line, const Fields& fields) {
    std::string head = std::string(first_line) + "\r\n";
    for (const auto& [name, value] : fields) head.append(name + ": " + value + "\r\n");
    return head + "\r\n";
}

// The fields, one of them with another value, or, where `value` is null, without it.
inline Fields with(Fields fields, std::string_view name, const char* value) {
    std::erase_if(fields, [name](const auto& field) { return field.first == name; });
    if (value != nullptr) fields.emplace_back(std::string(name), value);
    return fields;
}
// And one more.
inline Fields and_also(Fields fields, std::string name, std::string value) {
    fields.emplace_back(std::move(name), std::move(value));
    return fields;
}

// What a server makes of a request.
struct Judged {
    ServerHandshake::State state;
    unsigned status;
    std::string response;
};
inline Judged judged(std::string_view request, const ServerHandshakeConfig& config = {}) {
    ServerHandshake handshake(config);
    handshake.handle_received(bytes_of(request));
    return {handshake.state(), handshake.status(), std::string(text_of(handshake.response()))};
}
inline unsigned status_of(std::string_view first_line, const Fields& fields,
                          const ServerHandshakeConfig& config = {}) {
    return judged(head_of(first_line, fields), config).status;
}
inline unsigned upgrade_status(const Fields& fields, const ServerHandshakeConfig& config = {}) {
    return status_of("GET /stt HTTP/1.1", fields, config);
}

}  // namespace stt::websocket
