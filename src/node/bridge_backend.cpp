#include "node/bridge_backend.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <stt/failure.hpp>
#include <utility>

#include "core/handshake/messages.hpp"
#include "core/recovery/path_mtu.hpp"
#include "core/wire/datagram_cutter.hpp"
#include "core/wire/frame.hpp"
#include "platform/clock.hpp"

namespace stt::detail {
namespace {

// Spec protocol §13.4 (a).
constexpr std::size_t datagram_size_max = recovery::datagram_size_ceiling_ipv4;
// A node takes messages of 2,048 bytes from a WebSocket until a session has shown there, Spec
// protocol §13.3: before its second message (FINAL, or what follows PATH_CHALLENGE) it need not
// have.
constexpr std::size_t node_messages_min = 2;
constexpr Duration dial_pause = std::chrono::seconds(1);
constexpr Duration answer_time_max = transport::authentication_time_max;
constexpr Duration sweep_interval = std::chrono::seconds(5);
// Datagrams of a client that wait until its WebSocket is open. Chosen: HELLO and its repetitions.
constexpr std::size_t waiting_count_max = 16;

// Whether a datagram of nobody's may begin something. Spec protocol §13.4 (b).
bool is_like_hello(MutableBytes datagram) {
    if (datagram.size() != handshake::padded_frame_size) return false;
    const auto frame = wire::parse_frame(datagram);
    return frame && frame->size == datagram.size() && frame->type == wire::FrameType::handshake &&
           frame->kind == wire::MetadataKind::seed_with_hint;
}

}  // namespace

class BridgeBackend::FlowOwner final : public node::TransportOwner {
public:
    FlowOwner(BridgeBackend& bridge, const FlowPointer& flow) : bridge_(bridge), flow_(flow) {}

    bool handle_datagrams(const Route& from, MutableBytes data, std::size_t segment_size,
                          std::uint8_t) override {
        const FlowPointer flow = flow_.lock();
        if (flow) bridge_.take_node_datagrams(flow, from.address, data, segment_size);
        return true;
    }
    void run() override {}
    void handle_route_closed(const Route&) override {}
    void set_route_full(const Route&, bool) override {}
    bool carries_session(const Route&) const override { return false; }
    void log(LogLevel level, const std::string& line) const override { bridge_.log(level, line); }

private:
    BridgeBackend& bridge_;
    std::weak_ptr<Flow> flow_;
};

BridgeBackend::BridgeBackend(asio::io_context& context, BridgeConfig config)
    : context_(context),
      config_(std::move(config)),
      ports_(context, *this, received_),
      websockets_(context, *this, {config_.tls_authorities_file, config_.tls_verifies}, random_),
      places_(config_.client_count_max, config_.client_count_max_of_source),
      timer_(context) {}

BridgeBackend::~BridgeBackend() {
    close();
}

Result<Address, std::error_code> BridgeBackend::listen_websocket(const Address& address,
                                                                 const WebSocketOptions& options,
                                                                 const Address& node) {
    udp_node_ = node;
    return websockets_.listen(address, options);
}

Result<Address, std::error_code> BridgeBackend::listen_udp(const Address& address,
                                                           const WebSocketAddress& node) {
    websocket_node_ = node;
    return ports_.listen(address);
}

void BridgeBackend::close() {
    timer_.cancel();
    is_sweeping_ = false;
    by_websocket_.clear();
    by_client_.clear();
    places_.clear();
    websockets_.shut_down();
    ports_.close();
}

void BridgeBackend::log(LogLevel level, const std::string& line) const {
    if (config_.log) config_.log(level, line);
}

BridgeStatistics BridgeBackend::statistics() const {
    BridgeStatistics statistics = counted_;
    statistics.clients = places_.count();
    return statistics;
}

// ---- what comes

bool BridgeBackend::handle_datagrams(const Route& from, MutableBytes data, std::size_t segment_size,
                                     std::uint8_t) {
    if (from.is_reliable()) return take_message(from, data);
    take_client_datagrams(from.address, data, segment_size);
    return true;
}

// Of a client, or of the node to one by UDP.
bool BridgeBackend::take_message(const Route& from, MutableBytes message) {
    const auto found = by_websocket_.find(from.connection);
    const FlowPointer flow =
        found != by_websocket_.end() ? found->second : begin_flow_of_websocket(from);
    if (flow == nullptr) {
        websockets_.close(from, websocket::close_code::try_again_later, "the bridge is full");
        return true;
    }
    flow->used_at = platform::now();
    if (!flow->own_ports) {
        flow->is_answered = true;
        ++flow->node_messages;
    }
    return send_to_udp(*flow, message);
}

void BridgeBackend::take_client_datagrams(const Address& from, MutableBytes data,
                                          std::size_t segment_size) {
    const auto found = by_client_.find(from);
    FlowPointer flow = found != by_client_.end() ? found->second : nullptr;
    if (flow == nullptr) {
        flow = begin_flow_of_udp(from, data.first(std::min(data.size(), segment_size)));
    }
    if (flow == nullptr) return;
    flow->used_at = platform::now();
    send_to_websocket(*flow, data, segment_size);
}

void BridgeBackend::take_node_datagrams(const FlowPointer& flow, const Address& from,
                                        MutableBytes data, std::size_t segment_size) {
    if (from != flow->udp) {
        ++counted_.datagrams_unexpected;
        return;
    }
    flow->used_at = platform::now();
    // Who is answered holds the seed.
    if (!std::exchange(flow->is_answered, true) && flow->websocket) {
        websockets_.set_authenticated(*flow->websocket);
    }
    send_to_websocket(*flow, data, segment_size);
}

// ---- flows

BridgeBackend::FlowPointer BridgeBackend::add_flow(const Address& client) {
    if (!places_.take(client)) {
        ++counted_.clients_refused;
        return nullptr;
    }
    ++counted_.clients_served;
    auto flow = std::make_shared<Flow>();
    flow->client = client;
    flow->begun_at = flow->used_at = platform::now();
    arm_sweep();
    return flow;
}

BridgeBackend::FlowPointer BridgeBackend::begin_flow_of_websocket(const Route& route) {
    if (!udp_node_) return nullptr;
    const FlowPointer flow = add_flow(route.address);
    if (flow == nullptr) return nullptr;
    flow->udp = *udp_node_;
    flow->websocket = route;
    flow->owner = std::make_unique<FlowOwner>(*this, flow);
    flow->own_ports = std::make_unique<node::UdpPorts>(context_, *flow->owner, received_);
    flow->ports = flow->own_ports.get();
    if (const auto reached = flow->ports->reach(flow->udp); !reached) {
        log(LogLevel::warning, "no UDP port for a client: " + reached.error().message());
        remove(flow);
        return nullptr;
    }
    by_websocket_[route.connection] = flow;
    log(LogLevel::info, route.address.to_string() + " comes by a WebSocket");
    return flow;
}

BridgeBackend::FlowPointer BridgeBackend::begin_flow_of_udp(const Address& client,
                                                            MutableBytes first) {
    if (!is_like_hello(first)) {
        ++counted_.datagrams_unexpected;
        return nullptr;
    }
    const FlowPointer flow = add_flow(client);
    if (flow == nullptr) return nullptr;
    flow->udp = client;
    flow->ports = &ports_;
    by_client_[client] = flow;
    log(LogLevel::info, client.to_string() + " comes by UDP");
    return flow;
}

void BridgeBackend::open_websocket(const FlowPointer& flow) {
    flow->dial = websockets_.open(*websocket_node_, [this, weak = std::weak_ptr<Flow>(flow)](
                                                        std::error_code error, const Route& route) {
        const FlowPointer opened = weak.lock();
        if (opened == nullptr) return;
        opened->dial.reset();
        if (error) {
            log(LogLevel::warning, "the node's WebSocket: " + error.message());
            if (!opened->is_answered) return remove(opened);
            // Its session lives: what it sends later tries again.
            opened->waiting.clear();
            opened->dial_after = platform::now() + dial_pause;
            return;
        }
        opened->websocket = route;
        opened->is_full = false;
        opened->node_messages = 0;
        by_websocket_[route.connection] = opened;
        for (const auto& message : std::exchange(opened->waiting, {})) {
            send_message(*opened, message);
        }
    });
}

void BridgeBackend::remove(const FlowPointer& flow) {
    // What called may be the flow's own UDP port.
    asio::post(context_, [flow] {});
    if (flow->dial) websockets_.cancel(*flow->dial);
    if (flow->websocket) {
        by_websocket_.erase(flow->websocket->connection);
        websockets_.close(*std::exchange(flow->websocket, std::nullopt),
                          websocket::close_code::normal, "the flow ended");
    }
    const auto found = by_client_.find(flow->client);
    if (found != by_client_.end() && found->second == flow) by_client_.erase(found);
    if (std::exchange(flow->has_place, false)) places_.give_back(flow->client);
}

// ---- what goes

bool BridgeBackend::send_to_udp(Flow& flow, MutableBytes message) {
    const auto cut =
        wire::cut_into_datagrams(message, datagram_size_max, [&](const wire::DatagramRun& run) {
            if (flow.ports->is_blocked()) {
                ++counted_.drops_full;
                return;
            }
            static_cast<void>(flow.ports->send(
                {Route(flow.udp), run.data.size(), run.segment_size, 0}, run.data));
            counted_.datagrams_to_udp +=
                (run.data.size() + run.segment_size - 1) / run.segment_size;
            counted_.bytes_to_udp += run.data.size();
        });
    if (!cut) {
        ++counted_.messages_malformed;
        return false;
    }
    counted_.frames_too_large += *cut;
    return true;
}

// A message for all that came together, or, while the node may not have seen a session there, one
// for each datagram.
void BridgeBackend::send_to_websocket(Flow& flow, MutableBytes data, std::size_t segment_size) {
    const bool is_for_node = flow.own_ports == nullptr;
    const bool merges = !is_for_node || flow.node_messages >= node_messages_min;
    const std::size_t size = merges ? data.size() : segment_size;
    while (!data.empty()) {
        const MutableBytes message = data.first(std::min(size, data.size()));
        data = data.subspan(message.size());
        if (flow.websocket) {
            send_message(flow, message);
            continue;
        }
        if (flow.waiting.size() >= waiting_count_max || platform::now() < flow.dial_after) {
            ++counted_.drops_full;
            continue;
        }
        flow.waiting.emplace_back(message.begin(), message.end());
        const auto found = by_client_.find(flow.client);
        if (found == by_client_.end()) return;  // it ended with the last message
        if (!flow.dial) open_websocket(found->second);
    }
}

void BridgeBackend::send_message(Flow& flow, Bytes message) {
    if (!flow.websocket || flow.is_full) {
        ++counted_.drops_full;
        return;
    }
    ++counted_.messages_to_websocket;
    counted_.bytes_to_websocket += message.size();
    websockets_.send(*flow.websocket, message);
}

// ---- what the transports tell

void BridgeBackend::handle_route_closed(const Route& route) {
    const auto found = by_websocket_.extract(route.connection);
    if (found.empty()) return;
    const FlowPointer flow = found.mapped();
    flow->websocket.reset();
    // A client by UDP may not know: what it sends next opens another.
    if (flow->own_ports == nullptr && flow->is_answered) return;
    remove(flow);
}

void BridgeBackend::set_route_full(const Route& route, bool is_full) {
    const auto found = by_websocket_.find(route.connection);
    if (found != by_websocket_.end()) found->second->is_full = is_full;
}

// The node answers those alone who hold its seed.
bool BridgeBackend::carries_session(const Route& route) const {
    const auto found = by_websocket_.find(route.connection);
    return found != by_websocket_.end() && found->second->is_answered;
}

// ---- time

void BridgeBackend::arm_sweep() {
    if (std::exchange(is_sweeping_, true)) return;
    timer_.expires_after(sweep_interval);
    timer_.async_wait([this, watch = lifetime_.watch()](std::error_code error) {
        if (error || watch.is_over()) return;
        is_sweeping_ = false;
        sweep();
        if (places_.count() > 0) arm_sweep();
    });
}

void BridgeBackend::sweep() {
    const Instant now = platform::now();
    std::vector<FlowPointer> over;
    const auto look = [&](const FlowPointer& flow) {
        const bool is_unanswered = !flow->is_answered && now >= flow->begun_at + answer_time_max;
        if (is_unanswered || now >= flow->used_at + config_.idle_timeout) over.push_back(flow);
    };
    for (const auto& [client, flow] : by_client_) look(flow);
    for (const auto& [number, flow] : by_websocket_) {
        if (flow->own_ports) look(flow);
    }
    for (const FlowPointer& flow : over) remove(flow);
}

}  // namespace stt::detail

namespace stt {

Bridge::Bridge(asio::io_context& context, BridgeConfig config)
    : backend_(std::make_shared<detail::BridgeBackend>(context, std::move(config))) {}

Bridge::~Bridge() {
    backend_->close();
}

Result<Address, std::error_code> Bridge::listen_websocket(const Address& address,
                                                          const WebSocketOptions& options,
                                                          const Address& node) {
    return backend_->listen_websocket(address, options, node);
}

Result<Address, std::error_code> Bridge::listen_udp(const Address& address,
                                                    const WebSocketAddress& node) {
    return backend_->listen_udp(address, node);
}

BridgeStatistics Bridge::statistics() const {
    return backend_->statistics();
}

void Bridge::close() {
    backend_->close();
}

}  // namespace stt
