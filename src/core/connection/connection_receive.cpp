// What the peer's frames do to a session. Spec protocol §5.2, §6, §8, §10.
#include <algorithm>

#include "core/connection/connection.hpp"
#include "core/connection/control_item.hpp"

namespace stt::connection {
namespace {

// Frames unfolded side by side. Chosen: a coalesced receive brings up to 64 datagrams.
constexpr std::size_t opening_count_max = 64;
bool is_acknowledged_alone(const wire::ControlMessage& message) {
    return std::holds_alternative<wire::Ack>(message) ||
           std::holds_alternative<wire::Padding>(message) ||
           std::holds_alternative<wire::SessionClose>(message);
}

// Custom frames are no more than counted: they are never resent.
bool is_of_streams(const recovery::Cargo& cargo) noexcept {
    return cargo.type == wire::FrameType::data || cargo.type == wire::FrameType::stream_control;
}

// How many frames from the first on are neighbours of one stream, and so one range to it; at least
// one.
std::size_t range_count(std::span<const recovery::SentFrame> frames) noexcept {
    std::size_t count = 1;
    for (; count < frames.size(); ++count) {
        const recovery::SentFrame& last = frames[count - 1];
        const recovery::SentFrame& next = frames[count];
        const bool is_of_one_stream =
            last.cargo.type == wire::FrameType::data && next.cargo.type == wire::FrameType::data &&
            last.cargo.stream == next.cargo.stream && last.cargo.use == next.cargo.use;
        const bool is_adjacent = last.cargo.offset + last.cargo.size == next.cargo.offset;
        // An end alone, or what came late, is told by itself.
        const bool is_plain =
            last.cargo.size > 0 && next.cargo.size > 0 && !last.was_lost && !next.was_lost;
        if (!is_of_one_stream || !is_adjacent || !is_plain) break;
    }
    return count;
}

recovery::Cargo range_of(std::span<const recovery::SentFrame> frames) noexcept {
    recovery::Cargo cargo = frames.front().cargo;
    const recovery::Cargo& last = frames.back().cargo;
    cargo.size = static_cast<std::uint32_t>(last.offset + last.size - cargo.offset);
    cargo.is_end = last.is_end;
    return cargo;
}
static_assert(recovery::sent_frames_max * wire::payload_size_max <= UINT32_MAX);

}  // namespace

bool Connection::may_move(const wire::ControlMessage& message) noexcept {
    return !(std::holds_alternative<wire::Ack>(message) ||
             std::holds_alternative<wire::Padding>(message) ||
             std::holds_alternative<wire::PathChallenge>(message) ||
             std::holds_alternative<wire::PathResponse>(message));
}

bool Connection::handle_frames(Instant now, const Route& from,
                               std::span<const ReceivedFrame> frames) {
    check_time(now);
    const std::uint64_t received_before = totals_.frames_received;
    if (phase_ == Phase::closed) return false;
    for (const ReceivedFrame& frame : frames) {
        const wire::FrameView& view = frame.view;
        if (const auto checked = window_.check(view.sequence); !checked) {
            drop(checked.error(), &view);
            continue;
        }
        auto key = keys_.receive.opening_key(view.epoch, view.stream_id);
        if (!key && !opening_.empty()) {
            // What was collected may announce the epoch that this frame is of.
            open_batch(now, from);
            key = keys_.receive.opening_key(view.epoch, view.stream_id);
        }
        if (!key) {
            drop(key.error(), &view);
            continue;
        }
        opening_.push_back({&frame, *std::move(key)});
        if (opening_.size() == opening_count_max) open_batch(now, from);
    }
    open_batch(now, from);
    if (phase_ == Phase::active) acks_.set_round_trip(round_trip());
    update_trace(now);
    return totals_.frames_received > received_before;
}

void Connection::open_batch(Instant now, const Route& from) {
    unfolding_.clear();
    for (const OpeningJob& job : opening_) {
        const wire::FrameView& view = job.frame->view;
        unfolding_.push_back(
            {job.key.get(), {view.header, view.metadata_head}, view.payload, view.tag, false});
    }
    stc::unfold_many(unfolding_);
    for (std::size_t i = 0; i < opening_.size(); ++i) {
        const wire::FrameView& view = opening_[i].frame->view;
        if (!unfolding_[i].is_opened) {
            drop(wire::DropReason::not_authentic, &view);
            unfolding_[i].key = nullptr;
            continue;
        }
        const auto highest = window_.highest();
        opening_[i].is_newest = !highest || view.sequence > *highest;
        // Again: an earlier frame of this batch may have had the same Sequence.
        if (const auto accepted = window_.accept(view.sequence); !accepted) {
            drop(accepted.error(), &view);
            unfolding_[i].is_opened = false;
            continue;
        }
        keys_.receive.confirm(view.epoch, view.stream_id, std::move(opening_[i].key));
    }
    bool is_datagram_counted = false;
    for (std::size_t i = 0; i < opening_.size() && phase_ != Phase::closed; ++i) {
        if (opening_[i].frame->begins_datagram) is_datagram_counted = false;
        if (unfolding_[i].is_opened) {
            handle_opened(now, from, opening_[i], is_datagram_counted);
        }
    }
    opening_.clear();
    for (const std::uint16_t id : streams_.take_closed_ids()) {
        keys_.receive.forget(id);
        keys_.send.forget(id);
        trace_.tell(now, trace::StreamChanged{trace::StreamChanged::Stage::closed, true, id,
                                              std::nullopt, std::nullopt});
    }
}

void Connection::handle_opened(Instant now, const Route& from, const OpeningJob& job,
                               bool& is_datagram_counted) {
    const ReceivedFrame& received = *job.frame;
    const wire::FrameView& frame = received.view;
    if (liveness_.on_received(now) && phase_ == Phase::active) {
        events_.push_back(Reachable{});
        tell_path(now, route(), trace::PathChanged::Stage::reachable);
        // What waited for a distant probe timeout of its own is asked about now.
        probes_due_ = std::max(probes_due_, 1u);
    }
    ++totals_.frames_received;
    totals_.bytes_received += frame.size;
    receive_rate_.add(now, frame.size);
    if (!is_datagram_counted) ++totals_.datagrams_received;
    grow_window(now);
    if (keys_.receive.frame_opened(frame.epoch)) {
        wipe_previous_at_ = now + three_probe_timeouts();
        tell_key(trace::Direction::received, trace::KeyChanged::Stage::switched, frame.epoch);
    }
    // Whoever seals under the session's keys has confirmed it. Spec protocol §4.3.
    if (!is_confirmed_) handle_confirmed(now);
    if (!is_datagram_counted && phase_ == Phase::active) acks_.on_datagram(now);
    is_datagram_counted = true;

    Bytes plaintext = frame.payload;
    if ((frame.flags & wire::flag::padded) != 0) {
        const auto stripped = wire::without_padding(plaintext);
        if (!stripped) return fail(now, stripped.error());
        plaintext = *stripped;
    }
    trace_.frame_received(now, frame, plaintext);
    if (phase_ != Phase::active) return handle_while_closing(from, frame, plaintext);

    Effect effect;
    const auto taken = handle_plaintext(now, from, frame, plaintext, effect);
    if (!taken) return fail(now, taken.error());
    follow_frame(now, from, {frame.size, frame.sequence, job.is_newest && effect.is_moving});
    if (*taken == stream::Taken::no) {
        return drop(wire::DropReason::data_beyond_initial_credit, &frame);
    }
    acks_.on_received(now, frame.sequence, effect.elicits_ack, received.ecn);
}

// Spec protocol §12.3: the same bytes again on the 1st, 2nd, 4th, 8th … frame that holds
// no SESSION_CLOSE; a peer that has closed itself is told nothing more.
void Connection::handle_while_closing(const Route& from, const wire::FrameView& frame,
                                      Bytes plaintext) {
    if (phase_ != Phase::closing) return;
    if (frame.type == wire::FrameType::control) {
        auto messages = wire::ControlMessages::parse(plaintext);
        if (!messages) return;
        while (const auto message = messages->next()) {
            if (std::holds_alternative<wire::SessionClose>(*message)) {
                phase_ = Phase::draining;
                return;
            }
        }
    }
    ++frames_while_closing_;
    if ((frames_while_closing_ & (frames_while_closing_ - 1)) == 0) is_close_due_ = true;
    // A peer that has moved hears it there, as far as its own frame pays for it.
    const bool is_paid = close_frame_.size() <= amplification_max * frame.size;
    close_route_ = is_paid ? from : route();
}

// Spec protocol §6: the window grows with the rate to two round trips.
void Connection::grow_window(Instant now) {
    ++window_frames_;
    if (now - window_interval_start_ < 2 * round_trip()) return;
    window_.set_size(
        static_cast<std::size_t>(std::min<std::uint64_t>(2 * window_frames_, SIZE_MAX)));
    window_interval_start_ = now;
    window_frames_ = 0;
}

Result<stream::Taken, wire::Violation> Connection::handle_plaintext(Instant now, const Route& from,
                                                                    const wire::FrameView& frame,
                                                                    Bytes plaintext,
                                                                    Effect& effect) {
    switch (frame.type) {
        case wire::FrameType::data: {
            STT_TRY(const wire::DataView data, wire::parse_data(plaintext, frame.flags));
            liveness_.on_data_received();
            return streams_.handle_data(now, round_trip(), frame.stream_id, frame.flags, data);
        }
        case wire::FrameType::stream_control: {
            STT_TRY(const auto messages, wire::StreamControlMessages::parse(plaintext));
            return streams_.handle_stream_control(now, round_trip(), frame.stream_id, messages);
        }
        case wire::FrameType::control: {
            STT_TRY(const auto messages, wire::ControlMessages::parse(plaintext));
            STT_TRY_VOID(handle_control(now, from, frame, messages, effect));
            return stream::Taken::yes;
        }
        default:
            // Types that nobody asked for are acknowledged and ignored. Spec protocol §3.
            keep_custom(frame, plaintext);
            return stream::Taken::yes;
    }
}

Result<void, wire::Violation> Connection::handle_control(Instant now, const Route& from,
                                                         const wire::FrameView& frame,
                                                         wire::ControlMessages messages,
                                                         Effect& effect) {
    effect = {false, false};
    while (const auto message = messages.next()) {
        if (!is_acknowledged_alone(*message)) effect.elicits_ack = true;
        if (may_move(*message)) effect.is_moving = true;
        STT_TRY_VOID(apply(now, from, frame, *message));
    }
    return {};
}

Result<void, wire::Violation> Connection::apply(Instant now, const Route& from,
                                                const wire::FrameView& frame,
                                                const wire::ControlMessage& message) {
    if (const auto* ack = std::get_if<wire::Ack>(&message)) return handle_ack(now, *ack);
    // A frame may bring one question of each kind to a route that is no path.
    const std::size_t allowance = amplification_max * frame.size / 2;
    if (const auto* ping = std::get_if<wire::Ping>(&message)) {
        queue_answer({from, wire::Pong{ping->token}, allowance});
    } else if (const auto* challenge = std::get_if<wire::PathChallenge>(&message)) {
        queue_answer({from, wire::PathResponse{challenge->token}, allowance});
    } else if (const auto* response = std::get_if<wire::PathResponse>(&message)) {
        handle_path_response(now, from, response->token);
    } else if (const auto* observed = std::get_if<wire::ObservedAddress>(&message)) {
        handle_observed_address(*observed);
    } else if (const auto* pong = std::get_if<wire::Pong>(&message)) {
        handle_pong(now, pong->token);
    } else if (const auto* credit = std::get_if<wire::FlowCredit>(&message)) {
        streams_.handle_flow_credit(credit->limit);
    } else if (const auto* limit = std::get_if<wire::StreamLimit>(&message)) {
        streams_.handle_stream_limit(limit->limit);
    } else if (const auto* credits = std::get_if<wire::Credits>(&message)) {
        return streams_.handle_credits(*credits);
    } else if (const auto* rotation = std::get_if<wire::KeyRotation>(&message)) {
        STT_TRY(const session::AnnounceOutcome outcome, keys_.receive.announce(*rotation));
        // The announcement itself wiped the previous epoch.
        if (outcome == session::AnnounceOutcome::accepted) {
            wipe_previous_at_.reset();
            tell_key(trace::Direction::received, trace::KeyChanged::Stage::announced,
                     rotation->epoch);
        }
    } else if (const auto* close_message = std::get_if<wire::SessionClose>(&message)) {
        handle_session_close(now, *close_message);
    }
    return {};
}

void Connection::handle_pong(Instant now, const wire::Token& token) {
    const auto found = std::find_if(pings_.begin(), pings_.end(), [&](const OutstandingPing& ping) {
        return ping.sent_at && ping.token == token;
    });
    if (found == pings_.end()) return;
    events_.push_back(PongReceived{found->number, now - *found->sent_at});
    pings_.erase(found);
}

Result<void, wire::Violation> Connection::handle_ack(Instant now, const wire::Ack& ack) {
    ++totals_.acks_received;
    STT_TRY(const recovery::AckOutcome outcome, loss_.on_ack(now, ack));
    for (auto rest = outcome.acked; !rest.empty();) {
        const std::size_t count = range_count(rest);
        if (count > 1) {
            streams_.on_acknowledged(planned_of(range_of(rest.first(count))), count);
        } else {
            on_frame_acknowledged(now, rest.front());
        }
        rest = rest.subspan(count);
    }
    for (const recovery::SentFrame& frame : outcome.lost) on_frame_lost(frame);
    return {};
}

stream::Planned Connection::planned_of(const recovery::Cargo& cargo) noexcept {
    stream::Planned planned;
    planned.type = cargo.type;
    planned.key = {cargo.stream, cargo.use};
    planned.flags = cargo.is_end ? wire::flag::stream_end : std::uint8_t{0};
    planned.range = {cargo.offset, cargo.size, cargo.is_end};
    planned.items = cargo.items;
    return planned;
}

void Connection::on_frame_acknowledged(Instant now, const recovery::SentFrame& frame) {
    if (frame.was_lost) {
        ++totals_.losses_spurious;
        trace_.tell(now, trace::LossSpurious{frame.sequence});
    }
    const recovery::Cargo& cargo = frame.cargo;
    if (is_of_streams(cargo)) return streams_.on_acknowledged(planned_of(cargo));
    if ((cargo.items & control_item::ack) != 0) acks_.on_ack_acknowledged(cargo.value);
    if ((cargo.items & control_item::credits) != 0) streams_.on_credits_acknowledged(cargo.offset);
    // A copy that was taken for lost may be acknowledged when the next rotation is under way.
    const bool is_current = cargo.use == keys_.send.epoch() && keys_.send.is_rotating();
    if ((cargo.items & control_item::key_rotation) != 0 && is_current) {
        // Spec protocol §5.1: only now do frames go on under the new epoch.
        keys_.send.commit();
        tell_key(trace::Direction::sent, trace::KeyChanged::Stage::switched, keys_.send.epoch());
        items_pending_ &= ~control_item::key_rotation;
        rotation_bytes_ = 0;
        rotation_frames_ = 0;
        rotated_at_ = now;
    }
}

void Connection::on_frame_lost(const recovery::SentFrame& frame) {
    ++totals_.frames_lost;
    totals_.bytes_lost += frame.size;
    trace_.frame_lost(now_, frame);
    if (is_of_streams(frame.cargo)) return streams_.on_lost(planned_of(frame.cargo));
    repeat_control(frame.cargo);
}

// Not lost, but a probe shall carry it once more.
void Connection::repeat(const recovery::SentFrame& frame) {
    if (is_of_streams(frame.cargo)) return streams_.repeat(planned_of(frame.cargo));
    repeat_control(frame.cargo);
}

void Connection::repeat_control(const recovery::Cargo& cargo) {
    if ((cargo.items & control_item::flow_credit) != 0) streams_.resend_flow_credit();
    if ((cargo.items & control_item::credits) != 0) streams_.on_credits_lost(cargo.offset);
    if ((cargo.items & control_item::stream_limit) != 0) streams_.resend_stream_limit();
    const bool is_current = cargo.use == keys_.send.epoch() && keys_.send.is_rotating();
    if ((cargo.items & control_item::key_rotation) != 0 && is_current) {
        items_pending_ |= control_item::key_rotation;
    }
}

}  // namespace stt::connection
