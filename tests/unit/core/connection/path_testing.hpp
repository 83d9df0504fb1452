// What tests of a session's paths share: a peer without manners, and what went where.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "testing/raw_peer.hpp"

namespace stt::testing {

inline std::vector<std::uint8_t> sealed(RawPeer& peer, const wire::ControlMessage& message) {
    RawPeer::Frame frame;
    frame.plaintext.resize(wire::encoded_size(message));
    codec::Writer writer(frame.plaintext);
    wire::write(writer, message);
    return peer.seal(frame);
}

// A session at rest: all is acknowledged, the path MTU is found.
inline void settle(RawPeer& peer) {
    for (int i = 0; i < 5; ++i) {
        peer.advance(std::chrono::milliseconds(30));
        peer.acknowledge_all();
    }
    peer.clear();
}

inline std::size_t bytes_to(const RawPeer& peer, const Route& route) {
    std::size_t size = 0;
    for (const auto& datagram : peer.datagrams()) {
        if (datagram.to == route) size += datagram.bytes.size();
    }
    return size;
}

// Messages of a type in the datagrams that went to a route, in order.
template <class Message>
std::vector<Message> messages_to(const RawPeer& peer, const Route& route) {
    std::vector<Message> found;
    for (const RawFrame& frame : peer.frames()) {
        if (peer.route_of(frame) != route || frame.type != wire::FrameType::control) continue;
        auto parsed = wire::ControlMessages::parse(frame.plaintext);
        while (const auto message = parsed->next()) {
            if (const auto* one = std::get_if<Message>(&*message)) found.push_back(*one);
        }
    }
    return found;
}

// Answers the newest PATH_CHALLENGE that went to a route, from there.
inline void answer_challenge(RawPeer& peer, const Route& route) {
    const auto challenges = messages_to<wire::PathChallenge>(peer, route);
    REQUIRE(!challenges.empty());
    peer.deliver_from(route, sealed(peer, wire::PathResponse{challenges.back().token}));
}

}  // namespace stt::testing
