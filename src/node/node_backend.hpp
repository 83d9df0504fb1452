// The loop of a node: sockets and timers on one side, the engine on the other.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stt/node.hpp>
#include <vector>

#include "core/connection/endpoint.hpp"
#include "core/trace/qlog_writer.hpp"
#include "node/await_completion.hpp"
#include "node/handler_table.hpp"
#include "node/session_backend.hpp"
#include "platform/entropy.hpp"
#include "platform/network_watch.hpp"
#include "transport/udp/udp_socket.hpp"

namespace stt::detail {

// Owned by Node; asynchronous operations hold it weakly, so that nothing runs once the
// node is gone. Everything happens on the thread that runs the io_context.
class NodeBackend : public std::enable_shared_from_this<NodeBackend> {
public:
    using SessionPointer = std::shared_ptr<SessionBackend>;

    NodeBackend(asio::io_context& context, const NodeConfig& config);
    ~NodeBackend();

    asio::any_io_executor executor() { return context_.get_executor(); }
    connection::Endpoint& endpoint() noexcept { return endpoint_; }
    const NodeId& id() const noexcept { return endpoint_.node_id(); }

    Result<SeedId, std::error_code> add_seed(const Seed& seed, std::optional<Duration> lifetime);
    bool remove_seed(SeedId seed);
    Result<Address, std::error_code> listen(const Address& address);
    node::Cancel connect(const std::vector<Address>& addresses, const ConnectOptions& options,
                         Completion<SessionPointer> completion);
    node::Cancel accept(Completion<SessionPointer> completion);
    node::HandlerTable& handlers() noexcept { return handlers_; }
    void handle_endpoint(std::string endpoint, node::Handler handler);
    const node::CustomHandlerTable& custom_handlers() const noexcept { return custom_handlers_; }
    void handle_custom(std::uint8_t type, CustomHandler handler);
    void remove_custom_handler(std::uint8_t type);
    // Begins to close all sessions; completes when their closes have left. Any number may wait.
    void close(Completion<bool> completion);

    void network_changed();

    // A session has something to send, or to tell.
    void wake(connection::SessionHandle session);
    void log(LogLevel level, const std::string& line) const;
    // Fails everything that waits, and lets go of the sockets.
    void shut_down();

private:
    struct Socket {
        Socket(asio::io_context& context, transport::UdpSocket socket_given);
        ~Socket();
        Socket(const Socket&) = delete;
        Socket& operator=(const Socket&) = delete;

        bool serves(const Address& address) const noexcept;

        transport::UdpSocket socket;
        asio::posix::stream_descriptor descriptor;  // borrows the socket's
        bool is_waiting_to_write = false;
    };
    struct Watch {
        Watch(asio::io_context& context, platform::NetworkWatch watch_given);
        ~Watch();
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

        platform::NetworkWatch watch;
        asio::posix::stream_descriptor descriptor;  // borrows the watch's
        asio::steady_timer settle;
    };
    // A transmission that the socket had no room for.
    struct Blocked {
        Socket* socket = nullptr;
        std::vector<std::uint8_t> bytes;
        transport::Outgoing message;
    };

    connection::Moment moment() const noexcept;
    Result<Socket*, std::error_code> bind(const Address& address);
    Socket* socket_for(const Address& address) noexcept;
    void wait_readable(Socket& socket);
    void wait_writable(Socket& socket);
    void receive(Socket& socket);
    void schedule();
    void run();
    void send_pending();
    bool send(const connection::Transmit& transmit);
    void handle_events();
    void handle_event(const connection::EndpointEvent& event);
    SessionPointer add_session(connection::SessionHandle handle, Duration handshake);
    void arm_timer();
    void watch_network();
    void wait_network();
    void finish_close_if_sent();
    void keep_for_accept(SessionPointer session);

    asio::io_context& context_;
    NodeConfig config_;
    platform::SystemRandom random_;
    std::unique_ptr<trace::QlogWriter> trace_;  // before the endpoint, which refers to it
    connection::Endpoint endpoint_;
    std::set<SeedId> seeds_;

    std::vector<std::unique_ptr<Socket>> sockets_;
    transport::ReceiveBatch received_;
    std::vector<std::uint8_t> send_buffer_;
    std::optional<Blocked> blocked_;
    std::unique_ptr<Watch> watch_;
    asio::steady_timer timer_;
    std::optional<Instant> timer_at_;
    bool is_scheduled_ = false;
    bool is_shut_down_ = false;

    std::map<connection::SessionHandle, SessionPointer> sessions_;
    std::deque<SessionPointer> accepted_;
    Completion<SessionPointer> accept_;
    node::HandlerTable handlers_;
    node::CustomHandlerTable custom_handlers_;
    std::map<connection::AttemptId, Completion<SessionPointer>> connects_;
    std::vector<Completion<bool>> closes_;
    bool is_closing_ = false;
};

}  // namespace stt::detail
