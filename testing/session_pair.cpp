#include "testing/session_pair.hpp"

#include <array>

namespace stt::testing {

SessionPair::SessionPair(std::uint64_t seed, const connection::EndpointConfig& client_config,
                         const connection::EndpointConfig& server_config)
    : network(seed) {
    network.add_node(client_config);
    network.add_node(server_config);
    network.on_event = [this](NodeNumber node, const connection::EndpointEvent& event) {
        handle_event(node, event);
    };
}

void SessionPair::handle_event(NodeNumber node, const connection::EndpointEvent& event) {
    events[node].push_back(event);
    if (const auto* accepted = std::get_if<connection::SessionAccepted>(&event)) {
        session[node] = accepted->session;
    } else if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        session[node] = connected->session;
    } else if (const auto* again = std::get_if<connection::SessionReconnected>(&event)) {
        session[node] = again->new_session;
    } else if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
        const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
        if (of_stream == nullptr || of_session->session != session[node] || !reads[node]) return;
        if (of_stream->kind == stream::StreamEvent::Kind::readable) read(node, of_stream->key);
    }
}

bool SessionPair::is_established() const {
    if (session[client] == 0 || session[server] == 0) return false;
    const auto* connection = const_cast<SimulatedNetwork&>(network).find(client, session[client]);
    return connection != nullptr && connection->is_confirmed();
}

bool SessionPair::establish(Duration limit) {
    network.connect(client, server);
    return network.run_until([this] { return is_established(); }, limit);
}

connection::Connection& SessionPair::connection(NodeNumber node) {
    auto* found = network.find(node, session[node]);
    STT_CHECK(found != nullptr);
    return *found;
}

stream::StreamKey SessionPair::open(NodeNumber node, std::string_view endpoint) {
    const auto key = connection(node).open_stream(endpoint);
    STT_CHECK(key.has_value());
    network.touch(node, session[node]);
    return *key;
}

std::size_t SessionPair::write(NodeNumber node, stream::StreamKey key, std::string_view text) {
    const auto written = connection(node).write(key, bytes_of(text));
    network.touch(node, session[node]);
    return written ? *written : 0;
}

void SessionPair::finish(NodeNumber node, stream::StreamKey key) {
    connection(node).finish(key);
    network.touch(node, session[node]);
}

void SessionPair::reset(NodeNumber node, stream::StreamKey key, std::uint64_t code) {
    connection(node).reset(key, code);
    network.touch(node, session[node]);
}

void SessionPair::stop(NodeNumber node, stream::StreamKey key, std::uint64_t code) {
    connection(node).stop(network.local_now(node), key, code);
    network.touch(node, session[node]);
}

void SessionPair::release(NodeNumber node, stream::StreamKey key) {
    connection(node).release(network.local_now(node), key);
    network.touch(node, session[node]);
}

void SessionPair::close(NodeNumber node, std::uint64_t code, std::string_view reason) {
    connection(node).close(network.local_now(node), code, reason);
    network.touch(node, session[node]);
}

void SessionPair::read(NodeNumber node, stream::StreamKey key) {
    auto* connection = network.find(node, session[node]);
    if (connection == nullptr) return;
    Received& into = received_[node][key];
    std::array<std::uint8_t, 16'384> buffer;
    while (true) {
        const auto outcome = connection->read(network.local_now(node), key, buffer);
        if (!outcome) {
            into.is_reset = into.is_reset || outcome.error() == stream::ReadError::reset;
            break;
        }
        into.text += text_of(Bytes(buffer).first(outcome->size));
        into.is_ended = into.is_ended || outcome->is_end;
        if (outcome->size == 0) break;
    }
    network.touch(node, session[node]);
}

std::size_t SessionPair::count(NodeNumber node, stream::StreamEvent::Kind kind) const {
    std::size_t counted = 0;
    for (const auto& event : events[node]) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr) continue;
        const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
        if (of_stream != nullptr && of_stream->kind == kind) ++counted;
    }
    return counted;
}

std::optional<connection::Closed> SessionPair::closed(NodeNumber node) const {
    for (const auto& event : events[node]) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr) continue;
        if (const auto* closed = std::get_if<connection::Closed>(&of_session->event)) {
            return *closed;
        }
    }
    return std::nullopt;
}

std::uint64_t SessionPair::drops(NodeNumber node, wire::DropReason reason) {
    const auto index = static_cast<std::size_t>(reason);
    const auto* connection = network.find(node, session[node]);
    return network.endpoint(node).drops()[index] +
           (connection != nullptr ? connection->drops()[index] : 0);
}

}  // namespace stt::testing
