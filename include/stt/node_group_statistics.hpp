// What the threads of a node group count.
#pragma once

#include <cstdint>
#include <vector>

namespace stt {

struct NodeGroupStatistics {
    struct Thread {
        std::uint64_t sessions = 0;  // that peers began: now
        std::uint64_t sessions_accepted = 0;
        // Frames that had come to another thread than their session's, by the datagram or the
        // message in which they came; and messages for WebSockets of another thread.
        std::uint64_t datagrams_forwarded = 0;
        std::uint64_t messages_forwarded = 0;
        std::uint64_t drops_full = 0;  // of both, where another thread was too far behind
    };
    std::vector<Thread> threads;
};

}  // namespace stt
