// Takes WebSocket connections, within limits. Spec protocol §13.3.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stt/address.hpp>
#include <stt/result.hpp>
#include <system_error>

#include "base/lifetime.hpp"
#include "base/source_limit.hpp"
#include "platform/shared_port.hpp"
#include "transport/websocket/connection.hpp"

namespace stt::transport {

struct ListenerConfig {
    websocket::ServerHandshakeConfig handshake;
    std::shared_ptr<asio::ssl::context> tls;  // null: none
    // Connections by which nothing authentic came yet, in all and of one source (an IPv4 address,
    // or 64 bits of an IPv6 one); further ones are closed at once. About 10 KB each without TLS.
    std::size_t unauthenticated_max = 512;
    std::size_t unauthenticated_max_of_source = 64;
    platform::PortUse port_use = platform::PortUse::alone;
};

// Bound and listening from the first; the owner lets it run.
class WebSocketListener {
public:
    // Called with each connection, not started yet. The owner starts it, calls released() once when
    // it has become authenticated or is gone, and tells which.
    using OnConnection =
        std::function<void(std::shared_ptr<WebSocketConnection>, const Address& from)>;

    // As UdpSocket::bind(): port 0 takes a free one, "[::]" both families.
    static Result<std::unique_ptr<WebSocketListener>, std::error_code> bind(
        asio::io_context& context, const Address& address, ListenerConfig config,
        std::shared_ptr<ReadRoom> room, stc::RandomSource& random);

    void start(OnConnection on_connection);
    void released(const Address& from) noexcept { unauthenticated_.give_back(from); }
    const Address& local_address() const noexcept { return local_; }
    const ListenerConfig& config() const noexcept { return config_; }

    struct Counters {
        std::uint64_t accepted = 0;
        std::uint64_t refused = 0;  // over a limit
    };
    const Counters& counters() const noexcept { return counters_; }

private:
    WebSocketListener(asio::io_context& context, ListenerConfig config,
                      std::shared_ptr<ReadRoom> room, stc::RandomSource& random);
    void accept();
    void take(asio::ip::tcp::socket socket, const asio::ip::tcp::endpoint& from);

    asio::io_context& context_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    ListenerConfig config_;
    std::shared_ptr<ReadRoom> room_;
    stc::RandomSource& random_;
    OnConnection on_connection_;
    Address local_;
    SourceLimit unauthenticated_;
    Counters counters_;
    Lifetime lifetime_;
};

// From Asio, an IPv4-mapped address as IPv4; and back.
Address to_address(const asio::ip::tcp::endpoint& endpoint) noexcept;
asio::ip::tcp::endpoint to_endpoint(const Address& address) noexcept;

}  // namespace stt::transport
