#include "node/websocket_ports.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <stt/failure.hpp>
#include <utility>

namespace stt::node {
namespace {

using Cause = transport::WebSocketEnd::Cause;

std::error_code failure_of(const transport::WebSocketEnd& end) {
    switch (end.cause) {
        case Cause::refused:
            return Failure::not_a_node;
        case Cause::unverified:
            return Failure::certificate_refused;
        case Cause::limit:
            return make_error_code(std::errc::timed_out);
        default:
            return make_error_code(std::errc::connection_reset);
    }
}

websocket::ClientHandshakeConfig handshake_config_of(const transport::DialTarget& target) {
    websocket::ClientHandshakeConfig config;
    config.host = transport::host_field_of(target);
    return config;
}

}  // namespace

WebSocketPorts::WebSocketPorts(asio::io_context& context, TransportOwner& owner,
                               transport::TlsTrust trust, stc::RandomSource& random,
                               RouteNumbers numbers)
    : context_(context),
      owner_(owner),
      trust_(std::move(trust)),
      random_(random),
      room_(std::make_shared<transport::ReadRoom>()),
      next_number_(numbers.first),
      number_step_(numbers.step) {}

WebSocketPorts::~WebSocketPorts() {
    shut_down();
}

// ---- those of others

Result<Address, std::error_code> WebSocketPorts::listen(const Address& address,
                                                        const WebSocketOptions& options,
                                                        platform::PortUse port_use) {
    transport::ListenerConfig config;
    config.handshake.allowed_origins = options.allowed_origins;
    config.handshake.accepted_hosts = options.accepted_hosts;
    config.unauthenticated_max = options.unauthenticated_max;
    config.unauthenticated_max_of_source = options.unauthenticated_max_of_source;
    config.port_use = port_use;
    if (!options.certificate_file.empty() || !options.key_file.empty()) {
        STT_TRY(config.tls,
                transport::make_server_context(options.certificate_file, options.key_file));
    }
    room_->resize(transport::read_room_size);
    STT_TRY(auto listener, transport::WebSocketListener::bind(context_, address, std::move(config),
                                                              room_, random_));
    transport::WebSocketListener* const bound = listener.get();
    listeners_.push_back(std::move(listener));
    bound->start(
        [this, bound, page = options.page](const Pointer& connection, const Address& from) {
            const Route route(from, take_number());
            add(route, connection, bound);
            auto handlers = handlers_of(route);
            handlers.on_request = page;
            connection->start_server(bound->config().handshake, std::move(handlers));
        });
    return bound->local_address();
}

void WebSocketPorts::stop_listening(const Address& bound) {
    const auto found = std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& each) {
        return each->local_address() == bound;
    });
    if (found == listeners_.end()) return;
    const std::unique_ptr<transport::WebSocketListener> listener = std::move(*found);
    listeners_.erase(found);
    std::vector<Route> accepted;
    for (auto& [number, connection] : connections_) {
        if (connection.listener != listener.get()) continue;
        connection.listener = nullptr;
        accepted.push_back(connection.route);
    }
    for (auto& [number, connection] : leaving_) {
        if (connection.listener == listener.get()) connection.listener = nullptr;
    }
    for (const Route& route : accepted) {
        close(route, websocket::close_code::going_away, "no longer listening");
    }
}

// ---- this node's own

Result<std::shared_ptr<asio::ssl::context>, std::error_code> WebSocketPorts::client_tls() {
    if (client_tls_ == nullptr) {
        STT_TRY(client_tls_, transport::make_client_context(trust_));
    }
    return client_tls_;
}

WebSocketPorts::DialNumber WebSocketPorts::open(const WebSocketAddress& target,
                                                OpenHandler handler) {
    const DialNumber number = take_number();
    openings_[number].handler = std::move(handler);
    transport::DialTarget dialed{target.address, target.host, nullptr};
    if (dialed.host.empty()) {
        dialed.host = transport::to_endpoint(target.address).address().to_string();
    }
    std::error_code refused;
    if (target.is_secure) {
        auto tls = client_tls();
        tls ? void(dialed.tls = *tls) : void(refused = tls.error());
    }
    if (!handshake_config_of(dialed).is_valid())
        refused = make_error_code(std::errc::invalid_argument);
    if (refused) {
        asio::post(context_, [this, watch = lifetime_.watch(), number, refused] {
            if (!watch.is_over()) fail(number, refused);
        });
        return number;
    }
    room_->resize(transport::read_room_size);
    openings_[number].dial = std::make_unique<transport::Dial>(
        context_, dialed, room_, random_,
        [this, number, dialed](std::error_code error, const Pointer& connection) {
            if (error) return fail(number, error);
            begin(number, dialed, connection);
        });
    return number;
}

void WebSocketPorts::fail(DialNumber number, std::error_code error) {
    auto opening = openings_.extract(number);
    if (!opening.empty()) opening.mapped().handler(error, {});
}

void WebSocketPorts::begin(DialNumber number, const transport::DialTarget& target,
                           const Pointer& connection) {
    openings_.at(number).connection = connection;
    const Route route(target.address, number);
    auto handlers = handlers_of(route);
    handlers.on_open = [this, route] {
        auto opening = openings_.extract(route.connection);
        add(route, opening.mapped().connection, nullptr);
        opening.mapped().handler({}, route);
    };
    handlers.on_end = [this, number, on_end = handlers.on_end](const transport::WebSocketEnd& end) {
        if (connections_.contains(number)) return on_end(end);
        owner_.log(LogLevel::debug, "a WebSocket was not opened: " + end.text);
        fail(number, failure_of(end));
    };
    connection->start_client(handshake_config_of(target), std::move(handlers));
}

void WebSocketPorts::cancel(DialNumber number) {
    auto opening = openings_.extract(number);
    if (!opening.empty() && opening.mapped().connection) opening.mapped().connection->abandon();
}

// ---- any

void WebSocketPorts::add(const Route& route, const Pointer& connection,
                         transport::WebSocketListener* listener) {
    connections_[route.connection] = {connection, route, listener};
}

// What they are for goes by its number: it may be gone when they are called.
transport::WebSocketConnection::Handlers WebSocketPorts::handlers_of(const Route& route) {
    transport::WebSocketConnection::Handlers handlers;
    handlers.on_message = [this, route](MutableBytes message) {
        return take_message(route, message);
    };
    handlers.on_batch_end = [this] { owner_.run(); };
    handlers.on_room = [this, route] { owner_.set_route_full(route, false); };
    handlers.on_end = [this, route](const transport::WebSocketEnd& end) {
        auto found = connections_.extract(route.connection);
        if (found.empty()) return;
        leaving_.insert(std::move(found));
        owner_.log(LogLevel::debug,
                   "a WebSocket of " + route.address.to_string() + " ended: " + end.text);
        owner_.handle_route_closed(route);
    };
    handlers.on_gone = [this, route] {
        auto found = leaving_.extract(route.connection);
        if (!found.empty()) release(found.mapped());
    };
    return handlers;
}

// By value: what calls this may be gone before it returns.
bool WebSocketPorts::take_message(Route route, MutableBytes message) {
    const bool is_of_frames = owner_.handle_datagrams(route, message, message.size(), 0);
    const Pointer connection = find(route);
    if (connection != nullptr && !connection->is_authenticated() && owner_.carries_session(route)) {
        set_authenticated(route);
    }
    return is_of_frames;
}

void WebSocketPorts::set_authenticated(const Route& route) {
    const auto found = connections_.find(route.connection);
    if (found == connections_.end()) return;
    found->second.connection->set_authenticated();
    release(found->second);
}

bool WebSocketPorts::has_unsent() const {
    return std::any_of(connections_.begin(), connections_.end(),
                       [](const auto& each) { return each.second.connection->has_unsent(); });
}

WebSocketPorts::Pointer WebSocketPorts::find(const Route& route) const {
    const auto found = connections_.find(route.connection);
    return found == connections_.end() ? nullptr : found->second.connection;
}

bool WebSocketPorts::is_full(const Route& route) const {
    const Pointer connection = find(route);
    return connection != nullptr && connection->is_full();
}

bool WebSocketPorts::is_authenticated(const Route& route) const {
    const Pointer connection = find(route);
    return connection != nullptr && connection->is_authenticated();
}

void WebSocketPorts::hold_reading(const Route& route) {
    if (const Pointer connection = find(route)) connection->hold_reading();
}

void WebSocketPorts::resume_reading(const Route& route) {
    if (const Pointer connection = find(route)) connection->resume_reading();
}

void WebSocketPorts::release(Connection& connection) {
    if (auto* const listener = std::exchange(connection.listener, nullptr)) {
        listener->released(connection.route.address);
    }
}

void WebSocketPorts::send(const Route& route, Bytes message) {
    const Pointer connection = find(route);
    if (connection == nullptr) return;
    if (connection->send(message) && connection->is_full()) owner_.set_route_full(route, true);
}

void WebSocketPorts::close(const Route& route, std::uint16_t code, std::string_view why) {
    if (const Pointer connection = find(route)) connection->close(code, why);
}

void WebSocketPorts::shut_down() {
    for (auto& [number, opening] : std::exchange(openings_, {})) {
        if (opening.connection) opening.connection->abandon();
    }
    for (auto& [number, connection] : std::exchange(connections_, {})) {
        connection.connection->close(websocket::close_code::going_away, "the node ends");
        connection.connection->abandon();
    }
    for (auto& [number, connection] : std::exchange(leaving_, {})) {
        connection.connection->abandon();
    }
    listeners_.clear();
}

}  // namespace stt::node
