#include "core/websocket/server_handshake.hpp"

#include <algorithm>
#include <array>

#include "core/websocket/base64.hpp"
#include "core/websocket/handshake_fields.hpp"
#include "core/websocket/http_response.hpp"

namespace stt::websocket {
namespace {

// A host as in Host and in an origin, and its port as digits, or none.
struct HostAndPort {
    std::string_view host;
    std::string_view port;
};

// The colons of an IPv6 address stand in brackets.
HostAndPort split(std::string_view authority) noexcept {
    const std::size_t colon = authority.rfind(':');
    const std::size_t bracket = authority.rfind(']');
    const bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon);
    if (!has_port) return {authority, {}};
    return {authority.substr(0, colon), authority.substr(colon + 1)};
}

// The port that is meant where a URI of this scheme names none; empty: a scheme of neither.
std::string_view default_port_of(std::string_view scheme) noexcept {
    if (is_same_ignoring_case(scheme, "http")) return "80";
    if (is_same_ignoring_case(scheme, "https")) return "443";
    return {};
}

// The page came from where it connects to. Whether TLS lies between is not compared: a proxy may
// end it, and then Host is all that this server knows.
bool is_same_origin(std::string_view origin, std::string_view host) noexcept {
    const std::size_t scheme_size = origin.find("://");
    if (scheme_size == std::string_view::npos) return false;
    const std::string_view default_port = default_port_of(origin.substr(0, scheme_size));
    if (default_port.empty()) return false;
    const auto with_port = [default_port](HostAndPort given) {
        if (given.port.empty()) given.port = default_port;
        return given;
    };
    const HostAndPort page = with_port(split(origin.substr(scheme_size + 3)));
    const HostAndPort server = with_port(split(host));
    return is_same_ignoring_case(page.host, server.host) && page.port == server.port;
}

bool is_digits(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](char letter) { return letter >= '0' && letter <= '9'; });
}

}  // namespace

std::optional<std::string_view> HttpRequest::header(std::string_view name) const noexcept {
    for (const HeaderField& field : headers) {
        if (is_same_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

std::size_t ServerHandshake::handle_received(Bytes data) {
    if (state_ != State::needs_more) return 0;
    const std::size_t count = head_.take(data);
    if (const auto fault = head_.fault()) {
        refuse(status_of_fault(*fault));
        return count;
    }
    if (!head_.is_complete()) return count;
    unsigned status = read_request_line();
    if (status == 0) status = check_request();
    const bool is_for_channel = status == 0 && is_upgrade();
    if (is_for_channel) status = check_upgrade();
    if (status != 0) {
        refuse(status);
    } else if (is_for_channel) {
        accept();
    } else {
        state_ = State::http_request;
    }
    return count;
}

unsigned ServerHandshake::status_of_fault(HeadFault fault) const noexcept {
    switch (fault) {
        case HeadFault::malformed:
            return 400;
        case HeadFault::line_too_long:
            return 414;
        case HeadFault::head_too_long:
        case HeadFault::too_many_headers:
            break;
    }
    return 431;
}

// RFC 9112 §3: three words with one space between. Of a target's forms only that with a path is
// taken. §3.2.2 asks a server to take an absolute one as well; clients send that to proxies alone.
unsigned ServerHandshake::read_request_line() {
    request_.headers = head_.headers();
    const std::string_view line = head_.first_line();
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return 400;
    request_.method = line.substr(0, first);
    request_.target = line.substr(first + 1, last - first - 1);
    request_.path = request_.target.substr(0, request_.target.find('?'));
    const std::string_view version = line.substr(last + 1);
    const bool is_version = version.size() == 8 && version.starts_with("HTTP/") &&
                            is_digits(version.substr(5, 1)) && version[6] == '.' &&
                            is_digits(version.substr(7));
    if (!is_token(request_.method) || !is_version) return 400;
    request_.is_http_1_0 = version == "HTTP/1.0";
    if (version != "HTTP/1.1" && !request_.is_http_1_0) return 505;
    return is_origin_form(request_.target) ? 0 : 400;
}

unsigned ServerHandshake::check_request() const {
    // Before the method: what has a body would be read as the next request.
    if (head_.count("Transfer-Encoding") > 0) return 400;
    const std::size_t length_count = head_.count("Content-Length");
    if (length_count > 1 || (length_count == 1 && *head_.find("Content-Length") != "0")) {
        return 400;
    }
    if (request_.method != "GET" && request_.method != "HEAD") return 405;
    return check_host();
}

// RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
// request message that lacks a Host header field and to any request message that contains more
// than one Host header field line or a Host header field with an invalid field value."
unsigned ServerHandshake::check_host() const {
    const std::size_t count = head_.count("Host");
    if (count > 1 || (count == 0 && !request_.is_http_1_0)) return 400;
    const std::string_view host = head_.find("Host").value_or(std::string_view());
    if (count == 1) {
        const HostAndPort parts = split(host);
        if (!is_host(host) || parts.host.empty()) return 400;
        if (!parts.port.empty() && (!is_digits(parts.port) || parts.port.size() > 5)) return 400;
    }
    const std::vector<std::string>& accepted = config_.accepted_hosts;
    const bool is_accepted =
        accepted.empty() || std::any_of(accepted.begin(), accepted.end(), [&](const auto& name) {
            return is_same_ignoring_case(split(host).host, name);
        });
    return is_accepted ? 0 : 421;
}

// Other protocols that a request offers to change to may be ignored. RFC 9110 §7.8.
bool ServerHandshake::is_upgrade() const noexcept {
    return head_.has_element("Upgrade", "websocket", true);
}

// RFC 6455 §4.2.1, in the order in which a person who looks for a mistake would ask.
unsigned ServerHandshake::check_upgrade() const {
    if (request_.is_http_1_0) return 505;
    if (request_.method != "GET") return 405;
    if (request_.path != config_.path) return 404;
    if (!head_.has_element("Connection", "upgrade", true)) return 400;
    if (head_.count("Sec-WebSocket-Version") != 1 ||
        *head_.find("Sec-WebSocket-Version") != protocol_version) {
        return 426;
    }
    if (head_.count("Sec-WebSocket-Key") != 1) return 400;
    const auto nonce = base64_decode(*head_.find("Sec-WebSocket-Key"));
    if (!nonce || nonce->size() != nonce_size) return 400;
    if (head_.count("Origin") > 1) return 400;
    if (!is_origin_allowed()) return 403;
    return head_.has_element("Sec-WebSocket-Protocol", config_.subprotocol, false) ? 0 : 400;
}

bool ServerHandshake::is_origin_allowed() const {
    const auto origin = head_.find("Origin");
    if (!origin || is_same_origin(*origin, *head_.find("Host"))) return true;
    const std::vector<std::string>& allowed = config_.allowed_origins;
    return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
        return one == "*" || is_same_ignoring_case(one, *origin);
    });
}

void ServerHandshake::accept() {
    response_ = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    response_ += "Sec-WebSocket-Accept: " + accept_of(*head_.find("Sec-WebSocket-Key")) + "\r\n";
    response_ += "Sec-WebSocket-Protocol: " + config_.subprotocol + "\r\n\r\n";
    state_ = State::upgrade;
    status_ = 101;
}

void ServerHandshake::refuse(unsigned status) {
    state_ = State::refused;
    status_ = status;
    const std::string body =
        std::to_string(status) + " " + std::string(reason_phrase_of(status)) + "\n";
    std::vector<HeaderField> headers{{"Content-Type", "text/plain"}};
    if (status == 405) headers.push_back({"Allow", is_upgrade() ? "GET" : "GET, HEAD"});
    if (status == 426) {
        headers.push_back({"Upgrade", "websocket"});
        headers.push_back({"Sec-WebSocket-Version", protocol_version});
    }
    response_ = response_head(status, body.size(), headers);
    if (request_.method != "HEAD") response_ += body;
}

}  // namespace stt::websocket
