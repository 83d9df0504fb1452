// connect(): UDP and WebSockets of a peer, raced. Spec protocol §4.3 (e).
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stt/completion.hpp>
#include <stt/node.hpp>
#include <system_error>

#include "base/lifetime.hpp"
#include "core/connection/endpoint.hpp"
#include "node/await_completion.hpp"
#include "node/udp_ports.hpp"
#include "node/websocket_ports.hpp"

namespace stt::node {

// UDP begins, and has 250 ms before the first WebSocket is opened; each further one comes 250 ms
// after the one before, or when that has failed. The first session takes it all.
class Connector {
public:
    using Session = connection::SessionHandle;
    using Handler = std::function<void(std::error_code, Session)>;
    // Makes the node drain the engine soon.
    using Schedule = std::function<void()>;

    Connector(asio::io_context& context, connection::Endpoint& endpoint, UdpPorts& udp,
              WebSocketPorts& websockets, Schedule schedule)
        : context_(context),
          endpoint_(endpoint),
          udp_(udp),
          websockets_(websockets),
          schedule_(std::move(schedule)) {}

    struct Request {
        handshake::SeedId seed = 0;
        Destination destination;
        std::optional<NodeId> peer;
    };
    using Number = std::uint64_t;
    // The handler is called from the loop, or at once when there is nothing to be tried.
    Number begin(Request request, Handler handler);
    // Its handler is not called. Without effect when it has ended.
    void cancel(Number number);
    // All that are under way fail.
    void fail_all(std::error_code error);

    // What the engine tells of attempts. Null: nobody waits for that session.
    struct Won {
        Handler handler;
        Destination destination;
    };
    std::optional<Won> take(connection::AttemptId attempt);
    void on_failed(connection::AttemptId attempt, connection::ConnectError error);
    void on_route_closed(const Route& route);

private:
    struct Race {
        explicit Race(asio::io_context& context) : timer(context) {}

        Request request;
        Handler handler;
        std::map<connection::AttemptId, Route> attempts;  // a Route of no number: UDP
        std::set<WebSocketPorts::DialNumber> dials;
        std::size_t next_websocket = 0;
        asio::steady_timer timer;
        std::error_code error;
    };

    bool begin_udp(Number number, Race& race);
    void begin_websocket(Number number);
    void wait_for_next(Number number, Race& race, Duration delay);
    void note(Race& race, std::error_code error);
    void fail_if_over(Number number);
    void end(Race& race);
    Race* find(Number number);

    asio::io_context& context_;
    connection::Endpoint& endpoint_;
    UdpPorts& udp_;
    WebSocketPorts& websockets_;
    Schedule schedule_;
    std::map<Number, Race> races_;
    std::map<connection::AttemptId, Number> by_attempt_;
    Number next_number_ = 1;
    Lifetime lifetime_;
};

}  // namespace stt::node
