// Opens a WebSocket to a server.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <stt/address.hpp>
#include <stt/result.hpp>
#include <system_error>

#include "transport/websocket/connection.hpp"

namespace stt::transport {

struct DialTarget {
    Address address;
    std::string host;  // a name or an address, without port; for Host, and the certificate
    std::shared_ptr<asio::ssl::context> tls;  // null: none
};

// A connection by TCP that is under way; destroyed, it ends, and the handler is not called.
class Dial {
public:
    // A connection that is not started yet, or why there is none.
    using Handler =
        std::function<void(std::error_code, std::shared_ptr<WebSocketConnection> connection)>;

    Dial(asio::io_context& context, const DialTarget& target, std::shared_ptr<ReadRoom> room,
         stc::RandomSource& random, Handler handler);
    ~Dial();
    Dial(const Dial&) = delete;
    Dial& operator=(const Dial&) = delete;

private:
    struct State;
    std::shared_ptr<State> state_;
};

// Of a target, for start_client(): "example.org:8080", "[::1]:8080", without the scheme's own port.
std::string host_field_of(const DialTarget& target);

}  // namespace stt::transport
