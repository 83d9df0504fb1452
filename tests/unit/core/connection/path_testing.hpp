// What tests of a session's paths share: which messages went where.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "testing/raw_peer.hpp"

namespace stt::testing {

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
