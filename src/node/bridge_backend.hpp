// The flows of a bridge: one for each client. Spec protocol §13.4.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <stt/bridge.hpp>
#include <vector>

#include "base/lifetime.hpp"
#include "base/source_limit.hpp"
#include "node/transport_owner.hpp"
#include "node/udp_ports.hpp"
#include "node/websocket_ports.hpp"
#include "platform/entropy.hpp"

namespace stt::detail {

class BridgeBackend : private node::TransportOwner {
public:
    BridgeBackend(asio::io_context& context, BridgeConfig config);
    ~BridgeBackend();

    Result<Address, std::error_code> listen_websocket(const Address& address,
                                                      const WebSocketOptions& options,
                                                      const Address& node);
    Result<Address, std::error_code> listen_udp(const Address& address,
                                                const WebSocketAddress& node);
    BridgeStatistics statistics() const;
    void close();

private:
    // The UDP port of a client by WebSocket tells of itself.
    class FlowOwner;
    // What one client's WebSocket and UDP address have to do with each other.
    struct Flow {
        Address client;
        Address udp;                                // where datagrams go: the node, or the client
        node::UdpPorts* ports{};                    // by which they go
        std::unique_ptr<FlowOwner> owner;           // of own_ports
        std::unique_ptr<node::UdpPorts> own_ports;  // of a client by WebSocket
        std::optional<Route> websocket;             // while it is open
        std::optional<node::WebSocketPorts::DialNumber> dial;
        std::vector<std::vector<std::uint8_t>> waiting;  // until the WebSocket is open
        bool has_place = true;                           // of SourceLimit
        bool is_full = false;
        bool is_answered = false;       // the node has said something
        std::size_t node_messages = 0;  // of the node, by the WebSocket that is open
        Instant dial_after{};
        Instant used_at{};
        Instant begun_at{};
    };
    using FlowPointer = std::shared_ptr<Flow>;
    bool handle_datagrams(const Route& from, MutableBytes data, std::size_t segment_size,
                          std::uint8_t ecn) override;
    void run() override {}
    void handle_route_closed(const Route& route) override;
    void set_route_full(const Route& route, bool is_full) override;
    bool carries_session(const Route& route) const override;
    void log(LogLevel level, const std::string& line) const override;

    bool take_message(const Route& from, MutableBytes message);
    void take_client_datagrams(const Address& from, MutableBytes data, std::size_t segment_size);
    void take_node_datagrams(const FlowPointer& flow, const Address& from, MutableBytes data,
                             std::size_t segment_size);
    FlowPointer add_flow(const Address& client);
    FlowPointer begin_flow_of_websocket(const Route& route);
    FlowPointer begin_flow_of_udp(const Address& client, MutableBytes first);
    void open_websocket(const FlowPointer& flow);
    bool send_to_udp(Flow& flow, MutableBytes message);
    void send_to_websocket(Flow& flow, MutableBytes data, std::size_t segment_size);
    void send_message(Flow& flow, Bytes message);
    void remove(const FlowPointer& flow);
    void sweep();
    void arm_sweep();

    asio::io_context& context_;
    BridgeConfig config_;
    platform::SystemRandom random_;
    transport::ReceiveBatch received_;
    node::UdpPorts ports_;  // of clients by UDP
    node::WebSocketPorts websockets_;
    std::optional<Address> udp_node_;
    std::optional<WebSocketAddress> websocket_node_;
    std::map<std::uint64_t, FlowPointer> by_websocket_;
    std::map<Address, FlowPointer> by_client_;  // of UDP
    SourceLimit places_;
    asio::steady_timer timer_;
    bool is_sweeping_ = false;
    BridgeStatistics counted_;
    Lifetime lifetime_;
};

}  // namespace stt::detail
