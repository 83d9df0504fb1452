// The engine of a node: all its sessions and handshakes, behind one pair of calls for
// datagrams. Spec protocol §3, §4.
#pragma once

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
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
#include <vector>

#include "base/fifo.hpp"
#include "base/keyed_hash.hpp"
#include "base/route.hpp"
#include "core/connection/attempts.hpp"
#include "core/connection/connection.hpp"
#include "core/connection/endpoint_types.hpp"
#include "core/connection/outbox.hpp"
#include "core/connection/reconnect.hpp"
#include "core/connection/seed_ring.hpp"
#include "core/connection/session_scratch.hpp"
#include "core/handshake/initiator.hpp"
#include "core/handshake/responder.hpp"
#include "stc/random.hpp"

namespace stt::connection {

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

    // A seed whose HELLOs are answered, and with which connect() can be called. At `expires_at`,
    // which is protocol time so that no one who sets the wall clock moves it, it is removed:
    // SeedExpired tells. The same seed twice is two seeds, of which peers meet the first.
    Result<handshake::SeedId, AddSeedError> add_seed(
        Bytes seed, const std::optional<Instant>& expires_at = std::nullopt);
    // Its keys are wiped; its half-open handshakes end, its attempts fail, and its sessions close
    // with code 7 and CloseCause::seed_removed. False: no such seed.
    bool remove_seed(const Moment& moment, handshake::SeedId seed);
    // With which seed a session was made, also when that was removed since. Null: no such session.
    std::optional<handshake::SeedId> seed_of(SessionHandle session) const noexcept;

    // Datagrams of one sender, one behind the other: each of segment_size bytes (at least 1),
    // the last of what is left. Decrypted in place. False: one was not frames from end to end
    // (counted as dropped); a WebSocket is closed for it, Spec protocol §13.2.
    bool handle_datagrams(const Moment& moment, const Route& from, MutableBytes data,
                          std::size_t segment_size, std::uint8_t ecn);
    void handle_timeout(const Moment& moment);
    // A WebSocket connection closed; it carried any number of sessions. Spec protocol §11.3 (c).
    void handle_route_closed(const Moment& moment, const Route& route);
    // A WebSocket takes no more for now, or again: its back-pressure is the window of the sessions
    // on it. Spec protocol §10.5 (b). Meanwhile only answers, challenges and closes go there.
    void set_route_full(const Route& route, bool is_full);

    // Sends a HELLO by one route after the other; the first that answers becomes the session
    // (see Attempts). A WebSocket must be open. `wanted` is the node id that must answer, if it
    // matters. What is wrong with the request comes as ConnectFailed, too. Not where there are
    // several shards: they answer.
    AttemptId connect(const Moment& moment, handshake::SeedId seed, std::span<const Route> routes,
                      const std::optional<handshake::NodeId>& wanted = std::nullopt);
    void cancel(AttemptId attempt);

    // Null once the session has ended and its events were polled. After a command to it,
    // call touch(): what it wants to send waits for that.
    Connection* find(SessionHandle session) noexcept;
    void touch(SessionHandle session);
    // Instead of ConnectionConfig::custom_types, in all sessions from now on.
    void set_custom_types(const CustomTypes& types) noexcept {
        config_.connection.custom_types = types;
    }
    // Asks the peer of a session by a route of this side's choice, and goes on there once it has
    // answered. Spec protocol §11.4. A WebSocket must be open; while it is, the session may be
    // made anew by it.
    void move_to(const Moment& moment, SessionHandle session, const Route& route);
    // Something authentic came by a WebSocket. Spec protocol §13.3.
    bool carries_session(const Route& route) const noexcept;
    // This node's network changed, or it woke: every session asks its peer at once, and those that
    // wait to be reconnected try.
    void network_changed(const Moment& moment);

    // Writes datagrams to `buffer`, of 1,472 to 65,507 bytes, and says where they go.
    [[nodiscard]] std::optional<Transmit> poll_transmit(const Moment& moment, MutableBytes buffer);
    [[nodiscard]] std::optional<EndpointEvent> poll_event();
    [[nodiscard]] std::optional<Instant> poll_timeout() const;

    const handshake::NodeId& node_id() const noexcept { return node_id_; }
    std::size_t session_count() const noexcept { return sessions_.size(); }
    std::size_t half_open_count() const noexcept { return responder_.half_open_count(); }
    // Nothing waits for poll_transmit().
    bool is_quiet() const noexcept { return outbox_.empty() && ready_.empty(); }
    // What was dropped before it reached a session; each session counts its own.
    const DropCounters& drops() const noexcept { return drops_; }
    // Sums over all sessions: O(sessions).
    EndpointStatistics statistics() const;
    // Sessions with a handle above `after`, ascending, as many as there are and `output` takes;
    // returns how many. To see all, begin with 0 and go on from the last one.
    std::size_t sessions_after(SessionHandle after, std::span<SessionHandle> output) const noexcept;

private:
    using Timers = std::set<std::pair<Instant, SessionHandle>>;
    struct Entry {
        std::unique_ptr<Connection> connection;
        // When the session is looked at, at the latest when it has something to do: most deadlines
        // are put off again and again, and one look too early is less than as many changes.
        std::optional<Instant> timer;
        Timers::node_type spare_timer;  // while there is no timer: what the next is kept in
        bool is_ready = false;
        bool is_drained = false;  // it has nothing more to send, until it is touched
        bool has_events = false;
        bool is_reconnecting = false;  // Reconnections has it
        bool is_discarded = false;     // closes, and nobody is told
        // While it may take the place of that one, and nobody has been told: that session.
        SessionHandle former = 0;
        // A responder's: the FINAL for a repeated AUTH_PROOF. Spec protocol §4.2.
        std::vector<std::uint8_t> final_frame;
        std::optional<handshake::Digest32> auth_proof_fingerprint;
        // An initiator's, until the peer has confirmed.
        std::unique_ptr<handshake::Initiator> initiator;
        handshake::SeedId seed = 0;
        // An initiator's: of connect() and move_to(), less WebSockets that have closed.
        std::vector<Route> routes;
        // WebSocket connections among its paths, and such as were.
        std::vector<std::uint64_t> websockets;
    };
    struct Found {
        SessionHandle session = 0;
        Entry* entry = nullptr;
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
    [[nodiscard]] bool handle_datagram(const Moment& moment, const Route& from,
                                       MutableBytes datagram, std::uint8_t ecn);
    void flush_frames(Instant now, const Route& from);
    // Frames of one other shard, one behind the other.
    struct StrayRun {
        std::size_t shard = 0;
        MutableBytes frames;
    };
    bool take_stray(const wire::FrameView& frame, MutableBytes bytes, const Route& from,
                    std::uint8_t ecn, StrayRun& run);
    void flush_stray(const Route& from, std::uint8_t ecn, StrayRun& run);
    std::optional<SessionHandle> session_of(const Moment& moment, const Route& from,
                                            const wire::FrameView& frame);

    void handle_handshake_frame(const Moment& moment, const Route& from,
                                const wire::FrameView& frame);
    void handle_hello(const Moment& moment, const Route& from, const wire::FrameView& frame);
    void handle_response(const Moment& moment, const Route& from, const wire::FrameView& frame);
    void handle_final(const Moment& moment, SessionHandle session, const wire::FrameView& frame);
    void handle_auth_proof(const Moment& moment, const Route& from, const wire::FrameView& frame);
    std::optional<SessionHandle> open_half_open(const Moment& moment, const Route& from,
                                                const wire::FrameView& frame);
    // Where the frame came from that made the session ACTIVE, and its size if it was AUTH_PROOF.
    SessionHandle accept(Instant now, handshake::Established established, const Route& from,
                         std::size_t auth_proof_size);
    void note_route(SessionHandle session, const Route& route);
    Entry& add_session(Instant now, handshake::SeedId seed, ConnectionSetup setup,
                       stc::Key&& session_key);
    void fail_attempt(Instant now, AttemptId attempt, ConnectError error);
    void take_failed_attempts(Instant now);
    void queue_datagram(const Route& to, Bytes bytes);
    std::optional<Transmit> transmit_handshake(Instant now, MutableBytes buffer);
    std::optional<Transmit> transmit_session(Instant now, MutableBytes buffer);
    void let_join(Instant now, MutableBytes buffer, Transmit& transmit);
    std::size_t session_room() const noexcept;
    bool is_session_id_in_use(const wire::SessionId& id) const noexcept {
        return by_session_id_.contains(id);
    }

    void follow(Instant now, SessionHandle session, Entry& entry);
    void stop_reconnecting(Instant now, SessionHandle session, Entry& entry);
    void discard(Instant now, SessionHandle session, Entry& entry);
    void advance_reconnection(const Moment& moment, SessionHandle former);
    void try_reconnect(const Moment& moment, SessionHandle former);
    void replace(Instant now, SessionHandle former);
    // Takes what a session tells; null: nothing that anybody is told now.
    std::optional<Event> take_event(Entry& entry);

    Entry* entry_of(SessionHandle session) const noexcept;  // null: there is none
    Entry& entry_at(SessionHandle session) const noexcept;
    static void fetch(const Entry& entry) noexcept;
    void set_timer(SessionHandle session, Entry& entry);
    void erase(SessionHandle session);

    EndpointConfig config_;
    stc::RandomSource* random_;
    handshake::NodeId node_id_;
    handshake::ResponderTable responder_;
    SeedRing seeds_;

    SessionScratch scratch_;
    std::map<SessionHandle, Entry> sessions_;
    // The same, for who looks one up: ten thousand lie thirteen steps deep in a tree.
    tsl::robin_map<SessionHandle, Entry*> by_handle_;
    tsl::robin_map<wire::SessionId, Found, KeyedHash> by_session_id_;
    // What was looked up last: of a session in no cache, every lookup waits for memory twice, and
    // what comes from it and goes to it looks it up a dozen times.
    mutable Found found_;
    std::set<std::pair<handshake::SeedId, SessionHandle>> by_seed_;
    Timers timers_;  // Entry::timer
    // The sessions that a WebSocket connection carries.
    std::set<std::pair<std::uint64_t, SessionHandle>> by_websocket_;
    Fifo<SessionHandle> ready_;
    Fifo<SessionHandle> with_events_;
    SessionHandle next_session_ = 1;

    Attempts attempts_;
    Reconnections reconnections_;
    AttemptId refused_attempt_ = AttemptId{1} << 63;  // ids of those that failed at once

    Outbox outbox_;
    bool is_handshake_next_ = true;
    Fifo<EndpointEvent> events_;
    DropCounters drops_{};
    Instant now_{};               // of the last call that gave one
    EndpointStatistics counted_;  // what does not follow from what is there now

    // Frames of one session that wait to be handed over together.
    std::vector<ReceivedFrame> frames_;
    SessionHandle frames_session_ = 0;
    // A frame of a half-open session while it is tried.
    std::vector<std::uint8_t> frame_copy_;
};

}  // namespace stt::connection
