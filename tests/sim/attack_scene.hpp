// What the tests of attacks share: a hostile peer's frames, and what they cost.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "bench/counted_memory.hpp"
#include "testing/raw_peer.hpp"

namespace stt::testing {

inline constexpr std::size_t kib = 1'024;

inline Bytes filler(std::size_t size) {
    static const std::vector<std::uint8_t> all(65'536, 0x62);
    return Bytes(all).first(size);
}

inline wire::Open open_of(StreamKind kind = StreamKind::bytes) {
    return {static_cast<std::uint64_t>(kind), 3, kind == StreamKind::expiring ? 1'000u : 0u,
            bytes_of("attack")};
}

inline RawPeer::Frame control_frame(std::vector<std::uint8_t> plaintext) {
    RawPeer::Frame frame;
    frame.plaintext = std::move(plaintext);
    return frame;
}

inline std::size_t bytes_sent(const RawPeer& peer) {
    std::size_t size = 0;
    for (const auto& datagram : peer.datagrams()) size += datagram.bytes.size();
    return size;
}

// What the endpoint holds, the peer's own records taken off.
inline std::size_t held(RawPeer& peer) {
    peer.clear();
    return bench::memory_held_by(0);
}

// With which code the endpoint ended the session because of a violation.
inline std::optional<std::uint64_t> violation_code(RawPeer& peer) {
    const auto closed = peer.closed();
    if (!closed || closed->cause != connection::CloseCause::violation) return std::nullopt;
    return closed->code;
}

// The session goes on: it answers a PING, once what was under way is settled.
inline bool is_healthy(RawPeer& peer) {
    if (peer.closed() || peer.connection() == nullptr) return false;
    peer.advance(std::chrono::milliseconds(100));
    peer.acknowledge_all();
    peer.clear();
    const wire::Token token{1, 2, 3, 4, 5, 6, 7, 8};
    peer.send(wire::ControlMessage(wire::Ping{token}));
    const auto pongs = peer.messages<wire::Pong>();
    return std::count_if(pongs.begin(), pongs.end(),
                         [&](const wire::Pong& pong) { return pong.token == token; }) == 1;
}

}  // namespace stt::testing
