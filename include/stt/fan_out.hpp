// The same bytes, or the same messages, to many receivers, each at its own pace.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/async_result.hpp>
#include <asio/buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stt/bytes.hpp>
#include <stt/completion.hpp>
#include <stt/fan_out_types.hpp>
#include <stt/message_stream.hpp>
#include <stt/stream.hpp>
#include <system_error>
#include <utility>

namespace stt {

namespace detail {
class FanOutBackend;
}

// What fan-outs have in common. All that some receiver has yet to take waits in one buffer, in
// order, whose bound is the back-pressure: each receiver goes on when its own stream has room, and
// LaggardPolicy says what becomes of one that is a whole buffer behind.
//
// Receivers are streams that were handed over, of any sessions and nodes of the same thread. One
// leaves by itself when its stream fails, was stopped by its peer, or is dropped; what it would
// read is not read. One write or send may be under way at a time.
//
// Use it from the thread that runs the nodes' io_context. It may be destroyed before or after
// nodes and sessions, and before the io_context. That gives up what waits: streams that were not
// finished are reset, and a write under way ends with asio::error::operation_aborted.
class FanOutHandle {
public:
    using executor_type = asio::any_io_executor;

    executor_type get_executor() const;

    // Gives up what waits for it, and its stream. Nothing when it has left.
    void remove(ReceiverId receiver);
    // Ends all streams after what waits; receivers leave when that was acknowledged. Writes then
    // end with Failure::stream_finished.
    void finish();

    std::size_t receiver_count() const noexcept;
    // Null: it has left.
    std::optional<ReceiverStatistics> statistics(ReceiverId receiver) const;

protected:
    FanOutHandle(executor_type executor, const FanOutOptions& options, FanOutContent content);
    ~FanOutHandle();
    FanOutHandle(FanOutHandle&&) noexcept;
    FanOutHandle& operator=(FanOutHandle&&) noexcept;

    ReceiverId add_stream(StreamHandle&& stream);

    // `receivers` of a message; null: all.
    template <class Token>
    auto start(Bytes data, std::optional<std::span<const ReceiverId>> receivers, Token& token) {
        return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
            [backend = backend_.get(), data, receivers](auto handler) {
                auto slot = asio::get_associated_cancellation_slot(handler);
                if (slot.is_connected()) {
                    slot.assign([backend](asio::cancellation_type) { cancel(*backend); });
                }
                write(*backend, data, receivers,
                      Completion<std::size_t>(std::move(handler), executor_of(*backend)));
            },
            token);
    }

private:
    static executor_type executor_of(const detail::FanOutBackend& backend);
    static void write(detail::FanOutBackend& backend, Bytes data,
                      std::optional<std::span<const ReceiverId>> receivers,
                      Completion<std::size_t> completion);
    static void cancel(detail::FanOutBackend& backend);

    std::shared_ptr<detail::FanOutBackend> backend_;
};

// Of bytes, to all who were added before they were written. It is an AsyncWriteStream, so
// asio::async_write works on it. A stream is one sequence of bytes, so there is no writing to some:
// take a FanOut for each set that is to read something else.
class FanOut : public FanOutHandle {
public:
    // The policy is to wait or to drop: of bytes, no one may miss some. Another breaks an
    // STT_CHECK.
    explicit FanOut(executor_type executor, const FanOutOptions& options = {})
        : FanOutHandle(std::move(executor), options, FanOutContent::bytes) {}

    // No write to it may be under way.
    ReceiverId add(Stream stream) { return add_stream(std::move(stream)); }

    // Completes when at least one byte went into the buffer; at once unless the policy is to wait.
    template <class ConstBufferSequence, class Token>
    auto async_write_some(const ConstBufferSequence& buffers, Token&& token) {
        const auto buffer = detail::first_of<asio::const_buffer>(buffers);
        const Bytes data(static_cast<const std::uint8_t*>(buffer.data()), buffer.size());
        return start(data, std::nullopt, token);
    }
};

// Of messages, to all or to a chosen set: sets may overlap, and change with every message. There is
// one buffer for all sets, so with the policy to wait, a message to some waits also for others that
// are a whole buffer behind.
class MessageFanOut : public FanOutHandle {
public:
    explicit MessageFanOut(executor_type executor, const FanOutOptions& options = {})
        : FanOutHandle(std::move(executor), options, FanOutContent::messages) {}

    // Of any kind that carries messages; no send to it may be under way.
    ReceiverId add(MessageStream stream) { return add_stream(std::move(stream)); }

    // Completes when the whole message went into the buffer; at once unless the policy is to wait.
    // The outcome is to how many it goes. What is given is borrowed until then.
    // Failure::message_too_large: over buffer_size_max. One that is too large for the stream of
    // some receiver is dropped for that one, and counted.
    template <class Token>
    auto async_send(Bytes message, Token&& token) {
        return start(message, std::nullopt, token);
    }
    // To those of `receivers` that have not left.
    template <class Token>
    auto async_send(Bytes message, std::span<const ReceiverId> receivers, Token&& token) {
        return start(message, receivers, token);
    }
};

}  // namespace stt
