// What a session tells whoever watches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stt/bytes.hpp>
#include <stt/time.hpp>
#include <utility>

#include "base/route.hpp"
#include "core/connection/events.hpp"
#include "core/recovery/path_recovery.hpp"
#include "core/recovery/sent_log.hpp"
#include "core/stream/stream_key.hpp"
#include "core/trace/event.hpp"
#include "core/wire/frame.hpp"

namespace stt::connection {

trace::EcnState ecn_state_of(const recovery::EcnValidation& ecn) noexcept;

// Without a sink every call is one branch, and nothing is kept. With one, what was told last, so
// that only changes are told.
class SessionTrace {
public:
    // `sink` may be null.
    SessionTrace(trace::Sink* sink, const wire::SessionId& session);

    bool is_on() const noexcept { return sink_ != nullptr; }
    template <class Event>
    void tell(Instant now, Event&& event) const {
        if (is_on()) sink_->on_event({now, session_, std::forward<Event>(event)});
    }

    // Frames of a datagram that are not sealed yet, and AUTH_PROOF, which is.
    void frames_sent(Instant now, const Route& to, MutableBytes datagram) const;
    void datagram_sent(Instant now, const Transmit& transmit) const;
    void frame_received(Instant now, const wire::FrameView& frame, Bytes plaintext) const;
    void frame_dropped(Instant now, wire::DropReason reason, const wire::FrameView* frame) const;
    void frame_lost(Instant now, const recovery::SentFrame& frame) const;
    void stream_changed(Instant now, trace::StreamChanged::Stage stage, bool is_local,
                        stream::StreamKey key) const;
    void closed(Instant now, const Closed& closed) const;
    // Tells what changed since the last call.
    void update(Instant now, const recovery::PathRecovery& path, trace::SessionStage stage);

private:
    struct Told {
        trace::MetricsUpdated metrics;
        std::string_view congestion;
        trace::EcnState ecn = trace::EcnState::testing;
        std::size_t mtu = 0;
        trace::SessionStage stage = trace::SessionStage::handshake;
    };

    trace::Sink* sink_;
    wire::SessionId session_;
    std::unique_ptr<Told> told_;
};

}  // namespace stt::connection
