// What the engine of a node is given, and what it tells.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>
#include <stt/statistics.hpp>
#include <stt/time.hpp>
#include <variant>
#include <vector>

#include "base/route.hpp"
#include "core/connection/attempts.hpp"
#include "core/connection/config.hpp"
#include "core/connection/connection.hpp"
#include "core/connection/events.hpp"
#include "core/handshake/responder.hpp"

namespace stt::connection {

// What becomes of a session that this node began, when its peer is Unreachable: HELLOs go to where
// it was last and to the addresses that the session was made with. Settable.
struct ReconnectPolicy {
    bool is_enabled = true;
    // From Unreachable until the first try; from one that failed until the next, doubling. A try
    // lasts as long as any handshake. Chosen: a server that restarts is back within seconds, and
    // one that stays away costs its clients ten datagrams in 40 s.
    Duration first_delay{0};
    Duration backoff_first = std::chrono::milliseconds(500);
    Duration backoff_max = std::chrono::seconds(30);
    // Tries at one moment, of all sessions; further ones wait. About 5 KiB for each address, or
    // 8 KiB for the session that came of it.
    std::size_t try_count_max = 256;
};

// Takes the frames of a node's other shards that came to this one. Spec protocol §4.1 (j).
class StraySink {
public:
    // Whole frames that lay one behind the other in a datagram, all of that shard's. Borrowed until
    // it returns; it does not call the endpoint.
    virtual void take_stray(std::size_t shard, const Route& from, Bytes frames,
                            std::uint8_t ecn) = 0;

protected:
    ~StraySink() = default;
};

struct EndpointConfig {
    ConnectionConfig connection;
    // node_id = digest(identity): 32 random bytes that a node keeps. Spec protocol §4.
    std::array<std::uint8_t, 32> identity{};
    handshake::Capabilities capabilities{.streaming = true, .udp = true, .websocket = false};
    // Limits of the responder; its node id and capabilities are set from the above. Which shard it
    // is, the whole endpoint is.
    handshake::ResponderConfig responder;
    // Outlives the endpoint; not null where there are several shards.
    StraySink* strays = nullptr;
    // RFC 8305 §5, see AttemptConfig; what else is there is set from `connection`.
    Duration address_delay = std::chrono::milliseconds(250);
    std::size_t address_count_max = 64;
    // With so many sessions and half-open handshakes, no further handshake begins: neither as
    // responder nor, counting attempts, as initiator. 8 KiB for each that is idle.
    std::size_t session_count_max = 65'536;
    // A stranger's HELLO costs a permutation for each, eight at a time.
    std::size_t seed_count_max = 64;
    ReconnectPolicy reconnect;
};

// Names a session of this node for good.
using SessionHandle = std::uint64_t;

// Both clocks at one moment: the protocol's, which never goes back, and the wall's,
// which goes into timestamps (unix milliseconds) and may.
struct Moment {
    Instant now{};
    std::int64_t unix_ms = 0;
};

struct SessionAccepted {
    SessionHandle session = 0;
};
struct SessionConnected {
    AttemptId attempt = 0;
    SessionHandle session = 0;
    Duration handshake{};  // from the first HELLO until RESPONSE
};
// A session that this node had begun, and that was Unreachable, has a successor: the peer answered
// a new handshake and nothing came for `old_session` meanwhile, although it was asked again.
//
// Comes before the Closed event of the old session, with CloseCause::lost, and before all events
// of the new one, which is confirmed, with the same node and seed. No stream goes on by itself:
// `streams` are all that the old session still had, so that the application can.
struct SessionReconnected {
    SessionHandle old_session = 0;
    SessionHandle new_session = 0;
    Duration handshake{};  // from the first HELLO until RESPONSE
    std::vector<stream::StreamProgress> streams;
};
struct ConnectFailed {
    AttemptId attempt = 0;
    ConnectError error = ConnectError::timeout;
};
// Its time was over. Its sessions end, as with remove_seed().
struct SeedExpired {
    handshake::SeedId seed = 0;
};
// The last session of a WebSocket is gone: nothing has a use for that connection.
struct WebSocketUnused {
    std::uint64_t connection = 0;
};
struct SessionEvent {
    SessionHandle session = 0;
    Event event;
};
using EndpointEvent = std::variant<SessionAccepted, SessionConnected, SessionReconnected,
                                   ConnectFailed, SeedExpired, WebSocketUnused, SessionEvent>;

// Since the endpoint began. Everything that was dropped is in `drops`, by its reason: by the
// endpoint itself, by sessions that are gone, and by those that live.
struct EndpointStatistics {
    std::size_t sessions = 0;  // now, as the next four
    std::size_t half_open = 0;
    std::size_t nonces = 0;
    std::size_t seeds = 0;
    std::size_t attempts = 0;

    std::uint64_t sessions_accepted = 0;
    std::uint64_t sessions_connected = 0;
    std::uint64_t sessions_reconnected = 0;  // those that took another's place
    std::uint64_t sessions_ended = 0;
    std::uint64_t frames_stray = 0;  // of other shards
    std::array<std::uint64_t, connect_error_count>
        attempts_failed{};  // by ConnectError; reconnecting too
    // Of sessions that are gone; each that lives tells its own.
    Connection::Totals ended_totals;
    DropCounters drops{};
};

}  // namespace stt::connection
