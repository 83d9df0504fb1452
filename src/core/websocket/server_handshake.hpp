// The server's side of the opening handshake. RFC 6455 §4.2; Spec protocol §13.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <vector>

#include "core/websocket/http_head.hpp"

namespace stt::websocket {

inline constexpr std::string_view default_path = "/stt";
inline constexpr std::string_view default_subprotocol = "stt.v1";

struct ServerHandshakeConfig {
    std::string path{default_path};  // what may be upgraded; other paths are 404
    std::string subprotocol{default_subprotocol};
    // A browser tells the origin of the page that connects; its own server's is welcome, and those
    // in this list: "https://example.com", with the port where that is not the scheme's own. One
    // entry "*" lets all in. What sends no Origin is no browser, and is let in.
    std::vector<std::string> allowed_origins;
    // Names by which this server may be called, without ports; empty: any. A page of another
    // site can make its own name point here (DNS rebinding), and would be of the same origin.
    std::vector<std::string> accepted_hosts;
};

// A request as it was read: views of the handshake's own text, good while that is there.
struct HttpRequest {
    std::string_view method;  // GET or HEAD
    std::string_view target;  // begins with '/', of visible ASCII; not decoded
    std::string_view path;    // the target up to '?'
    bool is_http_1_0 = false;
    std::span<const HeaderField> headers;

    // The first field of this name, without regard to case; null: none.
    std::optional<std::string_view> header(std::string_view name) const noexcept;
};

// Reads one request, and judges it. It never waits for a body: requests that have one are refused.
// It stays where it was made, as what it gives out are views of its own text. How long a peer may
// take for its request is the owner's to limit (Spec protocol §13.3).
class ServerHandshake {
public:
    enum class State : std::uint8_t {
        needs_more,
        upgrade,       // response() accepts; what follows is the channel's
        http_request,  // no upgrade: the owner answers, see response_head(), and closes
        refused,       // response() tells why; then the owner closes
    };

    explicit ServerHandshake(ServerHandshakeConfig config) : config_(std::move(config)) {}

    // Takes bytes up to the end of the request and gives their count; none once that was read, or
    // refused. What follows is the caller's.
    std::size_t handle_received(Bytes data);
    State state() const noexcept { return state_; }
    // All that is to be sent; empty while needs_more and for http_request. Good while the
    // handshake is there.
    Bytes response() const noexcept { return bytes_of(response_); }
    // Of the response: 101, or why the request was refused; 0 while there is none.
    unsigned status() const noexcept { return status_; }
    // In state upgrade and http_request.
    const HttpRequest& request() const noexcept { return request_; }

private:
    unsigned status_of_fault(HeadFault fault) const noexcept;
    // 0: nothing is wrong so far; else the status that refuses.
    unsigned read_request_line();
    unsigned check_request() const;
    unsigned check_host() const;
    bool is_upgrade() const noexcept;
    unsigned check_upgrade() const;
    bool is_origin_allowed() const;
    void accept();
    void refuse(unsigned status);

    ServerHandshakeConfig config_;
    HttpHead head_;
    HttpRequest request_;
    State state_ = State::needs_more;
    unsigned status_ = 0;
    std::string response_;
};

}  // namespace stt::websocket
