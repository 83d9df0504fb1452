// stt bridge: forwards frames between WebSockets and UDP, without the seed. Spec protocol §13.4.
#include <fmt/format.h>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <stt/bridge.hpp>
#include <utility>

#include "console.hpp"
#include "endpoint.hpp"
#include "inbox.hpp"
#include "interrupt.hpp"
#include "listening.hpp"
#include "network.hpp"
#include "options.hpp"
#include "target.hpp"
#include "terminal_text.hpp"

namespace stt::cli {
namespace {

BridgeConfig config_of(const BridgeOptions& options) {
    BridgeConfig config;
    config.client_count_max = options.client_count_max;
    config.client_count_max_of_source = options.client_count_max_of_source;
    config.tls_authorities_file = options.common.authorities_file;
    config.tls_verifies = !options.common.is_insecure;
    config.log = start_log(options.common.verbosity);
    return config;
}

std::string describe(const BridgeStatistics& statistics) {
    return fmt::format(
        "clients: {} now, {} served, {} refused; to UDP: {} datagrams, {}; to WebSockets: {} "
        "messages, {}; dropped: {} for lack of room, {} frames too large, {} malformed, {} "
        "unexpected",
        statistics.clients, statistics.clients_served, statistics.clients_refused,
        statistics.datagrams_to_udp, format_size(statistics.bytes_to_udp),
        statistics.messages_to_websocket, format_size(statistics.bytes_to_websocket),
        statistics.drops_full, statistics.frames_too_large, statistics.messages_malformed,
        statistics.datagrams_unexpected);
}

class BridgeServer {
public:
    BridgeServer(asio::io_context& context, const BridgeOptions& options, Target target)
        : options_(options),
          target_(std::move(target)),
          bridge_(context, config_of(options)),
          timer_(context),
          interrupt_(context) {
        interrupt_.set_handler([this] { timer_.cancel(); });
    }

    asio::awaitable<void> run() {
        const auto started = co_await start();
        if (!started) {
            console_.error(started.error().text);
            exit_code_ = started.error().code;
            interrupt_.cancel();
            co_return;
        }
        const auto interval = std::chrono::seconds(
            options_.report_seconds > 0 ? options_.report_seconds : 3'600 * 24 * 365);
        while (!interrupt_.happened()) {
            timer_.expires_after(interval);
            std::error_code stopped;
            co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
            console_.say(describe(bridge_.statistics()));
        }
        bridge_.close();
        interrupt_.cancel();
    }

    ExitCode exit_code() const {
        return interrupt_.happened() ? interrupt_.exit_code() : exit_code_;
    }

private:
    asio::awaitable<Result<void, Problem>> start() {
        const auto there = co_await resolve(target_);
        if (!there) co_return Unexpected(there.error());
        const bool is_to_udp = target_.udp.has_value();
        const ListenOptions& listen = options_.listen;
        const std::uint16_t port = is_to_udp ? default_websocket_port : default_udp_port;
        const auto wanted = listen.websocket.empty()
                                ? Result<Address, Problem>(Address::ipv6({}, port))
                                : parse_listen_address(listen.websocket, port);
        if (!wanted) co_return Unexpected(wanted.error());
        WebSocketOptions options;
        options.certificate_file = listen.certificate_file;
        options.key_file = listen.key_file;
        options.allowed_origins = listen.origins;
        const auto bind = [&](const Address& address) {
            return is_to_udp ? bridge_.listen_websocket(address, options, there->udp.front())
                             : bridge_.listen_udp(address, there->websocket.front());
        };
        auto bound = bind(*wanted);
        // A machine without IPv6.
        if (!bound && listen.websocket.empty() && bound.error() != std::errc::address_in_use) {
            bound = bind(Address::ipv4({0, 0, 0, 0}, port));
        }
        if (!bound) {
            co_return Unexpected(
                Problem{ExitCode::network,
                        fmt::format("cannot listen on {}: {}; choose another address "
                                    "or port with --listen",
                                    wanted->to_string(), reason_within_sentence(bound.error()))});
        }
        const std::string_view scheme = options.certificate_file.empty() ? "ws" : "wss";
        const std::string here = is_to_udp ? fmt::format("{}://{}", scheme, bound->to_string())
                                           : bound->to_string() + " by UDP";
        console_.say(fmt::format("bridging {} to {}{}", here, to_string(target_),
                                 is_to_udp ? " by UDP" : ""));
        co_return Result<void, Problem>();
    }

    const BridgeOptions& options_;
    Target target_;
    Console console_;
    Bridge bridge_;
    asio::steady_timer timer_;
    Interrupt interrupt_;
    ExitCode exit_code_ = ExitCode::ok;
};

Result<Target, Problem> read_target(const BridgeOptions& options) {
    STT_TRY(Target target, parse_target({options.target, {}}, options.common));
    // Not also the WebSocket beside it.
    if (target.udp) target.websocket.reset();
    if (target.websocket && !options.listen.certificate_file.empty()) {
        return Unexpected(Problem{ExitCode::usage,
                                  "--certificate is for clients by WebSocket, and with a target of "
                                  "ws:// or wss:// they come by UDP; leave it out"});
    }
    STT_TRY_VOID(check({{},
                        options.listen.websocket,
                        options.listen.certificate_file,
                        options.listen.key_file,
                        options.listen.origins}));
    return target;
}

}  // namespace

ExitCode run_bridge(const BridgeOptions& options) {
    auto target = read_target(options);
    if (!target) {
        Console().error(target.error().text);
        return target.error().code;
    }
    raise_file_limit();
    asio::io_context context(1);
    BridgeServer server(context, options, *std::move(target));
    asio::co_spawn(context, server.run(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    return server.exit_code();
}

}  // namespace stt::cli
