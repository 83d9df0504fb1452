// Joins WebSockets and UDP for those who have only one of them. Spec protocol §13.4.
#pragma once

#include <asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <stt/address.hpp>
#include <stt/node_config.hpp>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <stt/websocket.hpp>
#include <system_error>

namespace stt {

namespace detail {
class BridgeBackend;
}

struct BridgeConfig {
    // Clients at one time, in all and of one source (an IPv4 address, or 64 bits of an IPv6 one);
    // further ones are refused. About 30 KB each, and 250 KB when its WebSocket is slow.
    std::size_t client_count_max = 1'024;
    std::size_t client_count_max_of_source = 64;
    // One by which nothing goes for so long is forgotten: longer than a session lives in silence.
    Duration idle_timeout = std::chrono::seconds(330);
    // Of a target with TLS; as in NodeConfig.
    std::string tls_authorities_file;
    bool tls_verifies = true;
    // Called with one line for each event worth a log; may be empty.
    std::function<void(LogLevel, std::string_view)> log;
};

struct BridgeStatistics {
    std::size_t clients = 0;  // now
    std::uint64_t clients_served = 0;
    std::uint64_t clients_refused = 0;  // over a limit
    std::uint64_t datagrams_to_udp = 0;
    std::uint64_t bytes_to_udp = 0;
    std::uint64_t messages_to_websocket = 0;
    std::uint64_t bytes_to_websocket = 0;
    std::uint64_t frames_too_large = 0;      // for a datagram: dropped
    std::uint64_t messages_malformed = 0;    // not of frames: dropped, and the WebSocket closed
    std::uint64_t datagrams_unexpected = 0;  // of nobody, and no HELLO; or not from the target
    std::uint64_t drops_full = 0;            // messages and datagrams for which there was no room
};

// Forwards frames between a node and clients of the other transport. It holds no seed: it can read
// and forge nothing, and what it loses the nodes find out. Not thread-safe.
class Bridge {
public:
    explicit Bridge(asio::io_context& context, BridgeConfig config = {});
    ~Bridge();
    Bridge(const Bridge&) = delete;
    Bridge& operator=(const Bridge&) = delete;

    // Clients come by WebSocket and are forwarded to the node at `node`, by a UDP port for each.
    // One that the node does not answer within 10 s is closed. Returns the address bound.
    Result<Address, std::error_code> listen_websocket(const Address& address,
                                                      const WebSocketOptions& options,
                                                      const Address& node);
    // Clients come by UDP and are forwarded to the node at `node`, by a WebSocket for each, which
    // a datagram of a HELLO's form opens. Once, for a family of addresses.
    Result<Address, std::error_code> listen_udp(const Address& address,
                                                const WebSocketAddress& node);

    BridgeStatistics statistics() const;
    // Lets go of all clients and sockets.
    void close();

private:
    std::shared_ptr<detail::BridgeBackend> backend_;
};

}  // namespace stt
