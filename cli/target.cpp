#include "target.hpp"

#include <fmt/format.h>

#include <stt/node.hpp>
#include <utility>

#include "terminal_text.hpp"

namespace stt::cli {
namespace {

constexpr std::string_view plain_scheme = "ws://";
constexpr std::string_view secure_scheme = "wss://";
constexpr std::string_view path = "/stt";

bool is_url(std::string_view text) {
    return text.find("://") != std::string_view::npos;
}

Result<WebSocketTarget, Problem> parse_url(std::string_view text) {
    WebSocketTarget target;
    std::string_view rest = text;
    target.is_secure = rest.starts_with(secure_scheme);
    if (!target.is_secure && !rest.starts_with(plain_scheme)) {
        return usage_problem(
            fmt::format("{} is no address of a WebSocket; write it like "
                        "ws://example.org:8080 or wss://example.org",
                        quoted(text)));
    }
    rest.remove_prefix(target.is_secure ? secure_scheme.size() : plain_scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(authority.size());
    if (!rest.empty() && rest != "/" && rest != path) {
        return usage_problem(
            fmt::format("{} in {} is not the path of STT's WebSockets, which is {}; "
                        "leave it out",
                        quoted(rest), quoted(text), path));
    }
    if (authority.find('@') != std::string_view::npos) {
        return usage_problem(
            fmt::format("{} has a user name; STT knows none: leave it out", quoted(text)));
    }
    STT_TRY(target.endpoint, parse_endpoint(authority, default_websocket_port));
    return target;
}

Result<Target, Problem> parse(const TargetOptions& options) {
    Target target;
    if (is_url(options.target)) {
        if (!options.websocket.empty()) {
            return usage_problem(
                fmt::format("{} is a WebSocket already; leave --websocket out, or give "
                            "HOST:PORT for UDP",
                            quoted(options.target)));
        }
        STT_TRY(target.websocket, parse_url(options.target));
        return target;
    }
    STT_TRY(target.udp, parse_endpoint(options.target, default_udp_port));
    if (options.websocket.empty()) {
        target.websocket = WebSocketTarget{{target.udp->host, default_websocket_port}, false};
    } else if (options.websocket != "off") {
        STT_TRY(target.websocket, parse_url(options.websocket));
    }
    return target;
}

Result<void, Problem> check_trust(const Target& target, const CommonOptions& options) {
    const bool is_given = options.is_insecure || !options.authorities_file.empty();
    if (!is_given || (target.websocket && target.websocket->is_secure)) return {};
    return usage_problem(
        "--authorities and --insecure are about certificates, which only wss:// has; give "
        "wss://HOST:PORT, or leave them out");
}

asio::awaitable<std::optional<Problem>> add_websockets(WebSocketTarget target,
                                                       std::vector<WebSocketAddress>& into) {
    const auto addresses = co_await resolve(target.endpoint);
    if (!addresses) co_return addresses.error();
    for (const Address& address : *addresses) {
        into.push_back({address, target.endpoint.host, target.is_secure});
    }
    co_return std::nullopt;
}

}  // namespace

Result<Target, Problem> parse_target(const TargetOptions& options, const CommonOptions& common) {
    STT_TRY(Target target, parse(options));
    STT_TRY_VOID(check_trust(target, common));
    return target;
}

asio::awaitable<Result<Destination, Problem>> resolve(Target target) {
    Destination destination;
    std::optional<Problem> problem;
    if (target.udp) {
        auto addresses = co_await resolve(*target.udp);
        if (addresses) {
            destination.udp = *std::move(addresses);
        } else {
            problem = addresses.error();
        }
    }
    const bool is_same_host =
        target.udp && target.websocket && target.udp->host == target.websocket->endpoint.host;
    if (is_same_host) {
        const WebSocketTarget& websocket = *target.websocket;
        for (const Address& address : destination.udp) {
            destination.websocket.push_back({address.with_port(websocket.endpoint.port),
                                             websocket.endpoint.host, websocket.is_secure});
        }
    } else if (target.websocket) {
        auto failed = co_await add_websockets(*target.websocket, destination.websocket);
        if (failed && !problem) problem = std::move(failed);
    }
    if (destination.udp.empty() && destination.websocket.empty()) {
        co_return Unexpected(*std::move(problem));
    }
    co_return destination;
}

std::string to_string(const WebSocketTarget& target) {
    return fmt::format("{}{}", target.is_secure ? secure_scheme : plain_scheme,
                       to_string(target.endpoint));
}

std::string to_string(const Target& target) {
    return target.udp ? to_string(*target.udp) : to_string(*target.websocket);
}

}  // namespace stt::cli
