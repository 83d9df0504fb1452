// One stream of a session.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <stt/bytes.hpp>
#include <stt/completion.hpp>
#include <stt/failure.hpp>

namespace stt {

namespace detail {

// What the node does for a stream; the templates of Stream are a thin skin over it.
class StreamBackend {
public:
    virtual ~StreamBackend() = default;
    virtual asio::any_io_executor executor() const = 0;
    virtual void read_some(MutableBytes buffer, Completion<std::size_t> completion) = 0;
    virtual void write_some(Bytes data, Completion<std::size_t> completion) = 0;
    virtual void wait_acknowledged(Completion<std::size_t> completion) = 0;
    virtual void cancel_reads() = 0;
    virtual void cancel_writes() = 0;
    virtual void finish() = 0;
    virtual void reset(std::uint64_t code) = 0;
    virtual void stop(std::uint64_t code) = 0;
    virtual std::uint16_t id() const = 0;
    virtual std::string endpoint() const = 0;
    virtual std::uint64_t reset_code() const = 0;
};

}  // namespace detail

// A bidirectional stream of bytes: reliable, ordered, with back-pressure.
//
// It is an AsyncReadStream and an AsyncWriteStream, so asio::async_read,
// async_write and async_read_until work on it. One read and one write may be under
// way at a time. Destroying it gives up what is unfinished: unsent bytes are reset,
// unread ones stopped; what was finish()ed is still delivered. Use it, like all of
// a node, from the thread that runs the node's io_context.
class Stream {
public:
    using executor_type = asio::any_io_executor;

    Stream() noexcept = default;
    explicit Stream(std::unique_ptr<detail::StreamBackend> backend) noexcept
        : backend_(std::move(backend)) {}

    bool is_open() const noexcept { return backend_ != nullptr; }
    executor_type get_executor() const { return backend_->executor(); }

    // Completes with at least one byte, asio::error::eof when the peer finished, or a Failure.
    template <class MutableBufferSequence, class Token>
    auto async_read_some(const MutableBufferSequence& buffers, Token&& token) {
        const asio::mutable_buffer buffer = first_of<asio::mutable_buffer>(buffers);
        return start<&detail::StreamBackend::cancel_reads>(
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
        const asio::const_buffer buffer = first_of<asio::const_buffer>(buffers);
        return start<&detail::StreamBackend::cancel_writes>(
            [buffer](detail::StreamBackend& backend, Completion<std::size_t> completion) {
                backend.write_some({static_cast<const std::uint8_t*>(buffer.data()), buffer.size()},
                                   std::move(completion));
            },
            token);
    }

    // Ends the sending direction after all that was written: STREAM_END. Spec protocol §7.3.
    void finish() { backend_->finish(); }

    // Completes when the peer has acknowledged all that was written, and the end if
    // finish() was called. The outcome is 0.
    template <class Token>
    auto async_wait_acknowledged(Token&& token) {
        return start<&detail::StreamBackend::cancel_writes>(
            [](detail::StreamBackend& backend, Completion<std::size_t> completion) {
                backend.wait_acknowledged(std::move(completion));
            },
            token);
    }

    // Gives up sending: the peer reads an error with `code`. Spec protocol §8.1, RESET.
    void reset(std::uint64_t code) { backend_->reset(code); }
    // Asks the peer to stop sending; what still comes is dropped. Spec protocol §8.1, STOP.
    void stop(std::uint64_t code) { backend_->stop(code); }

    std::uint16_t id() const { return backend_->id(); }
    // The name that the opener gave.
    std::string endpoint() const { return backend_->endpoint(); }
    // The peer's code after Failure::stream_reset or stream_stopped.
    std::uint64_t reset_code() const { return backend_->reset_code(); }

private:
    template <class Buffer, class Sequence>
    static Buffer first_of(const Sequence& buffers) {
        for (auto i = asio::buffer_sequence_begin(buffers); i != asio::buffer_sequence_end(buffers);
             ++i) {
            const Buffer buffer(*i);
            if (buffer.size() > 0) return buffer;
        }
        return {};
    }

    template <auto cancel, class Start, class Token>
    auto start(Start operation, Token& token) {
        return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
            [operation, backend = backend_.get()](auto handler) {
                auto slot = asio::get_associated_cancellation_slot(handler);
                if (slot.is_connected()) {
                    slot.assign([backend](asio::cancellation_type) { (backend->*cancel)(); });
                }
                operation(*backend,
                          Completion<std::size_t>(std::move(handler), backend->executor()));
            },
            token);
    }

    std::unique_ptr<detail::StreamBackend> backend_;
};

}  // namespace stt
