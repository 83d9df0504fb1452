#include "core/connection/connection.hpp"

#include <algorithm>
#include <cstring>

#include "base/earliest.hpp"
#include "codec/writer.hpp"
#include "core/connection/control_item.hpp"

namespace stt::connection {
namespace {

// PINGs of the application that may wait for their PONG. Chosen: a handful is what a
// measurement needs, and each takes 40 bytes.
constexpr std::size_t ping_count_max = 16;

recovery::PathConfig path_config(const ConnectionConfig& config) {
    recovery::PathConfig path;
    path.algorithm = config.congestion;
    path.datagram_size_ceiling = config.datagram_size_max;
    path.message_size_ceiling =
        config.padding == PaddingPolicy::none ? websocket_datagram_size : padded_datagram_size;
    return path;
}

stream::StreamsConfig streams_config(const ConnectionConfig& config, session::Role role,
                                     BufferPool& buffers) {
    stream::StreamsConfig streams;
    streams.is_initiator = role == session::Role::initiator;
    streams.stream_window_max = config.stream_window_max;
    streams.session_window_max = config.session_window_max;
    streams.send_buffer_max = config.send_buffer_max;
    streams.message_size_max = config.message_size_max;
    streams.peer_stream_limit = config.peer_stream_limit;
    streams.buffers = &buffers;
    return streams;
}

}  // namespace

Connection::Connection(const ConnectionConfig& config, SessionScratch& scratch,
                       ConnectionSetup setup, stc::Key&& session_key, Instant now,
                       stc::RandomSource& random)
    : config_(config),
      role_(setup.role),
      session_id_(setup.session_id),
      peer_node_id_(setup.peer_node_id),
      auth_proof_(std::move(setup.auth_proof)),
      random_(&random),
      keys_(std::move(session_key), setup.role, setup.session_id),
      loss_(&scratch.loss, &scratch.buffers),
      paths_(loss_, path_config(config),
             {setup.peer, setup.is_path_validated, setup.bytes_received, setup.bytes_sent}, now),
      streams_(streams_config(config, setup.role, scratch.buffers)),
      liveness_(config, now),
      now_(now),
      last_sent_(now),
      items_pending_(control_item::observed_address),
      rotated_at_(now),
      trace_(config.trace, setup.session_id),
      padding_(config.padding),
      batch_(scratch.batch),
      opening_(scratch.opening),
      unfolding_(scratch.unfolding),
      full_websockets_(scratch.full_websockets) {
    if (setup.round_trip) path_state().on_round_trip(now, *setup.round_trip);
    acks_.set_round_trip(round_trip());
    acks_.set_acks_are_padded(padding_.is_on());
    if (setup.candidate) {
        paths_.add_candidate(now, *setup.candidate, {setup.candidate_bytes_received, 0, true});
    }
    draw_skip();
    if (setup.role == session::Role::responder) {
        is_confirmed_ = true;
    } else {
        auth_proof_at_ = now;
        auth_proof_interval_ = config_.handshake_resend_first;
        confirm_deadline_ = now + config_.handshake_timeout;
    }
    if (!trace_.is_on()) return;
    trace_.tell(now, trace::SessionStarted{setup.role == session::Role::initiator, setup.peer,
                                           setup.peer_node_id});
    trace::ParametersSet parameters{true,
                                    stream::stream_credit_initial,
                                    stream::session_credit_initial,
                                    stream::stream_limit_initial,
                                    config_.idle_timeout,
                                    config_.datagram_size_max,
                                    path().controller().name()};
    trace_.tell(now, parameters);
    parameters.is_local = false;
    trace_.tell(now, parameters);
    update_trace(now);
}

void Connection::tell_key(trace::Direction direction, trace::KeyChanged::Stage stage,
                          std::uint64_t epoch) {
    const bool is_own = direction == trace::Direction::sent;
    const bool is_from_initiator = is_own == (role_ == session::Role::initiator);
    trace_.tell(now_, trace::KeyChanged{direction, is_from_initiator, stage, epoch});
}

void Connection::tell_end(Closed closed) {
    trace_.closed(now_, closed);
    events_.push_back(std::move(closed));
}

void Connection::update_trace(Instant now) {
    static_assert(
        static_cast<int>(SessionState::active) == static_cast<int>(trace::SessionStage::active) &&
        static_cast<int>(SessionState::closed) == static_cast<int>(trace::SessionStage::closed));
    if (trace_.is_on()) trace_.update(now, path(), static_cast<trace::SessionStage>(state()));
}

void Connection::check_time(Instant now) {
    STT_CHECK(now >= now_);
    now_ = now;
}

Result<stream::StreamKey, stream::OpenError> Connection::open_stream(
    const stream::OpenOptions& options) {
    STT_TRY(const stream::StreamKey key, streams_.open(options));
    trace_.stream_changed(now_, trace::StreamChanged::Stage::opened, true, key);
    return key;
}

Result<stream::StreamKey, stream::OpenError> Connection::open_stream(std::string_view endpoint) {
    stream::OpenOptions options;
    options.endpoint = endpoint;
    return open_stream(options);
}

Result<std::size_t, stream::WriteError> Connection::write(stream::StreamKey key, Bytes data) {
    return streams_.write(key, data);
}

Result<stream::ReadOutcome, stream::ReadError> Connection::read(Instant now, stream::StreamKey key,
                                                                MutableBytes output) {
    return streams_.read(now, round_trip(), key, output);
}

Result<void, stream::SendError> Connection::send_message(Instant now, stream::StreamKey key,
                                                         Bytes message,
                                                         std::optional<Duration> deadline) {
    check_time(now);
    streams_.set_payload_room(data_payload_room());
    return streams_.send_message(now, key, message, deadline);
}

Result<stream::MessageOutcome, stream::ReadError> Connection::receive_message(
    Instant now, stream::StreamKey key, std::vector<std::uint8_t>& output) {
    return streams_.receive_message(now, round_trip(), key, output);
}

void Connection::finish(stream::StreamKey key) {
    streams_.finish(key);
}

void Connection::reset(stream::StreamKey key, std::uint64_t code) {
    streams_.reset(key, code);
    trace_.stream_changed(now_, trace::StreamChanged::Stage::reset, true, key);
}

void Connection::stop(Instant now, stream::StreamKey key, std::uint64_t code) {
    streams_.stop(now, round_trip(), key, code);
    trace_.stream_changed(now, trace::StreamChanged::Stage::stopped, true, key);
}

void Connection::refuse(Instant now, stream::StreamKey key) {
    streams_.refuse(now, round_trip(), key);
}

bool Connection::set_priority(stream::StreamKey key, std::uint8_t priority) {
    return streams_.set_priority(key, priority);
}

void Connection::release(Instant now, stream::StreamKey key) {
    streams_.release(now, round_trip(), key);
}

Result<void, stream::WriteError> Connection::wait_acknowledged(stream::StreamKey key) {
    return streams_.wait_acknowledged(key);
}

std::optional<std::uint64_t> Connection::ping(Instant now) {
    check_time(now);
    if (phase_ != Phase::active || pings_.size() >= ping_count_max) return std::nullopt;
    OutstandingPing ping{++ping_count_, {}, std::nullopt};
    random_->fill(ping.token);
    pings_.push_back(ping);
    return ping_count_;
}

SessionState Connection::state() const noexcept {
    switch (phase_) {
        case Phase::active:
            return keys_.send.is_rotating() ? SessionState::key_rotating : SessionState::active;
        case Phase::closed:
            return SessionState::closed;
        default:
            return SessionState::closing;
    }
}

Connection::Totals& Connection::Totals::operator+=(const Totals& other) noexcept {
    frames_sent += other.frames_sent;
    frames_received += other.frames_received;
    frames_lost += other.frames_lost;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    datagrams_sent += other.datagrams_sent;
    datagrams_received += other.datagrams_received;
    bytes_lost += other.bytes_lost;
    losses_spurious += other.losses_spurious;
    frames_retransmitted += other.frames_retransmitted;
    bytes_retransmitted += other.bytes_retransmitted;
    acks_sent += other.acks_sent;
    acks_received += other.acks_received;
    probe_timeouts += other.probe_timeouts;
    return *this;
}

void Connection::close(Instant now, std::uint64_t code, std::string_view reason, CloseCause cause) {
    check_time(now);
    if (phase_ != Phase::active) return;
    begin_closing(now, cause, code, reason);
}

void Connection::fail(Instant now, const wire::Violation& violation) {
    if (phase_ != Phase::active) return;
    begin_closing(now, CloseCause::violation, static_cast<std::uint64_t>(violation.code),
                  violation.text);
}

// Spec protocol §12.3.
void Connection::begin_closing(Instant now, CloseCause cause, std::uint64_t code,
                               std::string_view reason) {
    std::size_t size = std::min(reason.size(), wire::text_size_max);
    // Not through the middle of a character: a reason is UTF-8.
    while (size < reason.size() && size > 0 && (reason[size] & 0xc0) == 0x80) --size;
    const std::string_view text = reason.substr(0, size);
    seal_close(now, code, text);
    phase_ = Phase::closing;
    is_close_due_ = true;
    close_route_ = route();
    close_deadline_ = now + three_probe_timeouts();
    tell_end(Closed{cause, code, std::string(text)});
    update_trace(now);
}

void Connection::handle_session_close(Instant now, const wire::SessionClose& message) {
    if (phase_ != Phase::active) return;
    // One back, so that the peer need not wait for more; then nothing.
    seal_close(now, static_cast<std::uint64_t>(ErrorCode::none), {});
    phase_ = Phase::draining;
    is_close_due_ = true;
    close_route_ = route();
    close_deadline_ = now + three_probe_timeouts();
    tell_end(Closed{CloseCause::peer, message.code, std::string(text_of(message.reason))});
}

void Connection::end(CloseCause cause, std::uint64_t code, std::string_view reason) {
    phase_ = Phase::closed;
    tell_end(Closed{cause, code, std::string(reason)});
}

void Connection::handle_confirmed(Instant now) {
    check_time(now);
    if (std::exchange(is_confirmed_, true)) return;
    auth_proof_at_.reset();
    auth_proof_ = {};
    if (phase_ == Phase::active) events_.push_back(Confirmed{});
}

void Connection::handle_timeout(Instant now) {
    const std::optional<Instant> expected = poll_timeout();
    check_time(now);
    apply_timeout(now, expected);
    update_trace(now);
}

void Connection::apply_timeout(Instant now, const std::optional<Instant>& expected) {
    if (phase_ == Phase::closed) return;
    if (phase_ != Phase::active) {
        if (now >= *close_deadline_) phase_ = Phase::closed;
        return;
    }
    if (expected && now > *expected + sleep_min) wake(now);
    if (!is_confirmed_ && now >= confirm_deadline_) {
        return end(CloseCause::unconfirmed, static_cast<std::uint64_t>(ErrorCode::timeout),
                   "the peer never confirmed the session");
    }
    if (!handle_silence(now)) return;
    if (wipe_previous_at_ && now >= *wipe_previous_at_) {
        keys_.receive.wipe_previous();
        tell_key(trace::Direction::received, trace::KeyChanged::Stage::wiped,
                 keys_.receive.epoch() - 1);
        wipe_previous_at_.reset();
    }
    paths_.on_timeout(now);
    ask_again_if_unanswered(now);
    handle_loss_timeout(now);
    streams_.handle_timeout(now);
    const bool is_quiet = now >= last_sent_ + config_.keep_alive;
    if (is_quiet && streams_.open_count() > 0) is_ping_pending_ = true;
}

// False: the session has ended.
bool Connection::handle_silence(Instant now) {
    const Liveness::Outcome outcome =
        liveness_.on_timeout(now, three_probe_timeouts(), streams_.open_count() > 0);
    if (outcome.has_become_silent) events_.push_back(Silent{*liveness_.unanswered_since()});
    if (outcome.has_become_unreachable) {
        events_.push_back(Unreachable{*liveness_.unanswered_since()});
        tell_path(now, route(), trace::PathChanged::Stage::unreachable);
    }
    if (outcome.is_probe_due) probes_due_ = std::max(probes_due_, 1u);
    if (outcome.end == Liveness::End::none) return true;
    const bool is_lost = outcome.end == Liveness::End::lost;
    end(is_lost ? CloseCause::lost : CloseCause::idle,
        static_cast<std::uint64_t>(ErrorCode::timeout), "nothing was heard from the peer");
    return false;
}

// Silence while nobody listened says nothing: ask first, then judge.
void Connection::wake(Instant now) {
    liveness_.on_woken(now, three_probe_timeouts());
    probes_due_ = std::max(probes_due_, 1u);
    if (is_confirmed_) return;
    auth_proof_at_ = now;
    auth_proof_interval_ = config_.handshake_resend_first;
    confirm_deadline_ = std::max(confirm_deadline_, now + config_.unreachable_after);
}

// One PING of the application is under way at a time: a peer answers the newest and may drop
// the others (Spec protocol §11.2). PING is not resent (§8.2), but who asked still waits: when
// nothing came back, a new one goes out.
void Connection::ask_again_if_unanswered(Instant now) {
    if (pings_.empty() || !pings_.front().sent_at) return;
    OutstandingPing& ping = pings_.front();
    if (now < *ping.sent_at + three_probe_timeouts()) return;
    random_->fill(ping.token);
    ping.sent_at.reset();
}

void Connection::handle_loss_timeout(Instant now) {
    const auto deadline = loss_.deadline();
    if (!deadline || now < *deadline) return;
    const recovery::TimeoutOutcome outcome = loss_.on_timeout(now);
    for (const recovery::SentFrame& frame : outcome.lost) on_frame_lost(frame);
    for (const recovery::SentFrame& frame : outcome.oldest) repeat(frame);
    if (outcome.probes > 0) {
        ++totals_.probe_timeouts;
        trace_.tell(now, trace::ProbeTimedOut{path().probe_timeouts()});
    }
    // A peer that is unreachable is asked at its own pace: see Liveness.
    if (!liveness_.is_unreachable()) probes_due_ = std::max(probes_due_, outcome.probes);
}

// What the peer did; what this side does is told where it is done.
void Connection::tell_stream(const stream::StreamEvent& event) {
    if (!trace_.is_on()) return;
    using Kind = stream::StreamEvent::Kind;
    const auto tell = [&](trace::StreamChanged::Stage stage, std::optional<std::uint64_t> code) {
        trace_.tell(now_, trace::StreamChanged{stage, false, event.key.id, event.key.use, code});
    };
    if (event.kind == Kind::opened) tell(trace::StreamChanged::Stage::opened, std::nullopt);
    if (event.kind == Kind::reset) tell(trace::StreamChanged::Stage::reset, event.code);
    if (event.kind == Kind::stopped) tell(trace::StreamChanged::Stage::stopped, event.code);
}

// What happened to streams comes before the end of the session.
std::optional<Event> Connection::poll_event() {
    if (const auto event = streams_.poll_event()) {
        tell_stream(*event);
        return *event;
    }
    if (std::exchange(is_path_to_tell_, false)) return PathTaken{route()};
    if (std::exchange(is_observed_to_tell_, false)) return AddressObserved{*observed_};
    if (events_.empty()) return std::nullopt;
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

std::optional<Instant> Connection::poll_timeout() const {
    if (phase_ == Phase::closed) return std::nullopt;
    if (phase_ != Phase::active) return close_deadline_;
    std::optional<Instant> earliest =
        liveness_.deadline(three_probe_timeouts(), streams_.open_count() > 0);
    keep_earliest(earliest, loss_.deadline());
    keep_earliest(earliest, streams_.deadline());
    keep_earliest(earliest, paths_.deadline());
    if (!is_blocked()) {
        keep_earliest(earliest, acks_.deadline());
        keep_earliest(earliest, release_at_);
        keep_earliest(earliest, auth_proof_at_);
    }
    keep_earliest(earliest, wipe_previous_at_);
    if (!pings_.empty() && pings_.front().sent_at) {
        keep_earliest(earliest, *pings_.front().sent_at + three_probe_timeouts());
    }
    if (is_confirmed_) {
        // One that has passed waits for room in the window, and a timer would not make any.
        const auto mtu_deadline = path().mtu().deadline();
        if (mtu_deadline && *mtu_deadline > now_) keep_earliest(earliest, mtu_deadline);
        if (!keys_.send.is_rotating()) {
            keep_earliest(earliest, rotated_at_ + config_.rotation_time);
        }
    } else {
        keep_earliest(earliest, confirm_deadline_);
    }
    if (streams_.open_count() > 0 && !is_ping_pending_) {
        keep_earliest(earliest, last_sent_ + config_.keep_alive);
    }
    return earliest;
}

}  // namespace stt::connection
