#include "core/websocket/client_handshake.hpp"

#include <algorithm>
#include <array>
#include <stt/check.hpp>

#include "core/websocket/base64.hpp"
#include "core/websocket/handshake_fields.hpp"

namespace stt::websocket {

bool ClientHandshakeConfig::is_valid() const noexcept {
    const bool is_origin_valid =
        !origin || (!origin->empty() && std::all_of(origin->begin(), origin->end(),
                                                    [](char c) { return c > 0x20 && c < 0x7f; }));
    // So that the request is none that a server of this limit refuses.
    const std::size_t size =
        host.size() + path.size() + subprotocol.size() + (origin ? origin->size() : 0);
    return is_host(host) && is_origin_form(path) && is_token(subprotocol) && is_origin_valid &&
           size <= first_line_size_max / 2;
}

std::string_view description_of(HandshakeFailure failure) noexcept {
    switch (failure) {
        case HandshakeFailure::response_malformed:
            return "the response is not HTTP";
        case HandshakeFailure::response_too_long:
            return "the response is too long";
        case HandshakeFailure::status:
            return "the server refused";
        case HandshakeFailure::no_upgrade:
            return "the server did not change to WebSocket";
        case HandshakeFailure::accept_wrong:
            return "the response answers another key";
        case HandshakeFailure::subprotocol_wrong:
            return "the server does not speak the subprotocol";
        case HandshakeFailure::extension_unasked:
            return "the server uses an extension that was not asked for";
    }
    return {};
}

ClientHandshake::ClientHandshake(ClientHandshakeConfig config, stc::RandomSource& random)
    : config_(std::move(config)) {
    STT_CHECK(config_.is_valid());
    std::array<std::uint8_t, nonce_size> nonce;
    random.fill(nonce);
    key_ = base64_encode(nonce);
    request_ = "GET " + config_.path + " HTTP/1.1\r\nHost: " + config_.host +
               "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key_ +
               "\r\nSec-WebSocket-Version: " + std::string(protocol_version) +
               "\r\nSec-WebSocket-Protocol: " + config_.subprotocol + "\r\n";
    if (config_.origin) request_ += "Origin: " + *config_.origin + "\r\n";
    request_ += "\r\n";
}

std::size_t ClientHandshake::handle_received(Bytes data) {
    if (state_ != State::needs_more) return 0;
    const std::size_t count = head_.take(data);
    if (const auto fault = head_.fault()) {
        failure_ = *fault == HeadFault::malformed ? HandshakeFailure::response_malformed
                                                  : HandshakeFailure::response_too_long;
    } else if (head_.is_complete()) {
        failure_ = check_response();
        if (!failure_) state_ = State::open;
    }
    if (failure_) state_ = State::failed;
    return count;
}

// RFC 9112 §4: version, space, three digits, and then a space and any phrase, or nothing.
bool ClientHandshake::read_status_line() {
    const std::string_view line = head_.first_line();
    constexpr std::string_view version = "HTTP/1.1 ";
    if (!line.starts_with(version) || line.size() < version.size() + 3) return false;
    unsigned status = 0;
    for (const char digit : line.substr(version.size(), 3)) {
        if (digit < '0' || digit > '9') return false;
        status = status * 10 + static_cast<unsigned>(digit - '0');
    }
    const std::string_view rest = line.substr(version.size() + 3);
    if (status < 100 || (!rest.empty() && rest.front() != ' ')) return false;
    status_ = status;
    return true;
}

// RFC 6455 §4.1, what a client must validate, in its order.
std::optional<HandshakeFailure> ClientHandshake::check_response() {
    if (!read_status_line()) return HandshakeFailure::response_malformed;
    if (status_ != 101) return HandshakeFailure::status;
    if (head_.count("Upgrade") != 1 ||
        !is_same_ignoring_case(*head_.find("Upgrade"), "websocket") ||
        !head_.has_element("Connection", "upgrade", true)) {
        return HandshakeFailure::no_upgrade;
    }
    if (head_.count("Sec-WebSocket-Accept") != 1 ||
        *head_.find("Sec-WebSocket-Accept") != accept_of(key_)) {
        return HandshakeFailure::accept_wrong;
    }
    if (head_.count("Sec-WebSocket-Extensions") > 0) return HandshakeFailure::extension_unasked;
    if (head_.count("Sec-WebSocket-Protocol") != 1 ||
        *head_.find("Sec-WebSocket-Protocol") != config_.subprotocol) {
        return HandshakeFailure::subprotocol_wrong;
    }
    return std::nullopt;
}

}  // namespace stt::websocket
