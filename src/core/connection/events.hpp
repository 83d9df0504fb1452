// What an engine tells its caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <stt/time.hpp>
#include <variant>

#include "base/route.hpp"
#include "core/stream/streams.hpp"
#include "core/wire/faults.hpp"

namespace stt::connection {

// Why a session ended.
enum class CloseCause {
    local,         // close() was called here
    seed_removed,  // its seed was removed or expired here
    peer,          // SESSION_CLOSE came
    violation,     // the peer broke the protocol; it was told
    idle,          // nothing authentic came for the idle timeout, and nothing was asked
    lost,          // unreachable, and nothing authentic came for the resume timeout
    unconfirmed,   // an initiator's session that the peer never confirmed. Spec protocol §4.3
};

struct Closed {
    CloseCause cause = CloseCause::local;
    std::uint64_t code = 0;
    std::string reason;  // UTF-8, at most 255 bytes
};

// The peer has shown that it holds the session's keys.
struct Confirmed {};

struct PongReceived {
    std::uint64_t ping = 0;  // what ping() returned
    Duration round_trip{};
};

// Nothing answers since then, for longer than usual: Unreachable may follow. Told once until
// something comes.
struct Silent {
    Instant since{};
};
// Nothing answers since then: the peer has no path, or has forgotten the session. The session
// lives on, sends nothing but probes, and is Reachable again or ends with CloseCause::lost.
struct Unreachable {
    Instant since{};  // the oldest frame left that nothing has answered
};
struct Reachable {};

// Custom frames wait for receive_custom(); told once until it has returned null.
struct CustomReadable {};
// send_custom() has room again, after it had none.
struct CustomWritable {};

// The peer sees this node there: outside of the last NAT between. A claim of the peer, and no
// more; never unspecified, multicast, or of port 0.
struct AddressObserved {
    Address address;
};
// The session goes on by another route: see Connection::route(). Of several in a row the last
// is told.
struct PathTaken {
    Route route;
};

using Event =
    std::variant<stream::StreamEvent, Confirmed, PongReceived, Silent, Unreachable, Reachable,
                 AddressObserved, PathTaken, CustomReadable, CustomWritable, Closed>;

// Datagrams by one route, written to the caller's buffer one behind the other: each has
// segment_size bytes, the last what is left.
struct Transmit {
    Route to;
    std::size_t size = 0;  // of all
    std::size_t segment_size = 0;
    std::uint8_t ecn = 0;  // the two bits of the IP header
};

using DropCounters = std::array<std::uint64_t, wire::drop_reason_count>;

}  // namespace stt::connection
