// Room to work in that no session keeps between two calls.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "base/buffer_pool.hpp"
#include "core/connection/frame_batch.hpp"
#include "core/recovery/ecn.hpp"
#include "core/recovery/loss.hpp"
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

// Storage that is kept for later. Chosen: the windows of a few streams at their largest, and for
// each session as much again as it takes itself. Where thousands of streams wait for what was lost,
// each holds a burst, and one that the allocator had to get anew costs more than to receive it: so
// more is lost, and more waits.
constexpr std::size_t buffer_pool_size_max(std::size_t sessions) noexcept {
    return (std::size_t{8} << 20) + sessions * (std::size_t{8} << 10);
}

// What a session needs while it handles a batch of frames or writes one, and forgets before
// the call returns; and the storage of streams that hold nothing for now. All sessions of a node
// share one: ten thousand idle ones would otherwise hold the storage of ten thousand bursts. About
// 100 KiB after a full burst each way.
struct SessionScratch {
    FrameBatch batch;
    BufferPool buffers{buffer_pool_size_max(0)};
    recovery::LossScratch loss;
    std::vector<OpeningJob> opening;
    std::vector<stc::UnfoldJob> unfolding;

    // What all sessions of a node know: WebSockets that take no more for now.
    std::set<std::uint64_t> full_websockets;
};

}  // namespace stt::connection
