// A node: what an application uses to reach, and be reached by, those who share its seed.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <stt/address.hpp>
#include <stt/failure.hpp>
#include <stt/node_config.hpp>
#include <stt/result.hpp>
#include <stt/seed.hpp>
#include <stt/session.hpp>
#include <stt/stream.hpp>
#include <stt/websocket.hpp>
#include <system_error>
#include <vector>

namespace stt {

// Spec protocol §13.1.
inline constexpr std::uint16_t default_udp_port = 9001;

struct ConnectOptions {
    // The first of the node's seeds when left out.
    std::optional<SeedId> seed;
    // The node that must answer; whoever does when left out.
    std::optional<NodeId> peer;
};

// Sockets, timers and all sessions of one program. Not thread-safe: use it, and all
// that comes from it, only from the thread that runs `context`.
class Node {
public:
    // The seed is not kept: only the keys that come from it. 16 to 4,096 bytes.
    Node(asio::io_context& context, const Seed& seed, NodeConfig config = {});
    // Without a seed: strangers to all until add_seed().
    explicit Node(asio::io_context& context, NodeConfig config = {});
    // Of the library's own.
    explicit Node(std::shared_ptr<detail::NodeBackend> backend) noexcept;
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    // A further seed, for HELLOs of peers and for connect(); after `lifetime` it is removed.
    // Errors: seed_size, seed_limit, node_closed.
    Result<SeedId, std::error_code> add_seed(const Seed& seed,
                                             std::optional<Duration> lifetime = std::nullopt);
    // Wipes its keys: its sessions end with code 7 at the peer and session_seed_removed here, and
    // connects with it fail. False: no such seed.
    bool remove_seed(SeedId seed);

    // Binds a UDP socket for sessions in both directions, once for each family ("[::]" is both);
    // port 0 takes a free one. Before connect(), which binds one where none is.
    // Returns the address bound.
    Result<Address, std::error_code> listen(const Address& address);

    // Listens for WebSockets, too or instead; any number of times. Sessions are the same on either.
    // Returns the address bound. Errors: the system's, and OpenSSL's for the files.
    Result<Address, std::error_code> listen_websocket(const Address& address,
                                                      const WebSocketOptions& options = {});

    // Connects to the first place of `destination` that answers: at most 64 addresses of UDP, tried
    // one after the other, 250 ms apart and families in turn, all until the end; 250 ms behind them
    // at most 64 WebSockets, in their order. Binds a socket when listen() was not called.
    //
    // While the session lives, it moves to one of these WebSockets when UDP falls silent, and back
    // when UDP works again; streams go on where they were. Spec protocol §11.4.
    asio::awaitable<Result<Session, std::error_code>> connect(Destination destination,
                                                              ConnectOptions options = {});
    asio::awaitable<Result<Session, std::error_code>> connect(std::vector<Address> addresses,
                                                              ConnectOptions options = {}) {
        return connect(Destination{std::move(addresses), {}}, options);
    }
    asio::awaitable<Result<Session, std::error_code>> connect(const Address& address,
                                                              ConnectOptions options = {}) {
        return connect(Destination{{address}, {}}, options);
    }
    // The next session that a peer began. One caller at a time. A node that only serves endpoints
    // or custom frames need not call it: sessions live without, and while there are handlers only
    // the newest 1,024 that nobody accepted are kept for it. Without handlers, more are closed.
    asio::awaitable<Result<Session, std::error_code>> accept();

    // Serves the streams that peers open to `endpoint`, in every session. The rules are those
    // of Session::handle().
    void handle(std::string endpoint, StreamHandler handler);
    void handle_messages(std::string endpoint, MessageHandler handler);
    void remove_handler(std::string_view endpoint);

    // Serves the custom frames of a type, in every session. The rules are those of
    // Session::handle_custom().
    void handle_custom(std::uint8_t type, CustomHandler handler);
    void remove_custom_handler(std::uint8_t type);

    // This machine's network is another one, or it woke: every session asks its peer at once.
    // For programs that learn of it otherwise than NodeConfig::watches_network does.
    void network_changed();

    NodeId id() const;

    // Closes all sessions, waits until their closes have left, and releases the sockets.
    asio::awaitable<void> close();

private:
    std::shared_ptr<detail::NodeBackend> backend_;
};

}  // namespace stt
