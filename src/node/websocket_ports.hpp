// The WebSockets of a node, its own and those of others, by the number that a Route has.
#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stt/result.hpp>
#include <stt/websocket.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "base/lifetime.hpp"
#include "node/transport_owner.hpp"
#include "stc/random.hpp"
#include "transport/websocket/dial.hpp"
#include "transport/websocket/listener.hpp"
#include "transport/websocket/tls_context.hpp"

namespace stt::node {

// Which numbers routes have: every `step`th, so that several objects have none in common.
struct RouteNumbers {
    std::uint64_t first = 1;
    std::uint64_t step = 1;
};

class WebSocketPorts {
public:
    // Becomes the number of the route.
    using DialNumber = std::uint64_t;
    // The route of a WebSocket that is open, or why there is none.
    using OpenHandler = std::function<void(std::error_code, const Route&)>;

    // `trust` is of servers that this node goes to. `random` outlives this object.
    WebSocketPorts(asio::io_context& context, TransportOwner& owner, transport::TlsTrust trust,
                   stc::RandomSource& random, RouteNumbers numbers = {});
    ~WebSocketPorts();

    Result<Address, std::error_code> listen(const Address& address, const WebSocketOptions& options,
                                            platform::PortUse port_use = platform::PortUse::alone);
    // Ends the listening at an address that listen() returned, and closes what came by it and is
    // not authenticated.
    void stop_listening(const Address& bound);
    // Failures: those of TCP, certificate_refused, not_a_node.
    DialNumber open(const WebSocketAddress& target, OpenHandler handler);
    // Without effect when it has ended; else its handler is not called.
    void cancel(DialNumber dial);
    void send(const Route& route, Bytes message);
    // Something authentic came by it, as the owner knows.
    void set_authenticated(const Route& route);
    bool has_unsent() const;
    // The peer is told why. handle_route_closed() follows.
    void close(const Route& route, std::uint16_t code, std::string_view why);
    bool is_full(const Route& route) const;
    bool is_authenticated(const Route& route) const;
    // See WebSocketConnection.
    void hold_reading(const Route& route);
    void resume_reading(const Route& route);
    bool has(const Route& route) const noexcept { return connections_.contains(route.connection); }
    // Says good-bye to all, and lets go of the sockets.
    void shut_down();

private:
    using Pointer = std::shared_ptr<transport::WebSocketConnection>;
    struct Connection {
        Pointer connection;
        Route route;
        transport::WebSocketListener* listener = nullptr;  // while it counts there
    };
    // One of this node's that is not open yet.
    struct Opening {
        OpenHandler handler;
        std::unique_ptr<transport::Dial> dial;
        Pointer connection;
    };

    Result<std::shared_ptr<asio::ssl::context>, std::error_code> client_tls();
    std::uint64_t take_number() noexcept {
        return std::exchange(next_number_, next_number_ + number_step_);
    }
    void begin(DialNumber number, const transport::DialTarget& target, const Pointer& connection);
    void fail(DialNumber number, std::error_code error);
    void add(const Route& route, const Pointer& connection, transport::WebSocketListener* listener);
    // Of those in use; null when it is none.
    Pointer find(const Route& route) const;
    transport::WebSocketConnection::Handlers handlers_of(const Route& route);
    bool take_message(Route route, MutableBytes message);
    void release(Connection& connection);

    asio::io_context& context_;
    TransportOwner& owner_;
    transport::TlsTrust trust_;
    stc::RandomSource& random_;
    std::shared_ptr<transport::ReadRoom> room_;
    std::shared_ptr<asio::ssl::context> client_tls_;
    std::vector<std::unique_ptr<transport::WebSocketListener>> listeners_;
    std::map<std::uint64_t, Connection> connections_;  // of use
    std::map<std::uint64_t, Connection> leaving_;      // no more, and their socket is open
    std::map<DialNumber, Opening> openings_;
    std::uint64_t next_number_;
    std::uint64_t number_step_;
    Lifetime lifetime_;
};

}  // namespace stt::node
