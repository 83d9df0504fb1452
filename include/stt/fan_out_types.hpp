// What is said about fan-outs: how they treat who is slow, and how each receiver does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stt {

enum class ReceiverId : std::uint64_t {};

enum class FanOutContent : std::uint8_t { bytes, messages };

// What becomes of a receiver that is so far behind that the buffer has no room for what is new.
enum class LaggardPolicy : std::uint8_t {
    wait,  // the writer waits for it: nobody misses anything, and the slowest sets the pace
    drop,  // its stream is reset, and it leaves
    skip,  // it misses the oldest messages that wait for it, and they are counted: messages only
};

struct FanOutOptions {
    // Bytes held for all receivers together, beside what each stream has in its own send buffer;
    // at least 1. A message counts as 64 more than it has, and one to chosen receivers as 8 more
    // for each of them.
    std::size_t buffer_size_max = std::size_t{4} << 20;
    LaggardPolicy laggards = LaggardPolicy::wait;
    // Of the RESET of who is dropped: "timeout". Spec protocol §8.4.
    std::uint64_t drop_code = 8;
};

struct ReceiverStatistics {
    std::uint64_t bytes_sent = 0;  // taken by its stream
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_dropped = 0;  // it was behind, or they were too large for its stream
    std::size_t waiting_size = 0;        // bytes for it that its stream has yet to take
};

}  // namespace stt
