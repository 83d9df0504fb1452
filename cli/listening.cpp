#include "listening.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <system_error>
#include <utility>

#include "endpoint.hpp"
#include "terminal_text.hpp"

namespace stt::cli {
namespace {

constexpr std::string_view off = "off";

Result<void, Problem> check_readable(const std::string& path, std::string_view option) {
    if (::access(path.c_str(), R_OK) == 0) return {};
    return usage_problem(fmt::format("cannot read {} {}: {}; give a PEM file that you may read",
                                     option, quoted(path), std::generic_category().message(errno)));
}

// One of the two ports, and how it is bound.
struct Port {
    std::string_view name;    // in a warning
    std::string_view option;  // that chooses another
    std::string wanted;       // by the person, or empty
    std::uint16_t number = 0;
    std::function<Result<Address, std::error_code>(const Address&)> bind;
};

Problem failure_of(const Port& port, const Address& address, std::error_code error) {
    std::string advice = fmt::format("choose another with {}", port.option);
    if (error == std::errc::permission_denied) {
        advice = "ports below 1024 need more rights; " + advice;
    } else if (error == std::errc::address_not_available) {
        advice = "this machine has no such address; " + advice;
    }
    return {ExitCode::network, fmt::format("cannot listen on {}: {}; {}", address.to_string(),
                                           reason_within_sentence(error), advice)};
}

// `of_other`: the address that the person gave for the other port.
Result<Address, Problem> open(const Port& port, const std::optional<Address>& of_other) {
    if (!port.wanted.empty()) {
        STT_TRY(const Address address, parse_listen_address(port.wanted, port.number));
        auto bound = port.bind(address);
        if (!bound) return Unexpected(failure_of(port, address, bound.error()));
        return *bound;
    }
    const Address address =
        of_other ? of_other->with_port(port.number) : Address::ipv6({}, port.number);
    auto bound = port.bind(address);
    if (!bound && !of_other && bound.error() != std::errc::address_in_use) {
        bound = port.bind(Address::ipv4({0, 0, 0, 0}, port.number));
    }
    if (!bound) return Unexpected(failure_of(port, address, bound.error()));
    return *bound;
}

std::optional<Address> given_address(const std::string& text, std::uint16_t port) {
    if (text.empty() || text == off) return std::nullopt;
    const auto address = parse_listen_address(text, port);
    return address ? std::optional(*address) : std::nullopt;
}

// TLS files that OpenSSL does not like fail before a port is touched.
bool is_of_tls(std::error_code error) {
    return std::string_view(error.category().name()) == "asio.ssl";
}

Result<std::optional<Address>, Problem> open_port(const Port& port, const Port& other, bool is_main,
                                                  Console& console) {
    if (port.wanted == off) return std::optional<Address>();
    auto address = open(port, given_address(other.wanted, other.number));
    if (address) return std::optional<Address>(*address);
    if (!port.wanted.empty() || is_main) return Unexpected(address.error());
    console.warning(fmt::format("no {}: {}", port.name, address.error().text));
    return std::optional<Address>();
}

}  // namespace

Result<void, Problem> check(const ListenOptions& options) {
    if (options.udp == off && options.websocket == off) {
        return usage_problem("both ports are off, so nobody could come; leave one of them on");
    }
    if (!options.udp.empty() && options.udp != off) {
        STT_TRY_VOID(parse_listen_address(options.udp, default_udp_port));
    }
    if (!options.websocket.empty() && options.websocket != off) {
        STT_TRY_VOID(parse_listen_address(options.websocket, default_websocket_port));
    }
    if (options.certificate_file.empty() != options.key_file.empty()) {
        return usage_problem("--certificate and --key belong together: give both, or none");
    }
    if (options.certificate_file.empty()) return {};
    if (options.websocket == off) {
        return usage_problem(
            "--certificate is for WebSockets, which are off; leave one of them out");
    }
    STT_TRY_VOID(check_readable(options.certificate_file, "--certificate"));
    return check_readable(options.key_file, "--key");
}

Result<std::optional<Target>, Problem> read_meeting(const MeetOptions& options,
                                                    const CommonOptions& common) {
    if (options.waits) {
        STT_TRY_VOID(check(options.listen));
        return std::optional<Target>();
    }
    STT_TRY(Target target, parse_target(options.target, common));
    return std::optional<Target>(std::move(target));
}

Result<Listening, Problem> listen(Node& node, const ListenOptions& options, MainPort main_port,
                                  Console& console, PageHandler page) {
    STT_TRY_VOID(check(options));
    WebSocketOptions websocket_options;
    websocket_options.certificate_file = options.certificate_file;
    websocket_options.key_file = options.key_file;
    websocket_options.allowed_origins = options.origins;
    websocket_options.page = std::move(page);
    std::error_code tls_error;
    const bool is_page = main_port == MainPort::websocket;
    const Port udp{"UDP", is_page ? "--udp" : "--listen", options.udp, default_udp_port,
                   [&node](const Address& address) { return node.listen(address); }};
    const Port websocket{"WebSocket", is_page ? "--listen" : "--websocket", options.websocket,
                         default_websocket_port, [&](const Address& address) {
                             auto bound = node.listen_websocket(address, websocket_options);
                             if (!bound && is_of_tls(bound.error())) tls_error = bound.error();
                             return bound;
                         }};
    Listening listening;
    listening.is_secure = !options.certificate_file.empty();
    auto of_websocket = open_port(websocket, udp, is_page || listening.is_secure, console);
    if (tls_error) {
        return Unexpected(Problem{
            ExitCode::usage,
            fmt::format("cannot use the certificate {} with the key {}: {}; both are PEM files, "
                        "and the key has no passphrase",
                        quoted(options.certificate_file), quoted(options.key_file),
                        visible(tls_error.message()))});
    }
    if (!of_websocket) return Unexpected(of_websocket.error());
    listening.websocket = *of_websocket;
    STT_TRY(listening.udp, open_port(udp, websocket, !is_page, console));
    return listening;
}

std::string to_string(const Listening& listening) {
    std::string text;
    if (listening.udp) text = listening.udp->to_string();
    if (!listening.websocket) return text;
    return fmt::format("{}{}{}://{}", text, text.empty() ? "" : " and ",
                       listening.is_secure ? "wss" : "ws", listening.websocket->to_string());
}

}  // namespace stt::cli
