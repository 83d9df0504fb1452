// Whoever wants to see all that happens in a simulated network.
#pragma once

#include <span>
#include <stt/address.hpp>
#include <stt/bytes.hpp>

#include "core/connection/endpoint.hpp"
#include "testing/parcel.hpp"

namespace stt::testing {

// A datagram that is about to be handed to a node. Borrowed.
struct DeliveryView {
    NodeNumber from = nobody;  // who sent it; nobody: it was injected
    NodeNumber to = 0;
    Address source;
    Address destination;
    Bytes bytes;
};

// Only looks: it gives no commands to nodes.
class NetworkObserver {
public:
    virtual ~NetworkObserver() = default;

    virtual void on_connect(NodeNumber /*node*/, std::span<const Address> /*to*/) {}
    virtual void on_sent(const DatagramView& /*datagram*/) {}
    virtual void on_delivered(const DeliveryView& /*datagram*/) {}
    virtual void on_event(NodeNumber /*node*/, const connection::EndpointEvent& /*event*/) {}
    // After a call to the node's endpoint and all that follows from it.
    virtual void on_settled(NodeNumber /*node*/) {}
    virtual void on_crashed(NodeNumber /*node*/) {}
};

// Stands on the wire: decides what becomes of a datagram, and may inject others.
class Interceptor {
public:
    virtual ~Interceptor() = default;
    virtual Verdict intercept(const DatagramView& datagram) = 0;
};

}  // namespace stt::testing
