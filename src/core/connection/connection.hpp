// The engine of one session, from its keys to its end. Spec protocol §5 to §12.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <stt/address.hpp>
#include <stt/bytes.hpp>
#include <stt/time.hpp>
#include <vector>

#include "base/fifo.hpp"
#include "base/route.hpp"
#include "codec/writer.hpp"
#include "core/connection/config.hpp"
#include "core/connection/custom_frames.hpp"
#include "core/connection/events.hpp"
#include "core/connection/liveness.hpp"
#include "core/connection/padding.hpp"
#include "core/connection/path_set.hpp"
#include "core/connection/rate_meter.hpp"
#include "core/connection/session_scratch.hpp"
#include "core/connection/session_trace.hpp"
#include "core/connection/statistics.hpp"
#include "core/recovery/ack_tracker.hpp"
#include "core/recovery/loss.hpp"
#include "core/session/keys.hpp"
#include "core/session/replay_window.hpp"
#include "core/stream/streams.hpp"
#include "core/wire/control.hpp"
#include "core/wire/frame.hpp"
#include "stc/random.hpp"

namespace stt::connection {

// Spec protocol §4.6; KEY_ROTATING is ACTIVE with a rotation of this side under way.
enum class SessionState { active = 2, key_rotating = 3, closing = 4, closed = 5 };

struct ConnectionSetup {
    session::Role role = session::Role::initiator;
    wire::SessionId session_id{};
    std::array<std::uint8_t, 32> peer_node_id{};
    Route peer;
    // A responder's, when AUTH_PROOF or the first frame did not come from HELLO's address:
    // `peer` is HELLO's all the same, and what it sent and was sent is counted.
    // Spec protocol §4.2 (c).
    bool is_path_validated = true;
    std::size_t bytes_received = 0;
    std::size_t bytes_sent = 0;
    // Where AUTH_PROOF came from then, and its size.
    std::optional<Route> candidate;
    std::size_t candidate_bytes_received = 0;
    // An initiator's AUTH_PROOF: leaves with the first datagram, and again until the peer
    // has confirmed. Empty at a responder.
    std::vector<std::uint8_t> auth_proof;
    // Of the handshake, at an initiator: the first sample of the path.
    std::optional<Duration> round_trip;
};

// The least room that join() is given, and the ranges of an ACK that fit there, with a credit
// beside it.
inline constexpr std::size_t join_room_min = 160;
inline constexpr std::size_t join_range_count_max = 16;

// The protocol state of one peer. Performs no I/O, reads no clock, and draws randomness
// only from the source it is given: the same calls give the same bytes.
//
// Four kinds of members, told apart by name:
//   handle_*   what happened outside: frames came, a deadline passed
//   commands   what the application wants: open_stream, write, read, close
//   poll_*     what the caller must do next
//   the rest   plain readers, const
//
// After every handle_* or command, drain in this order:
//   poll_transmit until nullopt, then poll_event until nullopt, then poll_timeout once.
// `now` never goes back. A call with an earlier time breaks an STT_CHECK.
class Connection {
public:
    // `config`, `scratch` and `random` are shared by the sessions of a node and must outlive the
    // connection. The session key is consumed.
    Connection(const ConnectionConfig& config, SessionScratch& scratch, ConnectionSetup setup,
               stc::Key&& session_key, Instant now, stc::RandomSource& random);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Frames of this session, decrypted in place; what does not open or does not belong is
    // counted and dropped. Returns true when at least one was authentic.
    bool handle_frames(Instant now, const Route& from, std::span<const ReceivedFrame> frames);
    void handle_timeout(Instant now);
    // A WebSocket closed. The session goes on by its last validated path, or waits for one.
    // Spec protocol §11.3 (c).
    void handle_route_closed(Instant now, const Route& route);
    // FINAL was good. Spec protocol §4.3.
    void handle_confirmed(Instant now);

    // Commands; see stream::Streams for what each promises.
    Result<stream::StreamKey, stream::OpenError> open_stream(const stream::OpenOptions& options);
    // Of kind BYTES.
    Result<stream::StreamKey, stream::OpenError> open_stream(std::string_view endpoint);
    Result<std::size_t, stream::WriteError> write(stream::StreamKey key, Bytes data);
    Result<stream::ReadOutcome, stream::ReadError> read(Instant now, stream::StreamKey key,
                                                        MutableBytes output);
    Result<void, stream::SendError> send_message(Instant now, stream::StreamKey key, Bytes message,
                                                 std::optional<Duration> deadline = std::nullopt);
    Result<stream::MessageOutcome, stream::ReadError> receive_message(
        Instant now, stream::StreamKey key, std::vector<std::uint8_t>& output);
    void finish(stream::StreamKey key);
    void reset(stream::StreamKey key, std::uint64_t code);
    void stop(Instant now, stream::StreamKey key, std::uint64_t code);
    void refuse(Instant now, stream::StreamKey key);
    bool set_priority(stream::StreamKey key, std::uint8_t priority);
    void release(Instant now, stream::StreamKey key);
    Result<void, stream::WriteError> wait_acknowledged(stream::StreamKey key);
    // Sends a PING; a PongReceived with the number returned here follows, unless either is
    // lost. At most 16 wait: a further one gives up the oldest.
    std::optional<std::uint64_t> ping(Instant now);
    // This node's own network changed, or it woke: probes leave at once and with the first
    // backoff, and the session does not end before they could be answered.
    void network_changed(Instant now);
    // Asks the peer by a route of this side's choice, and goes on there once it has answered:
    // PathTaken tells. In vain after three questions a PTO apart. Spec protocol §11.4.
    void move_to(Instant now, const Route& route);
    // The same without a change: who wants to know whether the peer is there asks it now.
    void ask_peer(Instant now);
    // A frame of the application's own type, 0x80 to 0xff, on any Stream ID, 0 included, with at
    // most custom_payload_size_max bytes: never resent, no credit, in congestion control; goes
    // before DATA, in turn with it. Of queue_full a CustomWritable tells the end. Keys of
    // the Stream IDs named stay in memory, about 250 bytes each. Spec protocol §3.
    Result<void, CustomError> send_custom(std::uint8_t type, std::uint16_t stream, Bytes payload);
    // Types that this session keeps from now on, beside ConnectionConfig::custom_types.
    void set_custom_types(const CustomTypes& types);
    // The oldest frame of a type that is kept. Others are acknowledged all the same, dropped and
    // counted as no_handler, when they come or here; what finds the queue full as queue_full.
    std::optional<CustomFrame> receive_custom();
    // Ends the session: the peer is told, streams end unfinished. `reason` is cut to 255 bytes.
    void close(Instant now, std::uint64_t code, std::string_view reason,
               CloseCause cause = CloseCause::local);

    // Writes datagrams to `buffer`, of 1,472 to 65,507 bytes, and says where they go.
    [[nodiscard]] std::optional<Transmit> poll_transmit(Instant now, MutableBytes buffer);
    // Behind the short datagram of another session, laid out and not yet sealed: the frames of what
    // this one has to say, if that is no more than acknowledgements and CONTROL messages and goes
    // to the same place under the same mark. Returns their size, at most |room|, which is
    // join_room_min or more; 0: it adds nothing. They are plaintext until the scratch's batch is
    // sealed. Its turn to poll_transmit() comes all the same.
    [[nodiscard]] std::size_t join(Instant now, const Transmit& datagram, MutableBytes room);
    // The last poll_transmit() gave all there was: the next would give null.
    bool is_drained() const noexcept { return is_drained_; }
    [[nodiscard]] std::optional<Event> poll_event();
    [[nodiscard]] std::optional<Instant> poll_timeout() const;

    SessionState state() const noexcept;
    bool is_closed() const noexcept { return phase_ == Phase::closed; }
    bool is_confirmed() const noexcept { return is_confirmed_; }
    bool is_silent() const noexcept { return liveness_.is_silent(); }
    bool is_unreachable() const noexcept { return liveness_.is_unreachable(); }
    session::Role role() const noexcept { return role_; }
    const wire::SessionId& session_id() const noexcept { return session_id_; }
    const std::array<std::uint8_t, 32>& peer_node_id() const noexcept { return peer_node_id_; }
    const Address& peer() const noexcept { return paths_.route().address; }
    const Route& route() const noexcept { return paths_.route(); }
    const PathSet& paths() const noexcept { return paths_; }
    const stream::Streams& streams() const noexcept { return streams_; }
    const recovery::PathRecovery& path() const noexcept { return loss_.path(paths_.number()); }
    const DropCounters& drops() const noexcept { return drops_; }
    std::uint64_t send_epoch() const noexcept { return keys_.send.epoch(); }
    std::uint64_t receive_epoch() const noexcept { return keys_.receive.epoch(); }

    struct Totals {
        std::uint64_t frames_sent = 0;
        std::uint64_t frames_received = 0;
        std::uint64_t frames_lost = 0;
        std::uint64_t bytes_sent = 0;
        std::uint64_t bytes_received = 0;
        std::uint64_t datagrams_sent = 0;
        std::uint64_t datagrams_received = 0;
        std::uint64_t bytes_lost = 0;
        std::uint64_t losses_spurious = 0;
        std::uint64_t frames_retransmitted = 0;  // DATA
        std::uint64_t bytes_retransmitted = 0;   // of streams
        std::uint64_t acks_sent = 0;
        std::uint64_t acks_received = 0;
        std::uint64_t probe_timeouts = 0;

        Totals& operator+=(const Totals& other) noexcept;
    };
    const Totals& totals() const noexcept { return totals_; }
    SessionStatistics statistics(Instant now) const;

private:
    enum class Phase { active, closing, draining, closed };

    struct OutstandingPing {
        std::uint64_t number;
        wire::Token token;
        std::optional<Instant> sent_at;
    };
    // A PONG or PATH_RESPONSE that goes to where its question came from. Spec protocol §11.2.
    struct Answer {
        Route to;
        wire::ControlMessage message;
        std::size_t allowance = 0;  // bytes that may go to a route that is no path
    };
    // What a frame's content asks of the session, whatever else it does.
    struct Effect {
        bool elicits_ack = true;
        bool is_moving = true;  // holds more than PATH_*, ACK and PADDING. Spec protocol §11.1
    };
    // A CONTROL payload while it is put together.
    struct ControlPayload {
        std::array<std::uint8_t, 1'472> bytes;
        bool elicits_ack = false;
        bool has_ack = false;
        bool has_ack_ping = false;
        recovery::Cargo cargo;
    };

    recovery::PathRecovery& path_state() noexcept { return loss_.path(paths_.number()); }
    Duration round_trip() const noexcept { return path().rtt().smoothed(); }
    Duration three_probe_timeouts() const noexcept { return 3 * path().rtt().probe_timeout(); }
    void check_time(Instant now);
    void drop(wire::DropReason reason, const wire::FrameView* frame = nullptr) {
        ++drops_[static_cast<std::size_t>(reason)];
        trace_.frame_dropped(now_, reason, frame);
    }
    void tell_key(trace::Direction direction, trace::KeyChanged::Stage stage, std::uint64_t epoch);
    void tell_end(Closed closed);
    void tell_path(Instant now, const Route& route, trace::PathChanged::Stage stage);
    void tell_stream(const stream::StreamEvent& event);
    void update_trace(Instant now);

    // Receiving.
    void open_batch(Instant now, const Route& from);
    void handle_opened(Instant now, const Route& from, const OpeningJob& job,
                       bool& is_datagram_counted);
    Result<stream::Taken, wire::Violation> handle_plaintext(Instant now, const Route& from,
                                                            const wire::FrameView& frame,
                                                            Bytes plaintext, Effect& effect);
    Result<void, wire::Violation> handle_control(Instant now, const Route& from,
                                                 const wire::FrameView& frame,
                                                 wire::ControlMessages messages, Effect& effect);
    Result<void, wire::Violation> apply(Instant now, const Route& from,
                                        const wire::FrameView& frame,
                                        const wire::ControlMessage& message);
    Result<void, wire::Violation> handle_ack(Instant now, const wire::Ack& ack);
    void handle_while_closing(const Route& from, const wire::FrameView& frame, Bytes plaintext);
    void grow_window(Instant now);
    void handle_pong(Instant now, const wire::Token& token);
    void handle_session_close(Instant now, const wire::SessionClose& message);
    void on_frame_acknowledged(Instant now, const recovery::SentFrame& frame);
    void on_frame_lost(const recovery::SentFrame& frame);
    void repeat(const recovery::SentFrame& frame);
    void repeat_control(const recovery::Cargo& cargo);
    static stream::Planned planned_of(const recovery::Cargo& cargo) noexcept;

    // Paths.
    // Spec protocol §11.1 (b).
    static bool may_move(const wire::ControlMessage& message) noexcept;
    void follow_frame(Instant now, const Route& from, const PathSet::Frame& frame);
    void handle_path_response(Instant now, const Route& from, const wire::Token& token);
    void on_path_taken(Instant now);
    void handle_observed_address(const wire::ObservedAddress& message);
    void queue_answer(Answer answer);
    std::size_t control_frame_size(std::size_t payload_size) const noexcept;
    Transmit transmit_alone(Instant now, MutableBytes buffer, const Route& to,
                            std::span<const wire::ControlMessage> messages, std::size_t limit);
    std::optional<Transmit> transmit_answer(Instant now, MutableBytes buffer);
    std::optional<Transmit> transmit_challenge(Instant now, MutableBytes buffer);

    // Sending.
    // A datagram of a transmission that is to be written.
    struct DatagramPlan {
        bool may_elicit = false;
        bool must_elicit = false;
        // False once one of the transmission had room for CONTROL messages and none to say: at the
        // same instant there is none for the next either.
        bool may_have_messages = true;
        std::optional<stream::Streams::Candidate> candidate;  // whose frame goes next
    };
    void draw_skip() noexcept;
    std::uint64_t take_sequence() noexcept;
    MutableBytes add_frame(wire::FrameType type, std::uint16_t stream, std::uint8_t flags,
                           std::size_t payload_size, bool elicits_ack,
                           const recovery::Cargo& cargo);
    // The same without padding. Spec protocol §12.1: PATH_* and MTU probes are exempt.
    MutableBytes add_bare_frame(wire::FrameType type, std::uint16_t stream, std::uint8_t flags,
                                std::size_t payload_size, bool elicits_ack,
                                const recovery::Cargo& cargo);
    // The largest plaintext of a frame of the open datagram now.
    std::size_t plaintext_room(wire::FrameType type, std::uint16_t stream) const noexcept;
    // The same, padding taken off.
    std::size_t data_room(wire::FrameType type, std::uint16_t stream) const noexcept;
    std::optional<Transmit> transmit_close(MutableBytes buffer);
    std::optional<Transmit> transmit_mtu_probe(Instant now, MutableBytes buffer);
    std::optional<Transmit> transmit_batch(Instant now, MutableBytes buffer);
    bool may_join(const Transmit& datagram) const noexcept;
    void on_sent(Instant now, const Transmit& transmit);
    std::size_t write_datagram(Instant now, DatagramPlan& plan);
    // `is_only_frame`: what must elicit can be here alone.
    // False: there was nothing to say.
    bool add_control_frame(Instant now, bool may_elicit, bool must_elicit, bool is_only_frame);
    void add_stream_frames(std::optional<stream::Streams::Candidate> candidate);
    void add_custom_frames(bool has_stream_frames);
    bool has_custom_to_send() const noexcept { return custom_ && !custom_->to_send.empty(); }
    void keep_custom(const wire::FrameView& frame, Bytes plaintext);
    bool is_custom_kept(std::uint8_t type) const noexcept;
    std::size_t data_payload_room() const noexcept;
    static bool put(codec::Writer& writer, ControlPayload& payload,
                    const wire::ControlMessage& message);
    bool put_ping(codec::Writer& writer, ControlPayload& payload);
    void put_ack(Instant now, codec::Writer& writer, ControlPayload& payload);
    void put_credits(codec::Writer& writer, ControlPayload& payload);
    void put_items(codec::Writer& writer, ControlPayload& payload);
    bool wants_to_elicit(const std::optional<stream::Streams::Candidate>& candidate) const noexcept;
    bool has_eliciting_messages() const noexcept;
    void finish_datagram(Instant now, const Route& to, bool is_mtu_probe);
    bool is_blocked() const noexcept;
    bool may_probe_mtu() const noexcept;
    bool is_used() const noexcept;
    bool is_auth_proof_due(Instant now) const noexcept;
    void seal_close(Instant now, std::uint64_t code, std::string_view reason);
    void end(CloseCause cause, std::uint64_t code, std::string_view reason);
    void begin_closing(Instant now, CloseCause cause, std::uint64_t code, std::string_view reason);
    void fail(Instant now, const wire::Violation& violation);

    // Time.
    // `expected`: when poll_timeout() had asked for it.
    void apply_timeout(Instant now, const std::optional<Instant>& expected);
    void rotate_if_due(Instant now);
    void ask_again_if_unanswered(Instant now);
    void handle_loss_timeout(Instant now);
    bool handle_silence(Instant now);
    void wake(Instant now);

    const ConnectionConfig& config_;
    session::Role role_;
    wire::SessionId session_id_;
    std::array<std::uint8_t, 32> peer_node_id_;
    std::vector<std::uint8_t> auth_proof_;  // until the peer has confirmed
    stc::RandomSource* random_;
    session::SessionKeys keys_;
    session::ReplayWindow window_;
    recovery::AckTracker acks_;
    recovery::LossDetection loss_;
    PathSet paths_;  // of loss_
    stream::Streams streams_;
    Liveness liveness_;

    Phase phase_ = Phase::active;
    bool is_confirmed_ = false;
    Instant now_{};
    Instant last_sent_{};
    Fifo<Event> events_;
    DropCounters drops_{};
    Totals totals_;
    RateMeter send_rate_;
    RateMeter receive_rate_;

    Instant window_interval_start_{};
    std::uint64_t window_frames_ = 0;  // opened since then
    std::uint64_t next_sequence_ = 0;
    std::uint64_t skip_in_ = 0;  // frames until the next skipped Sequence. Spec protocol §10.3
    std::uint32_t items_pending_ = 0;     // session-wide CONTROL messages, see control_item
    bool is_ping_pending_ = false;        // the session's own, whose PONG tells nothing more
    std::vector<OutstandingPing> pings_;  // the application's; only the first is under way
    std::uint64_t ping_count_ = 0;
    Fifo<Answer> answers_;
    std::optional<Address> observed_;  // this node's address, as the peer last said
    bool is_observed_to_tell_ = false;
    bool is_path_to_tell_ = false;
    unsigned probes_due_ = 0;
    bool is_marking_ = false;            // the transmission under way carries ECT(0)
    std::optional<Instant> release_at_;  // pacing holds a datagram back until then

    std::optional<Instant> auth_proof_at_;
    Duration auth_proof_interval_{};
    Instant confirm_deadline_{};

    std::uint64_t rotation_bytes_ = 0;
    std::uint64_t rotation_frames_ = 0;
    Instant rotated_at_{};
    std::optional<Instant> wipe_previous_at_;

    std::optional<Instant> close_deadline_;
    std::vector<std::uint8_t> close_frame_;  // sealed; empty until the session closes
    bool is_close_due_ = false;
    bool is_drained_ = false;
    Route close_route_;
    std::uint64_t frames_while_closing_ = 0;

    SessionTrace trace_;
    Padding padding_;
    std::unique_ptr<CustomState> custom_;  // once a custom frame was sent or came

    // Of SessionScratch.
    FrameBatch& batch_;
    std::vector<OpeningJob>& opening_;
    std::vector<stc::UnfoldJob>& unfolding_;
    const std::set<std::uint64_t>& full_websockets_;
};

}  // namespace stt::connection
