// A node: what an application uses to reach, and be reached by, those who share its seed.
#pragma once

#include <array>
#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <stt/address.hpp>
#include <stt/failure.hpp>
#include <stt/result.hpp>
#include <stt/seed.hpp>
#include <stt/stream.hpp>
#include <stt/time.hpp>
#include <vector>

namespace stt {

using NodeId = std::array<std::uint8_t, 32>;

// Spec protocol §13.1.
inline constexpr std::uint16_t default_udp_port = 9001;

enum class LogLevel { debug, info, warning };

struct NodeConfig {
    // 32 bytes that a node keeps; fresh random ones when left out. node_id = digest(identity).
    std::optional<std::array<std::uint8_t, 32>> identity;

    Duration idle_timeout = std::chrono::seconds(300);      // Spec protocol §12.2
    Duration keep_alive = std::chrono::seconds(15);         // Spec protocol §12.2
    Duration handshake_timeout = std::chrono::seconds(10);  // Spec protocol §4.3
    // The widest path MTU that is tried. Spec protocol §13.1. Taken to lie in 1,200 to 16,000.
    std::size_t datagram_size_max = 1'472;
    // What a stream and a session may hold unread: at least 65,536 and 2,097,152, the credit
    // that every peer begins with. Worst-case memory of a session is
    // session_window_max, plus send_buffer_max for each stream.
    std::size_t stream_window_max = 16u << 20;
    std::size_t session_window_max = 64u << 20;
    std::size_t send_buffer_max = 4u << 20;
    // Sessions that a peer can have open here in all.
    std::size_t session_count_max = 65'536;

    // Called with one line for each event worth a log; may be empty.
    std::function<void(LogLevel, std::string_view)> log;
};

// What a session measured so far. Sizes in bytes.
struct SessionStatistics {
    Duration handshake{};  // from the first HELLO until RESPONSE; zero at a responder
    Duration rtt_smoothed{};
    Duration rtt_min{};
    Duration rtt_latest{};
    std::uint64_t congestion_window = 0;
    std::uint64_t bytes_in_flight = 0;
    std::uint64_t datagram_size = 0;
    std::uint64_t frames_sent = 0;
    std::uint64_t frames_received = 0;
    std::uint64_t frames_lost = 0;
    std::uint64_t frames_dropped = 0;
    std::uint64_t bytes_sent = 0;      // on the wire
    std::uint64_t bytes_received = 0;  // on the wire
    std::uint64_t send_epoch = 0;
    std::uint64_t receive_epoch = 0;
};

struct CloseReason {
    std::uint64_t code = 0;
    std::string text;
};

namespace detail {
class SessionBackend;
class NodeBackend;
}  // namespace detail

// An authenticated session with one peer. A handle: copies name the same session,
// which lives in its node until it is closed.
class Session {
public:
    Session() noexcept = default;
    explicit Session(std::shared_ptr<detail::SessionBackend> backend) noexcept;

    bool is_open() const noexcept;
    NodeId peer_node_id() const;
    Address peer_address() const;
    SessionStatistics statistics() const;

    // Opens a stream to the peer's `endpoint`, a name of 0 to 255 bytes. It can be written
    // to at once. Waits while the peer allows no more streams.
    asio::awaitable<Result<Stream, std::error_code>> open_stream(std::string endpoint);
    // The next stream that the peer opened. One caller at a time.
    asio::awaitable<Result<Stream, std::error_code>> accept_stream();
    // Sends a PING and measures until its PONG.
    asio::awaitable<Result<Duration, std::error_code>> ping();

    // Tells the peer and ends the session: streams fail, unsent bytes are lost. `reason`
    // is cut to 255 bytes. Codes: Spec protocol §8.4.
    void close(std::uint64_t code = 0, std::string_view reason = {});
    // Completes once the session has ended, for whatever reason, which it returns.
    asio::awaitable<std::error_code> wait_closed();
    // What the peer said when it closed; empty otherwise.
    CloseReason close_reason() const;

private:
    std::shared_ptr<detail::SessionBackend> backend_;
};

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
    // The next session that a peer began. One caller at a time.
    asio::awaitable<Result<Session, std::error_code>> accept();

    NodeId id() const;

    // Closes all sessions, waits until their closes have left, and releases the sockets.
    asio::awaitable<void> close();

private:
    std::shared_ptr<detail::NodeBackend> backend_;
};

}  // namespace stt
