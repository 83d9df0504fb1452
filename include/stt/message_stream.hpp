// A stream of whole messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stt/stream.hpp>
#include <vector>

namespace stt {

// A bidirectional stream of messages of 0 to 1,048,573 bytes, of one of three kinds:
//
//   messages   reliable. Each is handed over as soon as it is complete: one of a lost frame does
//              not hold back those behind it, so they may come in another order.
//   datagrams  unreliable, each in one frame of the path's datagram (about 1,100 bytes or more).
//              The receiver keeps the newest 256 KiB and drops older ones.
//   expiring   sent again until their deadline, then given up: the receiver never sees a part.
//
// Spec protocol §7.2, §9.3.
class MessageStream : public StreamHandle {
public:
    MessageStream() noexcept = default;
    explicit MessageStream(std::unique_ptr<detail::StreamBackend> backend) noexcept
        : StreamHandle(std::move(backend)) {}

    // Completes when the whole message went into the stream's send buffer, whose bound is the
    // back-pressure; the outcome is its size. `message` is borrowed until then.
    // Failure::message_too_large: over 1,048,573 bytes or the send buffer; on datagrams, over what
    // the path carries.
    template <class Token>
    auto async_send(Bytes message, Token&& token) {
        return send(message, std::nullopt, token);
    }
    // With a deadline of its own, on expiring streams: it counts from now. Time spent waiting for
    // room counts; when there was none in time, Failure::message_expired.
    template <class Token>
    auto async_send(Bytes message, Duration deadline, Token&& token) {
        return send(message, deadline, token);
    }

    // Completes with a whole message, asio::error::eof when the peer finished and all were read,
    // or a Failure.
    template <class Token>
    auto async_receive(Token&& token) {
        using Message = std::vector<std::uint8_t>;
        return start<Message, &detail::StreamBackend::cancel_reads>(
            [](detail::StreamBackend& backend, Completion<Message> completion) {
                backend.receive_message(std::move(completion));
            },
            token);
    }

private:
    template <class Token>
    auto send(Bytes message, std::optional<Duration> deadline, Token& token) {
        return start<std::size_t, &detail::StreamBackend::cancel_writes>(
            [message, deadline](detail::StreamBackend& backend,
                                Completion<std::size_t> completion) {
                backend.send_message(message, deadline, std::move(completion));
            },
            token);
    }
};

}  // namespace stt
