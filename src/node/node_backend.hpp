// The loop of a node: sockets and timers on one side, the engine on the other.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <stt/node.hpp>
#include <unordered_map>
#include <vector>

#include "core/connection/endpoint.hpp"
#include "core/trace/qlog_writer.hpp"
#include "node/await_completion.hpp"
#include "node/connector.hpp"
#include "node/handler_table.hpp"
#include "node/network_watcher.hpp"
#include "node/path_keeper.hpp"
#include "node/session_backend.hpp"
#include "node/shard_exchange.hpp"
#include "node/transport_owner.hpp"
#include "node/udp_ports.hpp"
#include "node/websocket_ports.hpp"
#include "platform/entropy.hpp"

namespace stt::detail {

// Owned by Node; asynchronous operations hold it weakly, so that nothing runs once the
// node is gone. Everything happens on the thread that runs the io_context.
class NodeBackend : public std::enable_shared_from_this<NodeBackend>, private node::TransportOwner {
public:
    using SessionPointer = std::shared_ptr<SessionBackend>;

    NodeBackend(asio::io_context& context, const NodeConfig& config,
                const node::ShardSeat& seat = {});
    ~NodeBackend();

    asio::any_io_executor executor() { return context_.get_executor(); }
    connection::Endpoint& endpoint() noexcept { return endpoint_; }
    const NodeId& id() const noexcept { return endpoint_.node_id(); }

    // When what lives so long from now on ends. Null: never.
    static std::optional<Instant> expiry_of(std::optional<Duration> lifetime);
    Result<SeedId, std::error_code> add_seed(const Seed& seed, std::optional<Instant> expires_at);
    bool remove_seed(SeedId seed);
    Result<Address, std::error_code> listen(const Address& address);
    Result<Address, std::error_code> listen(transport::UdpSocket socket);
    Result<Address, std::error_code> listen_websocket(const Address& address,
                                                      const WebSocketOptions& options,
                                                      platform::PortUse port_use);
    void stop_listening_websocket(const Address& bound) { websockets_.stop_listening(bound); }
    node::Cancel connect(const Destination& destination, const ConnectOptions& options,
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
    // Other shards of this node have sent something.
    void take_mail();

    // A session has something to send, or to tell.
    void wake(connection::SessionHandle session);
    void log(LogLevel level, const std::string& line) const override;
    // Fails everything that waits, and lets go of the sockets.
    void shut_down();

private:
    bool handle_datagrams(const Route& from, MutableBytes data, std::size_t segment_size,
                          std::uint8_t ecn) override;
    void run() override;
    void handle_route_closed(const Route& route) override;
    void set_route_full(const Route& route, bool is_full) override;
    bool carries_session(const Route& route) const override;
    bool is_polling_busily() const override;
    void handle_websocket_unused(const Route& route);
    bool may_shut_down();

    void schedule();
    void post_turn();
    void send_pending(const Turn::Opening& opening, int& bursts);
    void handle_events();
    void handle_event(const connection::EndpointEvent& event);
    void handle_connected(const connection::SessionConnected& connected);
    void handle_session_event(connection::SessionHandle handle, const connection::Event& event);
    SessionPointer add_session(connection::SessionHandle handle, Duration handshake);
    void arm_timer();
    void set_timer(Duration wait);
    void look_at_clock();
    void handle_timer();
    void watch_network();
    void finish_close_if_sent();
    void keep_for_accept(SessionPointer session);

    asio::io_context& context_;
    NodeConfig config_;
    platform::SystemRandom random_;
    std::unique_ptr<trace::QlogWriter> trace_;       // before the endpoint, which refers to it
    std::unique_ptr<node::ShardExchange> exchange_;  // the same; null where the node is whole
    connection::Endpoint endpoint_;
    std::set<SeedId> seeds_;

    transport::ReceiveBatch received_;
    node::UdpPorts udp_;
    node::WebSocketPorts websockets_;
    node::Connector connector_;
    node::PathKeeper path_keeper_;
    std::vector<std::uint8_t> send_buffer_;
    std::unique_ptr<node::NetworkWatcher> network_watcher_;
    asio::steady_timer timer_;
    std::optional<Instant> timer_at_;
    bool is_scheduled_ = false;    // a turn is posted
    bool is_at_work_ = false;      // in run()
    bool is_work_wanted_ = false;  // meanwhile
    Instant burst_sent_at_{};      // of flow_burst_min
    bool is_looking_at_clock_ = false;
    bool is_shut_down_ = false;

    std::unordered_map<connection::SessionHandle, SessionPointer> sessions_;
    std::deque<SessionPointer> accepted_;
    Completion<SessionPointer> accept_;
    node::HandlerTable handlers_;
    node::CustomHandlerTable custom_handlers_;
    std::vector<Completion<bool>> closes_;
    bool is_closing_ = false;
    std::optional<Instant> close_until_;  // of what waits in WebSockets
    asio::steady_timer close_timer_;
};

}  // namespace stt::detail
