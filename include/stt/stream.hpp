// A stream of bytes, and what streams of all kinds have in common.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <stt/bytes.hpp>
#include <stt/completion.hpp>
#include <stt/failure.hpp>
#include <stt/statistics.hpp>
#include <stt/stream_kind.hpp>
#include <stt/time.hpp>
#include <vector>

namespace stt {

namespace detail {

// What the node does for a stream; the templates of the handles are a thin skin over it.
class StreamBackend {
public:
    virtual ~StreamBackend() = default;
    virtual asio::any_io_executor executor() const = 0;
    virtual void read_some(MutableBytes buffer, Completion<std::size_t> completion) = 0;
    virtual void write_some(Bytes data, Completion<std::size_t> completion) = 0;
    virtual void send_message(Bytes message, std::optional<Duration> deadline,
                              Completion<std::size_t> completion) = 0;
    virtual void receive_message(Completion<std::vector<std::uint8_t>> completion) = 0;
    virtual void wait_acknowledged(Completion<std::size_t> completion) = 0;
    virtual void cancel_reads() = 0;
    virtual void cancel_writes() = 0;
    virtual void finish() = 0;
    virtual void reset(std::uint64_t code) = 0;
    virtual void stop(std::uint64_t code) = 0;
    virtual void set_priority(std::uint8_t priority) = 0;
    virtual std::uint16_t id() const = 0;
    virtual StreamKind kind() const = 0;
    virtual std::string endpoint() const = 0;
    virtual std::uint64_t reset_code() const = 0;
    virtual StreamStatistics statistics() const = 0;
};

// The first of some buffers that has any bytes: what one read or write is about.
template <class Buffer, class Sequence>
Buffer first_of(const Sequence& buffers) {
    for (auto i = asio::buffer_sequence_begin(buffers); i != asio::buffer_sequence_end(buffers);
         ++i) {
        const Buffer buffer(*i);
        if (buffer.size() > 0) return buffer;
    }
    return {};
}

}  // namespace detail

// What streams of all kinds have in common. One read or receive, and one write or send, may be
// under way at a time. Destroying it gives up what is unfinished: unsent bytes are reset, unread
// ones stopped; what was finish()ed is still delivered. Use it, like all of a node, from the
// thread that runs the node's io_context.
class StreamHandle {
public:
    using executor_type = asio::any_io_executor;

    bool is_open() const noexcept { return backend_ != nullptr; }
    executor_type get_executor() const { return backend_->executor(); }

    // Ends the sending direction after all that was handed over: STREAM_END. The other direction
    // goes on. Spec protocol §7.3.
    void finish() { backend_->finish(); }

    // Completes when the peer has acknowledged all that was handed over, and the end if finish()
    // was called; messages that were given up count as acknowledged. The outcome is 0.
    template <class Token>
    auto async_wait_acknowledged(Token&& token) {
        return start<std::size_t, &detail::StreamBackend::cancel_writes>(
            [](detail::StreamBackend& backend, Completion<std::size_t> completion) {
                backend.wait_acknowledged(std::move(completion));
            },
            token);
    }

    // Gives up sending: the peer reads an error with `code`. Spec protocol §8.1, RESET.
    void reset(std::uint64_t code) { backend_->reset(code); }
    // Asks the peer to stop sending; what still comes is dropped. Spec protocol §8.1, STOP.
    void stop(std::uint64_t code) { backend_->stop(code); }
    // 0 (first) to 7 for what this side sends from now on; higher counts as 7. The peer is asked
    // to do the same with what it sends. Spec protocol §8.1, PRIORITY.
    void set_priority(std::uint8_t priority) { backend_->set_priority(priority); }

    std::uint16_t id() const { return backend_->id(); }
    StreamKind kind() const { return backend_->kind(); }
    // The name that the opener gave.
    std::string endpoint() const { return backend_->endpoint(); }
    // The peer's code after Failure::stream_reset or stream_stopped.
    std::uint64_t reset_code() const { return backend_->reset_code(); }
    // The last ones known, once the session has ended.
    StreamStatistics statistics() const { return backend_->statistics(); }

protected:
    StreamHandle() noexcept = default;
    explicit StreamHandle(std::unique_ptr<detail::StreamBackend> backend) noexcept
        : backend_(std::move(backend)) {}
    ~StreamHandle() = default;
    StreamHandle(StreamHandle&&) noexcept = default;
    StreamHandle& operator=(StreamHandle&&) noexcept = default;

    template <class Outcome, auto cancel, class Start, class Token>
    auto start(Start operation, Token& token) {
        return asio::async_initiate<Token, void(std::error_code, Outcome)>(
            [operation, backend = backend_.get()](auto handler) {
                auto slot = asio::get_associated_cancellation_slot(handler);
                if (slot.is_connected()) {
                    slot.assign([backend](asio::cancellation_type) { (backend->*cancel)(); });
                }
                operation(*backend, Completion<Outcome>(std::move(handler), backend->executor()));
            },
            token);
    }

private:
    friend class FanOutHandle;  // takes the backend over
    std::unique_ptr<detail::StreamBackend> backend_;
};

// A bidirectional stream of bytes: reliable, ordered, with back-pressure.
//
// It is an AsyncReadStream and an AsyncWriteStream, so asio::async_read, async_write and
// async_read_until work on it.
class Stream : public StreamHandle {
public:
    Stream() noexcept = default;
    explicit Stream(std::unique_ptr<detail::StreamBackend> backend) noexcept
        : StreamHandle(std::move(backend)) {}

    // Completes with at least one byte, asio::error::eof when the peer finished, or a Failure.
    template <class MutableBufferSequence, class Token>
    auto async_read_some(const MutableBufferSequence& buffers, Token&& token) {
        const asio::mutable_buffer buffer = detail::first_of<asio::mutable_buffer>(buffers);
        return start<std::size_t, &detail::StreamBackend::cancel_reads>(
            [buffer](detail::StreamBackend& backend, Completion<std::size_t> completion) {
                backend.read_some({static_cast<std::uint8_t*>(buffer.data()), buffer.size()},
                                  std::move(completion));
            },
            token);
    }

    // Completes when at least one byte went into the stream's send buffer, whose bound
    // is the back-pressure. The bytes are copied before the completion.
    template <class ConstBufferSequence, class Token>
    auto async_write_some(const ConstBufferSequence& buffers, Token&& token) {
        const asio::const_buffer buffer = detail::first_of<asio::const_buffer>(buffers);
        return start<std::size_t, &detail::StreamBackend::cancel_writes>(
            [buffer](detail::StreamBackend& backend, Completion<std::size_t> completion) {
                backend.write_some({static_cast<const std::uint8_t*>(buffer.data()), buffer.size()},
                                   std::move(completion));
            },
            token);
    }
};

}  // namespace stt
