// The engine of a node: all its sessions and handshakes, behind one pair of calls for
// datagrams. Spec protocol §3, §4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stt/address.hpp>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "base/route.hpp"
#include "core/connection/config.hpp"
#include "core/connection/connection.hpp"
#include "core/connection/events.hpp"
#include "core/handshake/initiator.hpp"
#include "core/handshake/responder.hpp"
#include "stc/context.hpp"
#include "stc/random.hpp"

namespace stt::connection {

struct EndpointConfig {
    ConnectionConfig connection;
    // node_id = digest(identity): 32 random bytes that a node keeps. Spec protocol §4.
    std::array<std::uint8_t, 32> identity{};
    handshake::Capabilities capabilities{.streaming = true, .udp = true, .websocket = false};
    // Limits of the responder; its node id and capabilities are set from the above.
    handshake::ResponderConfig responder;
    // HELLOs are dropped when there are so many sessions.
    std::size_t session_count_max = 65'536;
};

// Names a session of this node for good.
using SessionHandle = std::uint64_t;
using AttemptId = std::uint64_t;

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
// No address answered in time.
struct ConnectFailed {
    AttemptId attempt = 0;
};
struct SessionEvent {
    SessionHandle session = 0;
    Event event;
};
using EndpointEvent = std::variant<SessionAccepted, SessionConnected, ConnectFailed, SessionEvent>;

// Routes frames by their Session ID, answers HELLOs, makes connections. No I/O, no clock, no
// randomness but from the source it is given: the same calls give the same bytes.
//
// After every handle_*, connect() or touch(), drain in this order:
//   poll_transmit until nullopt, then poll_event until nullopt, then poll_timeout once.
class Endpoint {
public:
    // `random` must outlive the endpoint.
    Endpoint(const EndpointConfig& config, stc::RandomSource& random);
    // Its sessions refer to it.
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    // A seed whose HELLOs are answered, and with which connect() can be called.
    Result<handshake::SeedId, stc::SeedError> add_seed(Bytes seed);

    // Datagrams of one sender, one behind the other: each of segment_size bytes (at least 1),
    // the last of what is left. Decrypted in place.
    void handle_datagrams(const Moment& moment, const Route& from, MutableBytes data,
                          std::size_t segment_size, std::uint8_t ecn);
    void handle_timeout(const Moment& moment);

    // Sends a HELLO to each address; the first that answers becomes the session. `seed` is one
    // of add_seed(). `wanted` is the node id that must answer, if it matters.
    AttemptId connect(const Moment& moment, handshake::SeedId seed,
                      std::span<const Address> addresses,
                      const std::optional<handshake::NodeId>& wanted = std::nullopt);
    void cancel(AttemptId attempt);

    // Null once the session has ended and its events were polled. After a command to it,
    // call touch(): what it wants to send waits for that.
    Connection* find(SessionHandle session) noexcept;
    void touch(SessionHandle session);
    // This node's network changed, or it woke: every session asks its peer at once.
    void network_changed(const Moment& moment);

    // Writes datagrams to `buffer`, of 1,472 to 65,507 bytes, and says where they go.
    [[nodiscard]] std::optional<Transmit> poll_transmit(const Moment& moment, MutableBytes buffer);
    [[nodiscard]] std::optional<EndpointEvent> poll_event();
    [[nodiscard]] std::optional<Instant> poll_timeout() const;

    const handshake::NodeId& node_id() const noexcept { return node_id_; }
    std::size_t session_count() const noexcept { return sessions_.size(); }
    std::size_t half_open_count() const noexcept { return responder_.half_open_count(); }
    // Nothing waits for poll_transmit().
    bool is_quiet() const noexcept { return queue_.empty() && ready_.empty(); }
    // What was dropped before it reached a session; each session counts its own.
    const DropCounters& drops() const noexcept { return drops_; }

private:
    struct Entry {
        std::unique_ptr<Connection> connection;
        std::optional<Instant> timer;
        bool is_ready = false;
        bool has_events = false;
        // A responder's: the FINAL for a repeated AUTH_PROOF. Spec protocol §4.2.
        std::vector<std::uint8_t> final_frame;
        std::optional<handshake::Digest32> auth_proof_fingerprint;
        // An initiator's, until the peer has confirmed.
        std::unique_ptr<handshake::Initiator> initiator;
    };
    struct Try {
        Route route;
        std::unique_ptr<handshake::Initiator> initiator;
        Instant resend_at{};
        Duration interval{};
        unsigned sent_count = 0;
    };
    struct Attempt {
        std::vector<Try> tries;
        Instant started_at{};
        Instant deadline{};
    };
    struct QueuedDatagram {
        Route to;
        std::vector<std::uint8_t> bytes;
    };
    // Where a RESPONSE belongs.
    struct TryPlace {
        AttemptId attempt = 0;
        std::size_t index = 0;
    };

    void drop(wire::DropReason reason, const wire::FrameView* frame = nullptr);
    template <class Event>
    void tell(Instant now, Event&& event) const {
        trace::Sink* const sink = config_.connection.trace;
        if (sink != nullptr) sink->on_event({now, std::nullopt, std::forward<Event>(event)});
    }
    void tell_received(Instant now, const Route& from, const wire::FrameView& frame,
                       trace::HandshakeMessage message) const;
    void tell_sent(Instant now, const Route& to, MutableBytes datagram) const;
    void handle_datagram(const Moment& moment, const Route& from, MutableBytes datagram,
                         std::uint8_t ecn);
    void flush_frames(Instant now, const Route& from);
    std::optional<SessionHandle> route(const Moment& moment, const wire::FrameView& frame);

    void handle_handshake_frame(const Moment& moment, const Route& from,
                                const wire::FrameView& frame);
    void handle_hello(const Moment& moment, const Route& from, const wire::FrameView& frame);
    void handle_response(const Moment& moment, const Route& from, const wire::FrameView& frame,
                         TryPlace place);
    void handle_final(const Moment& moment, SessionHandle session, const wire::FrameView& frame);
    void handle_auth_proof(const Moment& moment, const Route& from, const wire::FrameView& frame);
    std::optional<SessionHandle> open_half_open(const Moment& moment, const wire::FrameView& frame);
    SessionHandle accept(Instant now, const Route& peer, handshake::Established established);
    SessionHandle add_session(Instant now, ConnectionSetup setup, stc::Key&& session_key);
    void send_hello(Instant now, Try& one);
    void queue_datagram(const Route& to, Bytes bytes);
    void handle_attempt_timeouts(Instant now);
    bool is_session_id_in_use(const wire::SessionId& id) const noexcept {
        return by_session_id_.contains(id);
    }

    void set_timer(SessionHandle session, Entry& entry);
    void erase(SessionHandle session);

    EndpointConfig config_;
    stc::RandomSource* random_;
    handshake::NodeId node_id_;
    handshake::ResponderTable responder_;
    std::map<handshake::SeedId, std::unique_ptr<stc::Context>> seeds_;
    handshake::SeedId next_seed_ = 1;

    SessionScratch scratch_;
    std::map<SessionHandle, Entry> sessions_;
    std::map<wire::SessionId, SessionHandle> by_session_id_;
    std::set<std::pair<Instant, SessionHandle>> timers_;
    std::deque<SessionHandle> ready_;
    std::deque<SessionHandle> with_events_;
    SessionHandle next_session_ = 1;

    std::map<AttemptId, Attempt> attempts_;
    std::map<handshake::HandshakeId, TryPlace> by_handshake_id_;
    AttemptId next_attempt_ = 1;

    std::deque<QueuedDatagram> queue_;
    std::deque<EndpointEvent> events_;
    DropCounters drops_{};
    Instant now_{};  // of the last call that gave one

    // Frames of one session that wait to be handed over together.
    std::vector<ReceivedFrame> frames_;
    SessionHandle frames_session_ = 0;
};

}  // namespace stt::connection
