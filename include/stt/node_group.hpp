// A node on several threads, for programs that serve many peers.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <stt/node.hpp>
#include <stt/node_group_statistics.hpp>
#include <system_error>

namespace stt {

namespace detail {
class GroupBackend;
}

// Threads of one group. Spec protocol §4.1 (j): a Session ID's first byte names the thread.
inline constexpr std::size_t node_group_thread_count_max = 64;

struct NodeGroupConfig {
    // Of each thread's node. Limits of the whole, which are session_count_max, half_open_count_max,
    // nonce_count_max and both handshake rates, are divided by the number of threads, rounded up;
    // so, where peers are not spread evenly, one is reached a little early; sessions that the group
    // begins are counted apart. All other limits are of a session, or of each thread. `log` is
    // called by one thread at a time. `trace` must be empty (else an STT_CHECK breaks): there is
    // one below.
    NodeConfig node;
    // Up to 64; more is taken as that. 0: as many as the machine has processors.
    std::size_t thread_count = 0;
    // As NodeConfig::trace, of the sessions of one thread, on which it is called: a file for each.
    std::function<void(std::size_t thread, std::string_view)> trace;
};

// Serves one session that a peer began, until it returns; the session goes on.
using SessionHandler = std::function<asio::awaitable<void>(Session)>;

// One node, with one node id and one port, whose sessions are spread over threads that the group
// starts: each session, with all of its streams, stays on one, and handlers of it run there. So:
//
// - Handlers are copied for each thread and called by all of them: what they share is theirs to
//   guard. What belongs to a session (Session, Stream, a FanOut of its streams) is used on its
//   thread only, which is that of its executor.
// - A handler must not block: it would hold up all sessions of its thread.
// - The members of a group may be called from any thread. Those that wait for its threads
//   (add_seed, remove_seed, listen, listen_websocket, close) refuse to be called on one of them:
//   std::errc::resource_deadlock_would_occur.
//
// Memory is that of two Nodes for each thread, and 1 MiB for each thread and each other one to
// which it has forwarded so much. docs/guide/library.md says when that is.
class NodeGroup {
public:
    // The threads run from here on. The seed is not kept. 16 to 4,096 bytes.
    NodeGroup(const Seed& seed, NodeGroupConfig config = {});
    // Without a seed: strangers to all until add_seed().
    explicit NodeGroup(NodeGroupConfig config);
    // Lets go of all sessions and sockets at once, and waits for the threads' ends. Not on one of
    // them.
    ~NodeGroup();
    NodeGroup(const NodeGroup&) = delete;
    NodeGroup& operator=(const NodeGroup&) = delete;

    std::size_t thread_count() const noexcept;
    NodeId id() const;

    // As those of Node, for all threads.
    Result<SeedId, std::error_code> add_seed(const Seed& seed,
                                             std::optional<Duration> lifetime = std::nullopt);
    Result<bool, std::error_code> remove_seed(SeedId seed);

    // Binds a UDP socket for each thread, all of one port, and has the kernel give each datagram to
    // its session's thread. Once for each family of addresses.
    Result<Address, std::error_code> listen(const Address& address);
    // Listens for WebSockets on all threads. The kernel spreads them over the threads by their
    // addresses; messages for sessions of another thread are forwarded. WebSocketOptions::page is
    // called by all threads; its limits are divided.
    Result<Address, std::error_code> listen_websocket(const Address& address,
                                                      const WebSocketOptions& options = {});

    // As those of Node. They take effect on each thread soon, and before a listen() that is called
    // later.
    void handle(std::string endpoint, StreamHandler handler);
    void handle_messages(std::string endpoint, MessageHandler handler);
    void remove_handler(std::string endpoint);
    void handle_custom(std::uint8_t type, CustomHandler handler);
    void remove_custom_handler(std::uint8_t type);
    // Called with each session that a peer begins from then on, as Node::accept() gives it. What it
    // throws goes to the log. Another call replaces the handler.
    void handle_sessions(SessionHandler handler);
    void network_changed();

    // Runs what is given to it on one of the threads, 0 to thread_count() - 1, where it may
    // connect().
    asio::any_io_executor executor(std::size_t thread) const;
    // Connects as Node::connect() does, by a socket of the thread's own; the session belongs to the
    // thread on which it is awaited, which must be one of the group's: else the error is
    // std::errc::operation_not_permitted.
    asio::awaitable<Result<Session, std::error_code>> connect(Destination destination,
                                                              ConnectOptions options = {});

    // Now; threads count on meanwhile.
    NodeGroupStatistics statistics() const;

    // Closes all sessions, waits until their closes have left, and ends the threads. What is called
    // after that fails or does nothing.
    std::error_code close();

private:
    std::shared_ptr<detail::GroupBackend> backend_;
};

}  // namespace stt
