// Nodes, links between them, and the time that passes: all from one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <stt/address.hpp>
#include <stt/bytes.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/connection/endpoint.hpp"
#include "testing/bottleneck.hpp"
#include "testing/link.hpp"
#include "testing/nat.hpp"
#include "testing/network_observer.hpp"
#include "testing/node_clock.hpp"
#include "testing/parcel.hpp"
#include "testing/seeded_random.hpp"

namespace stt::testing {

using BottleneckNumber = std::size_t;
using NatNumber = std::size_t;

struct RecordedDatagram {
    NodeNumber from = 0;
    NodeNumber to = 0;
    Instant at{};
    std::vector<std::uint8_t> bytes;
};

// Datagrams that a node never got, for another reason than its link's.
struct NetworkCounters {
    std::uint64_t unroutable = 0;  // nobody has the destination, or no source address fits
    std::uint64_t filtered = 0;    // a translator's filter or lost mapping
    std::uint64_t asleep = 0;      // the node was frozen or had crashed
};

// Runs endpoints against each other in virtual time. The same seed and the same calls give the
// same datagrams at the same times, to the byte: trace_hash() shows it.
//
// Each endpoint is driven exactly as its contract asks: after each call poll_transmit until
// nullopt, poll_event until nullopt, poll_timeout once. Datagrams of one sender that arrive at
// one moment are handed over together, as a socket with receive offload does.
//
// A datagram goes from its node through the translator before it, the bottlenecks on the way,
// the link, and the translator before the receiver.
class SimulatedNetwork {
public:
    // `shared_secret` is the seed that all nodes know, unless add_node() says otherwise.
    explicit SimulatedNetwork(std::uint64_t seed);

    // ---- nodes
    // A node with an identity drawn from the network's seed, at 10.0.0.1:9001 and up.
    NodeNumber add_node(connection::EndpointConfig config = {});
    NodeNumber add_node(connection::EndpointConfig config, Bytes shared_secret);
    std::size_t node_count() const noexcept { return nodes_.size(); }
    // The node must not have crashed.
    connection::Endpoint& endpoint(NodeNumber node) noexcept { return *nodes_[node]->endpoint; }
    const connection::EndpointConfig& config(NodeNumber node) const noexcept {
        return nodes_[node]->config;
    }
    // The first of the node's own, inside any translator.
    const Address& address(NodeNumber node) const noexcept { return nodes_[node]->addresses[0]; }
    // At least one; a datagram leaves from the first of its destination's family. What is under
    // way to an address that is given up is lost.
    void set_addresses(NodeNumber node, std::vector<Address> addresses);

    // All state is lost; identity and seed stay. Not from inside an event of that node.
    void crash(NodeNumber node);
    void restart(NodeNumber node);
    bool is_running(NodeNumber node) const noexcept { return nodes_[node]->endpoint != nullptr; }
    // A laptop's sleep: nothing runs and what arrives is lost; then time has leapt.
    void freeze(NodeNumber node);
    void thaw(NodeNumber node);

    // What the node's wall clock is ahead.
    void set_clock_offset(NodeNumber node, std::chrono::milliseconds offset) noexcept {
        nodes_[node]->clock.wall_offset_ms = offset.count();
    }
    // How much faster the node's clocks run, in parts per million.
    void set_clock_rate(NodeNumber node, std::int32_t ppm);
    // The node's protocol clock leaps forward while it runs on.
    void leap_clock(NodeNumber node, Duration time);

    // ---- what lies between; a node whose links were never set has perfect ones
    void set_link(NodeNumber from, NodeNumber to, const LinkOptions& options);
    void set_links(NodeNumber one, NodeNumber other, const LinkOptions& options) {
        set_link(one, other, options);
        set_link(other, one, options);
    }
    Link& link(NodeNumber from, NodeNumber to);
    // One direction carries nothing for `time` from now on.
    void cut_link(NodeNumber from, NodeNumber to, Duration time);

    BottleneckNumber add_bottleneck(const BottleneckOptions& options);
    Bottleneck& bottleneck(BottleneckNumber number) noexcept { return *bottlenecks_[number]; }
    // What goes from one to the other passes these in order. Flows share them.
    void set_route(NodeNumber from, NodeNumber to, std::vector<BottleneckNumber> route);

    NatNumber add_nat(const NatOptions& options);
    Nat& nat(NatNumber number) noexcept { return *nats_[number]; }
    void put_behind(NodeNumber node, NatNumber nat) noexcept { nodes_[node]->nat = nat; }
    // The host outside becomes another one.
    void rebind_host(NatNumber nat, const Address& outside);

    // ---- time and commands
    Instant now() const noexcept { return now_; }
    connection::Moment moment(NodeNumber node) const noexcept;
    // The node's protocol time.
    Instant local_now(NodeNumber node) const noexcept { return nodes_[node]->clock.local(now_); }
    connection::AttemptId connect(NodeNumber from, NodeNumber to,
                                  const std::optional<handshake::NodeId>& wanted = std::nullopt);
    connection::AttemptId connect_to(NodeNumber from, std::span<const Address> addresses,
                                     const std::optional<handshake::NodeId>& wanted = std::nullopt);
    connection::Connection* find(NodeNumber node, connection::SessionHandle session) noexcept {
        return is_running(node) ? nodes_[node]->endpoint->find(session) : nullptr;
    }
    // To be called after commands to a session; drains the node, but inside on_event.
    void touch(NodeNumber node, connection::SessionHandle session);

    // ---- who looks, and who interferes
    // `source` may be anybody's address, also nobody's. Handed to the node past translators.
    void inject(const Address& source, NodeNumber to, Bytes datagram, Duration after = {});
    // The same, to whoever has the address when it arrives, through the translator before it.
    // `from` is who truly sent these bytes from that source, if anybody did.
    void inject_at(const Address& source, const Address& destination, Bytes datagram,
                   Duration after = {}, NodeNumber from = nobody);
    // Asked for each datagram that a node sends, before the link has its say.
    std::function<Verdict(const DatagramView&)> filter;
    // After the filter; borrowed, null for none.
    void set_interceptor(Interceptor* interceptor) noexcept { interceptor_ = interceptor; }
    // Borrowed.
    void add_observer(NetworkObserver* observer) { observers_.push_back(observer); }
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
    const NetworkCounters& counters() const noexcept { return counters_; }
    // Bytes given to links, and that nodes were handed, in datagrams.
    std::uint64_t bytes_sent_by(NodeNumber node) const noexcept { return nodes_[node]->bytes_sent; }
    std::uint64_t bytes_received_by(NodeNumber node) const noexcept {
        return nodes_[node]->bytes_received;
    }
    // Prints every datagram and event to standard output.
    void set_trace(bool is_on) noexcept { is_tracing_ = is_on; }
    bool is_tracing() const noexcept { return is_tracing_; }

private:
    struct Node {
        Node(const connection::EndpointConfig& config_given, std::uint64_t seed)
            : config(config_given), random(seed) {}
        connection::EndpointConfig config;
        std::vector<std::uint8_t> secret;
        std::vector<Address> addresses;
        std::optional<NatNumber> nat;
        NodeClock clock;
        SeededRandom random;
        std::unique_ptr<connection::Endpoint> endpoint;  // null: crashed
        handshake::SeedId shared_seed = 0;
        std::optional<Instant> timer;  // in virtual time
        bool is_frozen = false;
        bool is_draining = false;
        std::uint64_t bytes_sent = 0;
        std::uint64_t bytes_received = 0;
        std::uint64_t timeouts_in_a_row = 0;  // at one moment
        Instant timed_out_at{};
    };
    // A datagram that arrives, or an action.
    struct Happening {
        Instant at{};
        std::uint64_t number = 0;  // in which order they were planned
        Parcel parcel;
        std::function<void()> action;
    };
    struct Later {
        bool operator()(const Happening& a, const Happening& b) const noexcept {
            return a.at != b.at ? a.at > b.at : a.number > b.number;
        }
    };
    struct Way {
        std::unique_ptr<Link> link;
        std::vector<BottleneckNumber> route;
    };

    void start(Node& node);
    void set_timer(NodeNumber number);
    void drain(NodeNumber number);
    void drain_events(NodeNumber number, bool& has_more);

    // Routing.
    Way& way_between(NodeNumber from, NodeNumber to);
    void send(NodeNumber from, const connection::Transmit& transmit);
    void send_datagram(NodeNumber from, const Address& to, Bytes datagram, std::uint8_t ecn);
    std::optional<Address> source_for(NodeNumber from, const Address& to);
    // Who would get what is sent there; translators' filters do not matter yet.
    NodeNumber node_at(const std::optional<NatNumber>& inside, const Address& address);
    // Who gets it, filters and all, at the moment of arrival.
    NodeNumber receiver_of(const Parcel& parcel);
    std::size_t carry(Parcel&& parcel);
    void depart(BottleneckNumber number);

    void plan(Happening&& happening);
    Happening take_next();
    void deliver(Parcel&& first);
    void tell_delivered(const Parcel& parcel);
    bool step(Instant limit);
    void hash(std::uint64_t value) noexcept;
    void hash(Bytes bytes) noexcept;

    std::uint64_t seed_;
    std::vector<std::uint8_t> shared_secret_;
    Instant now_{};
    std::vector<std::unique_ptr<Node>> nodes_;
    std::map<Address, NodeNumber> owners_;
    std::set<std::pair<Instant, NodeNumber>> timers_;
    std::unordered_map<std::uint64_t, Way> ways_;
    std::vector<std::unique_ptr<Bottleneck>> bottlenecks_;
    std::vector<std::unique_ptr<Nat>> nats_;
    std::map<Address, NatNumber> nat_hosts_;  // port 0
    Interceptor* interceptor_ = nullptr;
    std::vector<NetworkObserver*> observers_;
    std::vector<Happening> happenings_;  // a heap: the next one is in front
    std::uint64_t happening_count_ = 0;
    std::uint64_t datagram_count_ = 0;
    std::uint64_t trace_hash_ = 0xcbf29ce484222325;
    NetworkCounters counters_;
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
