// Nodes, links between them, and the time that passes: all from one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <stt/address.hpp>
#include <stt/bytes.hpp>
#include <vector>

#include "core/connection/endpoint.hpp"
#include "testing/link.hpp"
#include "testing/seeded_random.hpp"

namespace stt::testing {

using NodeNumber = std::size_t;

// A datagram on its way. Borrowed.
struct DatagramView {
    NodeNumber from = 0;
    NodeNumber to = 0;
    std::uint64_t number = 0;  // counted over the whole network, from 0
    Instant at{};
    Bytes bytes;
};
enum class Verdict { pass, drop };

struct RecordedDatagram {
    NodeNumber from = 0;
    NodeNumber to = 0;
    Instant at{};
    std::vector<std::uint8_t> bytes;
};

// Runs endpoints against each other in virtual time. The same seed and the same calls give the
// same datagrams at the same times, to the byte: trace_hash() shows it.
//
// Each endpoint is driven exactly as its contract asks: after each call poll_transmit until
// nullopt, poll_event until nullopt, poll_timeout once. Datagrams of one sender that arrive at
// one moment are handed over together, as a socket with receive offload does.
class SimulatedNetwork {
public:
    // `shared_secret` is the seed that all nodes know, unless add_node() says otherwise.
    explicit SimulatedNetwork(std::uint64_t seed);

    // A node with an identity drawn from the network's seed, at 10.0.0.<number + 1>:9001.
    NodeNumber add_node(connection::EndpointConfig config = {});
    NodeNumber add_node(connection::EndpointConfig config, Bytes shared_secret);
    connection::Endpoint& endpoint(NodeNumber node) noexcept { return nodes_[node]->endpoint; }
    const Address& address(NodeNumber node) const noexcept { return nodes_[node]->address; }
    // What the node's wall clock is ahead.
    void set_clock_offset(NodeNumber node, std::chrono::milliseconds offset) noexcept {
        nodes_[node]->clock_offset = offset;
    }
    // In virtual time; a node whose links were never set has perfect ones.
    void set_link(NodeNumber from, NodeNumber to, const LinkOptions& options);
    void set_links(NodeNumber one, NodeNumber other, const LinkOptions& options) {
        set_link(one, other, options);
        set_link(other, one, options);
    }
    const Link& link(NodeNumber from, NodeNumber to) { return link_between(from, to); }

    Instant now() const noexcept { return now_; }
    connection::Moment moment(NodeNumber node) const noexcept;
    connection::AttemptId connect(NodeNumber from, NodeNumber to,
                                  const std::optional<handshake::NodeId>& wanted = std::nullopt);
    connection::Connection* find(NodeNumber node, connection::SessionHandle session) noexcept {
        return nodes_[node]->endpoint.find(session);
    }
    // To be called after commands to a session; drains the node, but inside on_event.
    void touch(NodeNumber node, connection::SessionHandle session);

    // The adversary. `source` may be anybody's address, also nobody's.
    void inject(const Address& source, NodeNumber to, Bytes datagram, Duration after = {});
    // Asked for each datagram that a node sends, before the link has its say.
    std::function<Verdict(const DatagramView&)> filter;
    // Keeps a copy of all that nodes send from now on.
    void set_recording(bool is_on) noexcept { is_recording_ = is_on; }
    const std::vector<RecordedDatagram>& recorded() const noexcept { return recorded_; }

    // Told of each event of a node. It may give commands, then touch().
    std::function<void(NodeNumber, const connection::EndpointEvent&)> on_event;
    void schedule(Duration after, std::function<void()> action);

    // Runs until `is_done` or for `limit`; returns whether it is done.
    bool run_until(const std::function<bool()>& is_done, Duration limit);
    void run_for(Duration time) {
        run_until([] { return false; }, time);
    }

    // Over every datagram sent, its sender, its receiver and its time.
    std::uint64_t trace_hash() const noexcept { return trace_hash_; }
    std::uint64_t datagrams_sent() const noexcept { return datagram_count_; }
    // Bytes given to links, and that nodes were handed, in datagrams.
    std::uint64_t bytes_sent_by(NodeNumber node) const noexcept { return nodes_[node]->bytes_sent; }
    std::uint64_t bytes_received_by(NodeNumber node) const noexcept {
        return nodes_[node]->bytes_received;
    }
    // Prints every datagram and event to standard output.
    void set_trace(bool is_on) noexcept { is_tracing_ = is_on; }

private:
    struct Node {
        Node(const connection::EndpointConfig& config, std::uint64_t seed)
            : random(seed), endpoint(config, random) {}
        Address address;
        SeededRandom random;
        connection::Endpoint endpoint;
        handshake::SeedId shared_seed = 0;
        std::chrono::milliseconds clock_offset{0};
        std::optional<Instant> timer;
        bool is_draining = false;
        std::uint64_t bytes_sent = 0;
        std::uint64_t bytes_received = 0;
        std::uint64_t timeouts_in_a_row = 0;  // at one moment
    };
    // A datagram that arrives, or an action.
    struct Happening {
        Instant at{};
        std::uint64_t number = 0;  // in which order they were planned
        Address source;
        NodeNumber to = 0;
        std::uint8_t ecn = 0;
        std::vector<std::uint8_t> bytes;
        std::function<void()> action;
    };
    struct Later {
        bool operator()(const Happening& a, const Happening& b) const noexcept {
            return a.at != b.at ? a.at > b.at : a.number > b.number;
        }
    };

    Link& link_between(NodeNumber from, NodeNumber to);
    std::optional<NodeNumber> node_at(const Address& address) const noexcept;
    void drain(NodeNumber number);
    void send(NodeNumber from, const connection::Transmit& transmit);
    void send_datagram(NodeNumber from, NodeNumber to, Bytes datagram, std::uint8_t ecn);
    void plan(Happening&& happening);
    Happening take_next();
    void deliver(Happening&& first);
    std::optional<NodeNumber> next_timer() const noexcept;
    bool step(Instant limit);
    void hash(std::uint64_t value) noexcept;
    void hash(Bytes bytes) noexcept;

    std::uint64_t seed_;
    std::vector<std::uint8_t> shared_secret_;
    Instant now_{};
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<std::vector<std::unique_ptr<Link>>> links_;
    std::vector<Happening> happenings_;  // a heap: the next one is in front
    std::uint64_t happening_count_ = 0;
    std::uint64_t datagram_count_ = 0;
    std::uint64_t trace_hash_ = 0xcbf29ce484222325;
    bool is_recording_ = false;
    bool is_tracing_ = false;
    std::vector<RecordedDatagram> recorded_;
    std::vector<std::uint8_t> transmit_buffer_;
    std::vector<std::uint8_t> receive_buffer_;
    std::vector<Link::Arrival> arrivals_;
};

// One line that says what a datagram holds, as far as an observer can see it.
std::string describe(Bytes datagram);
std::string describe(const connection::EndpointEvent& event);

}  // namespace stt::testing
