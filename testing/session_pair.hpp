// Two nodes with one session between them, for scenarios.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "testing/simulated_network.hpp"

namespace stt::testing {

inline constexpr NodeNumber client = 0;
inline constexpr NodeNumber server = 1;

// A network of two nodes; node 0 connects to node 1. Keeps every event, and reads
// what arrives on streams as it comes, unless told not to.
class SessionPair {
public:
    explicit SessionPair(std::uint64_t seed, const connection::EndpointConfig& config = {})
        : SessionPair(seed, config, config) {}
    SessionPair(std::uint64_t seed, const connection::EndpointConfig& client_config,
                const connection::EndpointConfig& server_config);
    SessionPair(const SessionPair&) = delete;
    SessionPair& operator=(const SessionPair&) = delete;

    SimulatedNetwork network;
    // What happened at each node.
    std::vector<connection::EndpointEvent> events[2];
    // The newest session of each node; 0 before there is one.
    connection::SessionHandle session[2] = {0, 0};
    bool reads[2] = {true, true};

    // Connects, and waits until both sides have the session and the initiator is confirmed.
    bool establish(Duration limit = std::chrono::seconds(20));
    bool is_established() const;
    connection::Connection& connection(NodeNumber node);
    bool has_connection(NodeNumber node) { return network.find(node, session[node]) != nullptr; }

    // Commands that are followed by touch().
    stream::StreamKey open(NodeNumber node, std::string_view endpoint = "test");
    std::size_t write(NodeNumber node, stream::StreamKey key, std::string_view text);
    void finish(NodeNumber node, stream::StreamKey key);
    void reset(NodeNumber node, stream::StreamKey key, std::uint64_t code);
    void stop(NodeNumber node, stream::StreamKey key, std::uint64_t code);
    void release(NodeNumber node, stream::StreamKey key);
    void close(NodeNumber node, std::uint64_t code, std::string_view reason);
    // Takes what is readable on a stream into received().
    void read(NodeNumber node, stream::StreamKey key);

    // What a stream brought.
    struct Received {
        std::string text;
        bool is_ended = false;
        bool is_reset = false;
    };
    Received& received(NodeNumber node, stream::StreamKey key) { return received_[node][key]; }
    std::size_t count(NodeNumber node, stream::StreamEvent::Kind kind) const;
    std::optional<connection::Closed> closed(NodeNumber node) const;
    std::uint64_t drops(NodeNumber node, wire::DropReason reason);

private:
    void handle_event(NodeNumber node, const connection::EndpointEvent& event);

    std::map<stream::StreamKey, Received> received_[2];
};

}  // namespace stt::testing
