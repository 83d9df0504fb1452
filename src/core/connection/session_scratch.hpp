// Room to work in that no session keeps between two calls.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "core/connection/frame_batch.hpp"
#include "core/recovery/ecn.hpp"
#include "core/session/keys.hpp"
#include "core/wire/frame.hpp"
#include "stc/dsf.hpp"

namespace stt::connection {

// A frame of a session as it came, not yet opened.
struct ReceivedFrame {
    wire::FrameView view;
    bool begins_datagram = false;  // the first session frame of its datagram
    recovery::EcnMark ecn = recovery::EcnMark::not_ect;
};

struct OpeningJob {
    const ReceivedFrame* frame;
    session::OpeningKey key;
    bool is_newest = false;  // it has the highest Sequence so far; set when it has opened
};

// What a session needs while it handles a batch of frames or writes one, and forgets before
// the call returns. All sessions of a node share one: ten thousand idle ones would otherwise
// hold the storage of ten thousand bursts. About 100 KiB after a full burst each way.
struct SessionScratch {
    FrameBatch batch;
    std::vector<OpeningJob> opening;
    std::vector<stc::UnfoldJob> unfolding;

    // What all sessions of a node know: WebSockets that take no more for now.
    std::set<std::uint64_t> full_websockets;
};

}  // namespace stt::connection
