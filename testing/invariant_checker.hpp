// What must hold in every network, whatever happens in it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/network_observer.hpp"
#include "testing/simulated_network.hpp"

namespace stt::testing {

// Watches the wire and, through their plain readers, the nodes: after each call to an endpoint,
// that endpoint. Keeps the first thing that went wrong. All nodes are taken to be honest; who
// breaks rules enters by inject().
//
// - Every datagram parses, and fits the node's ceiling.
// - No nonce seals two contents: a Sequence of a direction, and a handshake's N. Spec protocol
//   §3, §5.
// - An address that has not shown that it gets what is sent to it is sent three times what came
//   from it at most. Spec protocol §11.2.
// - No session of two honest nodes ends by a violation; none ends twice; epochs never fall.
// - Unread bytes, sessions and half-open handshakes stay within their limits.
// - What is in flight has a timer that will ask for it; a node with sessions has a timer.
class InvariantChecker final : public NetworkObserver {
public:
    // Adds itself to the network, which it must outlive.
    explicit InvariantChecker(SimulatedNetwork& network);
    InvariantChecker(const InvariantChecker&) = delete;
    InvariantChecker& operator=(const InvariantChecker&) = delete;

    const std::optional<std::string>& failure() const noexcept { return failure_; }
    // For whoever checks more in the same run.
    void fail(NodeNumber node, std::string_view what);

    std::uint64_t frames_checked() const noexcept { return frames_checked_; }
    // Of all nodes: started and not ended.
    std::size_t session_count() const noexcept { return session_count_; }

    void on_connect(NodeNumber node, std::span<const Address> to) override;
    void on_sent(const DatagramView& datagram) override;
    void on_delivered(const DeliveryView& datagram) override;
    void on_event(NodeNumber node, const connection::EndpointEvent& event) override;
    void on_settled(NodeNumber node) override;
    void on_crashed(NodeNumber node) override;

private:
    using Nonce = std::array<std::uint8_t, 16>;
    // What a node and an address have exchanged.
    struct Exchange {
        std::uint64_t received = 0;  // bytes, at the node
        std::uint64_t sent = 0;
        bool is_wanted = false;  // the application connects there
        bool is_proven = false;  // who has the address got something, and spoke after that
    };
    struct Session {
        connection::SessionHandle handle = 0;
        std::uint64_t send_epoch = 0;
        std::uint64_t receive_epoch = 0;
    };
    struct NodeState {
        std::vector<Session> sessions;
        std::size_t next = 0;  // in turn, so that thousands cost no more
    };

    void check_frame(NodeNumber from, const wire::FrameView& frame);
    void check_session(NodeNumber node, Session& session);
    void add_session(NodeNumber node, connection::SessionHandle handle);
    void end_session(NodeNumber node, connection::SessionHandle handle);
    NodeState& state(NodeNumber node);

    SimulatedNetwork& network_;
    std::optional<std::string> failure_;
    std::uint64_t frames_checked_ = 0;
    std::size_t session_count_ = 0;
    std::map<std::pair<wire::SessionId, NodeNumber>, std::vector<std::uint64_t>> sequences_;
    std::map<Nonce, std::uint64_t> nonces_;
    std::map<std::pair<NodeNumber, Address>, Exchange> exchanges_;
    // By who sent, and who got it: the addresses by which it did.
    std::map<std::pair<NodeNumber, NodeNumber>, std::vector<Address>> reached_;
    std::vector<NodeState> nodes_;
    std::vector<std::uint8_t> scratch_;
};

}  // namespace stt::testing
