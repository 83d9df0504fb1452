// What a node is told by what moves its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <stt/bytes.hpp>
#include <stt/node_config.hpp>

#include "base/route.hpp"

namespace stt::node {

// Implemented by the node, which outlives its transports.
class TransportOwner {
public:
    // Datagrams, or the messages of a WebSocket, as Endpoint::handle_datagrams() takes them. False:
    // not all was frames.
    virtual bool handle_datagrams(const Route& from, MutableBytes data, std::size_t segment_size,
                                  std::uint8_t ecn) = 0;
    // All that had come was given, or there is room again: a turn of the loop.
    virtual void run() = 0;
    virtual void handle_route_closed(const Route& route) = 0;
    virtual void set_route_full(const Route& route, bool is_full) = 0;
    // Something authentic came by it.
    virtual bool carries_session(const Route& route) const = 0;
    // NodeConfig::polls_busily, and there is something to poll for.
    virtual bool is_polling_busily() const { return false; }
    virtual void log(LogLevel level, const std::string& line) const = 0;

protected:
    ~TransportOwner() = default;
};

}  // namespace stt::node
