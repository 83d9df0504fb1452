// A node: what an application uses to reach, and be reached by, those who share its seed.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <stt/address.hpp>
#include <stt/failure.hpp>
#include <stt/node_config.hpp>
#include <stt/result.hpp>
#include <stt/seed.hpp>
#include <stt/session.hpp>
#include <stt/stream.hpp>
#include <system_error>
#include <vector>

namespace stt {

// Spec protocol §13.1.
inline constexpr std::uint16_t default_udp_port = 9001;

// Sockets, timers and all sessions of one program. Not thread-safe: use it, and all
// that comes from it, only from the thread that runs `context`.
class Node {
public:
    // The seed is not kept: only the keys that come from it. 16 to 4,096 bytes.
    Node(asio::io_context& context, const Seed& seed, NodeConfig config = {});
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    // Binds a UDP socket for sessions in both directions, once for each family ("[::]" is both);
    // port 0 takes a free one. Before connect(), which binds one where none is.
    // Returns the address bound.
    Result<Address, std::error_code> listen(const Address& address);

    // Connects to the first of `addresses` that answers; all are tried at once. Binds a
    // socket when listen() was not called.
    asio::awaitable<Result<Session, std::error_code>> connect(std::vector<Address> addresses);
    asio::awaitable<Result<Session, std::error_code>> connect(const Address& address) {
        return connect(std::vector<Address>(1, address));
    }
    // The next session that a peer began. One caller at a time. A node that only serves
    // endpoints need not call it: sessions live without, and while there are handlers only the
    // newest 1,024 that nobody accepted are kept for it. Without handlers, more are closed.
    asio::awaitable<Result<Session, std::error_code>> accept();

    // Serves the streams that peers open to `endpoint`, in every session. The rules are those
    // of Session::handle().
    void handle(std::string endpoint, StreamHandler handler);
    void handle_messages(std::string endpoint, MessageHandler handler);
    void remove_handler(std::string_view endpoint);

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
