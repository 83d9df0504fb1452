// Where the other side is, as people write it: by UDP, by a WebSocket, or by both.
#pragma once

#include <asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <stt/result.hpp>
#include <stt/websocket.hpp>

#include "endpoint.hpp"
#include "exit_code.hpp"
#include "options.hpp"

namespace stt::cli {

struct WebSocketTarget {
    Endpoint endpoint;
    bool is_secure = false;
};

// At least one of the two is there.
struct Target {
    std::optional<Endpoint> udp;
    std::optional<WebSocketTarget> websocket;
};

// "HOST[:PORT]" is UDP, and the WebSocket that `options.websocket` names beside it, or else port
// 8080 of the same host; "ws://HOST[:PORT]" and "wss://HOST[:PORT]" are a WebSocket alone. What
// `common` says about certificates must have a use.
Result<Target, Problem> parse_target(const TargetOptions& options, const CommonOptions& common);

// All addresses of both. When one of the two hosts cannot be found, the other is enough.
asio::awaitable<Result<Destination, Problem>> resolve(Target target);

// "ws://example.org:8080".
std::string to_string(const WebSocketTarget& target);
// As the person called it.
std::string to_string(const Target& target);

}  // namespace stt::cli
