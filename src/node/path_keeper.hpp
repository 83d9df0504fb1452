// Keeps the sessions that this node began on a path that works: from UDP to a WebSocket and back.
// Spec protocol §11.4.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <optional>
#include <stt/time.hpp>
#include <stt/websocket.hpp>
#include <vector>

#include "base/lifetime.hpp"
#include "core/connection/endpoint.hpp"
#include "node/websocket_ports.hpp"

namespace stt::node {

// A WebSocket is opened when UDP has been silent for a second or the WebSocket in use has closed,
// and closed again when the session has gone on without it for a while. UDP is asked from time to
// time while a WebSocket is in use. Sessions whose peer has no WebSocket are none of its business.
class PathKeeper {
public:
    // Makes the node drain the engine soon.
    using Schedule = std::function<void()>;

    PathKeeper(asio::io_context& context, connection::Endpoint& endpoint,
               WebSocketPorts& websockets, Schedule schedule)
        : context_(context),
          endpoint_(endpoint),
          websockets_(websockets),
          schedule_(std::move(schedule)) {}
    ~PathKeeper() { clear(); }

    // A session that was made with these, by the route that it has now.
    void add(connection::SessionHandle session, const Destination& destination);
    // It has ended, or another took its place.
    void remove(connection::SessionHandle session);
    void replace(connection::SessionHandle former, connection::SessionHandle successor);
    void clear();

    // What the engine and the transports tell.
    void on_silent(connection::SessionHandle session);
    void on_path_taken(connection::SessionHandle session, const Route& route);
    void on_route_closed(const Route& route);
    void network_changed();

private:
    struct Entry {
        explicit Entry(asio::io_context& context) : timer(context) {}

        Destination destination;
        Route route;                    // in use
        std::vector<Route> websockets;  // that are open for this session
        std::optional<WebSocketPorts::DialNumber> dial;
        std::size_t next_target = 0;  // of destination.websocket
        bool is_without_path = false;
        Duration dial_pause{};  // after the next failure
        Duration udp_pause{};   // until UDP is asked again
        std::optional<Instant> udp_since;
        std::optional<Instant> dial_at;
        std::optional<Instant> ask_udp_at;
        std::optional<Instant> close_at;  // those that are not in use
        asio::steady_timer timer;
    };
    using Handle = connection::SessionHandle;

    bool needs_websocket(Handle session, const Entry& entry);
    void dial(Handle session, Entry& entry);
    void handle_dialed(Handle session, std::error_code error, const Route& route);
    void ask_udp(Handle session, Entry& entry);
    void move_to(Handle session, const Route& route);
    void close_unused(Entry& entry);
    void arm(Handle session, Entry& entry);
    void handle_timer(Handle session);

    asio::io_context& context_;
    connection::Endpoint& endpoint_;
    WebSocketPorts& websockets_;
    Schedule schedule_;
    std::map<Handle, Entry> entries_;
    Lifetime lifetime_;
};

}  // namespace stt::node
