#include "endpoint.hpp"

#include <fmt/format.h>

#include <asio/experimental/as_tuple.hpp>
#include <asio/ip/udp.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "terminal_text.hpp"

namespace stt::cli {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return port;
}

struct Parts {
    std::string_view host;
    std::optional<std::string_view> port;
};

// Null when the brackets or the colons are not in their places.
std::optional<Parts> split(std::string_view text) {
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        const std::string_view host = text.substr(1, close - 1);
        const std::string_view rest = text.substr(close + 1);
        if (rest.empty()) return Parts{host, std::nullopt};
        if (rest[0] != ':') return std::nullopt;
        return Parts{host, rest.substr(1)};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return Parts{text, std::nullopt};
    if (text.find(':', colon + 1) != std::string_view::npos) return std::nullopt;
    return Parts{text.substr(0, colon), text.substr(colon + 1)};
}

Address to_address(const asio::ip::address& address, std::uint16_t port) {
    if (address.is_v4()) return Address::ipv4(address.to_v4().to_bytes(), port);
    const asio::ip::address_v6 v6 = address.to_v6();
    return Address::ipv6(v6.to_bytes(), port, static_cast<std::uint32_t>(v6.scope_id()));
}

}  // namespace

Result<Endpoint, Problem> parse_endpoint(std::string_view text, std::uint16_t default_port) {
    const std::optional<Parts> parts = split(text);
    if (!parts || parts->host.empty()) {
        return usage_problem(
            fmt::format("{} is not HOST:PORT; write it like example.org:{port}, "
                        "192.0.2.1:{port} or [2001:db8::1]:{port}",
                        quoted(text), fmt::arg("port", default_port)));
    }
    Endpoint endpoint{std::string(parts->host), default_port};
    if (!parts->port) return endpoint;
    const std::optional<std::uint16_t> port = parse_port(*parts->port);
    if (!port || *port == 0) {
        return usage_problem(fmt::format("{} is not a port in {}; ports are 1 to 65535",
                                         quoted(*parts->port), quoted(text)));
    }
    endpoint.port = *port;
    return endpoint;
}

Result<Address, Problem> parse_listen_address(std::string_view text, std::uint16_t default_port) {
    const std::optional<Parts> parts = split(text);
    std::error_code error;
    asio::ip::address address = asio::ip::address_v6::any();
    std::optional<std::uint16_t> port = default_port;
    if (parts && !parts->host.empty()) address = asio::ip::make_address(parts->host, error);
    if (parts && parts->port) port = parse_port(*parts->port);
    if (!parts || error || !port || text.empty()) {
        return usage_problem(
            fmt::format("{} is not an address to listen on; write it like 0.0.0.0:{port}, "
                        "[::]:{port} or 127.0.0.1:0",
                        quoted(text), fmt::arg("port", default_port)));
    }
    return to_address(address, *port);
}

asio::awaitable<Result<std::vector<Address>, Problem>> resolve(Endpoint endpoint) {
    asio::ip::udp::resolver resolver(co_await asio::this_coro::executor);
    const std::string service = std::to_string(endpoint.port);
    auto [error, found] = co_await resolver.async_resolve(
        endpoint.host, service, asio::ip::udp::resolver::numeric_service,
        asio::experimental::as_tuple(asio::use_awaitable));
    std::vector<Address> addresses;
    if (!error) {
        for (const auto& entry : found) {
            addresses.push_back(to_address(entry.endpoint().address(), endpoint.port));
        }
    }
    if (addresses.empty()) {
        co_return Unexpected(Problem{
            ExitCode::network, fmt::format("cannot find the host {}: {}; check the name, or give "
                                           "an address",
                                           quoted(endpoint.host), visible(error.message()))});
    }
    co_return addresses;
}

std::string to_string(const Endpoint& endpoint) {
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    return visible(is_ipv6 ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
                           : fmt::format("{}:{}", endpoint.host, endpoint.port));
}

}  // namespace stt::cli
