#pragma once

#include "core/trace/event.hpp"
#include "core/trace/json_record.hpp"

namespace stt::trace {

// What of a frame's content may be written beside kinds, places and sizes.
struct Disclosure {
    bool has_peers = false;
    bool has_texts = false;
};

// The items of qlog's `frames`: what an STT frame holds, one item for each message. Messages that
// mean what a QUIC frame means have its name, the others begin with "stt_".
void write_frames(JsonRecord& json, const FrameMoved& frame, const Disclosure& disclosure) noexcept;

}  // namespace stt::trace
