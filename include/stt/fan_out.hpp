// The same messages to many receivers, each at its own pace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stt/message_stream.hpp>
#include <vector>

namespace stt {

enum class ReceiverId : std::uint64_t {};

// What may wait for one receiver, beside its stream's send buffer. When more comes, the oldest
// that waits is dropped for this receiver, and counted: who is slow misses messages, and never
// holds back others.
struct FanOutOptions {
    std::size_t waiting_count_max = 1'024;
    std::size_t waiting_size_max = 4u << 20;  // bytes
};

struct ReceiverStatistics {
    std::uint64_t messages_sent = 0;     // taken by its stream
    std::uint64_t messages_dropped = 0;  // it was behind, or they were too large for its stream
    std::size_t waiting = 0;
};

// A message waits in one buffer for all: memory is that of the messages, and a pointer for each
// receiver. Use it from the thread of its streams' node, and destroy it before the io_context.
// Receivers may be streams of different
// sessions and nodes, of any kind that carries messages.
class FanOut {
public:
    explicit FanOut(FanOutOptions options = {});
    // Gives up what waits; streams that were not finished are reset.
    ~FanOut();
    FanOut(FanOut&&) noexcept;
    FanOut& operator=(FanOut&&) noexcept;

    // Owns the stream from now on. A receiver leaves by itself when its stream fails.
    ReceiverId add(MessageStream stream);
    // Gives up what waits for it. Nothing when it has left.
    void remove(ReceiverId receiver);

    // To all, or to those of `receivers` that have not left; returns to how many.
    std::size_t send(std::vector<std::uint8_t> message);
    std::size_t send(std::vector<std::uint8_t> message, std::span<const ReceiverId> receivers);
    // Ends all streams after what waits; receivers leave when that was acknowledged.
    void finish();

    std::size_t receiver_count() const noexcept;
    // Null: it has left.
    std::optional<ReceiverStatistics> statistics(ReceiverId receiver) const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace stt
