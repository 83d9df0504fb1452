#include "core/connection/session_trace.hpp"

#include <algorithm>

#include "core/wire/control.hpp"

namespace stt::connection {
namespace {

trace::LossCause cause_of(recovery::LossCause cause) noexcept {
    switch (cause) {
        case recovery::LossCause::datagram_threshold:
            return trace::LossCause::datagram_threshold;
        case recovery::LossCause::time_threshold:
            return trace::LossCause::time_threshold;
        case recovery::LossCause::path_left:
            return trace::LossCause::path_left;
        case recovery::LossCause::evicted:
            return trace::LossCause::evicted;
        case recovery::LossCause::none:
            break;
    }
    return trace::LossCause::none;
}

std::string_view name_of(CloseCause cause) noexcept {
    switch (cause) {
        case CloseCause::local:
            return "application";
        case CloseCause::peer:
            return "peer";
        case CloseCause::violation:
            return "violation";
        case CloseCause::idle:
            return "idle_timeout";
        case CloseCause::lost:
            return "lost";
        case CloseCause::seed_removed:
            return "seed_removed";
        case CloseCause::unconfirmed:
            return "handshake_timeout";
    }
    return "unknown";
}

trace::FrameMoved moved(trace::Direction direction, const wire::FrameView& frame,
                        Bytes plaintext) noexcept {
    trace::FrameMoved event;
    event.direction = direction;
    event.type = frame.type;
    event.stream = frame.stream_id;
    event.flags = frame.flags;
    event.sequence = frame.sequence;
    event.epoch = frame.epoch;
    event.size = frame.size;
    event.payload_size = frame.payload.size();
    if (frame.type == wire::FrameType::control || frame.type == wire::FrameType::stream_control) {
        event.messages = plaintext;
    } else if (frame.type == wire::FrameType::data) {
        const auto data = wire::parse_data(plaintext, frame.flags);
        if (data) event.data = {data->use, data->offset, data->back, data->bytes.size()};
    }
    return event;
}

}  // namespace

trace::EcnState ecn_state_of(const recovery::EcnValidation& ecn) noexcept {
    if (ecn.has_failed()) return trace::EcnState::failed;
    return ecn.is_proven() ? trace::EcnState::capable : trace::EcnState::testing;
}

SessionTrace::SessionTrace(trace::Sink* sink, const wire::SessionId& session)
    : sink_(sink), session_(session) {
    if (is_on()) told_ = std::make_unique<Told>();
}

void SessionTrace::frames_sent(Instant now, const Route& to, MutableBytes datagram) const {
    if (!is_on()) return;
    while (!datagram.empty()) {
        const auto frame = wire::parse_frame(datagram);
        if (!frame) return;
        datagram = datagram.subspan(frame->size);
        if (frame->kind != wire::MetadataKind::session) {
            tell(now, trace::HandshakeMoved{trace::Direction::sent,
                                            trace::HandshakeMessage::auth_proof, to, frame->size});
            continue;
        }
        Bytes plaintext = frame->payload;
        if ((frame->flags & wire::flag::padded) != 0) {
            if (const auto stripped = wire::without_padding(plaintext)) plaintext = *stripped;
        }
        tell(now, moved(trace::Direction::sent, *frame, plaintext));
    }
}

void SessionTrace::datagram_sent(Instant now, const Transmit& transmit) const {
    if (!is_on()) return;
    for (std::size_t rest = transmit.size; rest > 0;) {
        const std::size_t size = std::min(rest, transmit.segment_size);
        rest -= size;
        tell(now, trace::DatagramMoved{trace::Direction::sent, transmit.to, size, transmit.ecn});
    }
}

void SessionTrace::frame_received(Instant now, const wire::FrameView& frame,
                                  Bytes plaintext) const {
    if (is_on()) tell(now, moved(trace::Direction::received, frame, plaintext));
}

void SessionTrace::frame_dropped(Instant now, wire::DropReason reason,
                                 const wire::FrameView* frame) const {
    if (!is_on()) return;
    trace::FrameDropped event{reason, 0, std::nullopt};
    if (frame != nullptr) {
        event.size = frame->size;
        event.claim = {frame->type, frame->stream_id, frame->sequence, frame->epoch};
    }
    tell(now, event);
}

void SessionTrace::frame_lost(Instant now, const recovery::SentFrame& frame) const {
    tell(now, trace::FrameLost{frame.cargo.type, frame.cargo.stream, frame.sequence, frame.size,
                               cause_of(frame.loss_cause), frame.is_mtu_probe});
}

void SessionTrace::stream_changed(Instant now, trace::StreamChanged::Stage stage, bool is_local,
                                  stream::StreamKey key) const {
    tell(now, trace::StreamChanged{stage, is_local, key.id, key.use, std::nullopt});
}

void SessionTrace::closed(Instant now, const Closed& closed) const {
    tell(now, trace::SessionEnded{name_of(closed.cause), closed.cause != CloseCause::peer,
                                  closed.code, closed.reason});
}

void SessionTrace::update(Instant now, const recovery::PathRecovery& path,
                          trace::SessionStage stage) {
    if (!is_on()) return;
    if (stage != told_->stage) {
        tell(now, trace::SessionStateChanged{std::exchange(told_->stage, stage), stage});
    }
    if (const auto state = path.controller().state(); state != told_->congestion) {
        tell(now, trace::CongestionStateChanged{std::exchange(told_->congestion, state), state});
    }
    if (const auto ecn = ecn_state_of(path.ecn()); ecn != told_->ecn) {
        tell(now, trace::EcnStateChanged{std::exchange(told_->ecn, ecn), ecn});
    }
    if (const std::size_t mtu = path.mtu().current(); mtu != told_->mtu) {
        tell(now, trace::MtuChanged{std::exchange(told_->mtu, mtu), mtu});
    }
    const trace::MetricsUpdated metrics{path.rtt().minimum(),       path.rtt().smoothed(),
                                        path.rtt().latest(),        path.rtt().variation(),
                                        path.controller().window(), path.bytes_in_flight(),
                                        path.pacing_rate(),         path.probe_timeouts()};
    if (metrics == told_->metrics) return;
    told_->metrics = metrics;
    tell(now, metrics);
}

}  // namespace stt::connection
