// An authenticated session with one peer, and what serves the streams that the peer opens.
#pragma once

#include <array>
#include <asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <stt/address.hpp>
#include <stt/custom_frame.hpp>
#include <stt/failure.hpp>
#include <stt/message_stream.hpp>
#include <stt/result.hpp>
#include <stt/seed.hpp>
#include <stt/statistics.hpp>
#include <stt/stream.hpp>
#include <stt/time.hpp>
#include <system_error>
#include <variant>
#include <vector>

namespace stt {

using NodeId = std::array<std::uint8_t, 32>;

struct CloseReason {
    std::uint64_t code = 0;
    std::string text;
};

namespace detail {
class SessionBackend;
class NodeBackend;
}  // namespace detail

class Session;

// What happens to a session while it lives.

// Nothing answers: the peer has no path now, or has lost the session. Streams keep what they
// hold, and go on when the peer is Reachable again; the session ends with
// Failure::session_timeout after NodeConfig::resume_timeout.
struct Unreachable {};
struct Reachable {};
struct Reconnected;  // below
// The session goes on with the peer at another address, as when it changed networks: see
// Session::peer_address(). Spec protocol §11.1.
struct PeerMoved {
    Address address;
};
using SessionEvent = std::variant<Unreachable, Reachable, Reconnected, PeerMoved>;

// Serves one stream that a peer opened: the coroutine owns it, and what is unfinished when it
// returns is given up. What it throws goes to the node's log and ends nothing else.
using StreamHandler = std::function<asio::awaitable<void>(Session, Stream)>;
using MessageHandler = std::function<asio::awaitable<void>(Session, MessageStream)>;

// Serves one custom frame. What it throws goes to the node's log and ends nothing else.
using CustomHandler = std::function<asio::awaitable<void>(Session, CustomFrame)>;

struct StreamOptions {
    std::uint8_t priority = priority_default;
};
struct MessageOptions {
    std::uint8_t priority = priority_default;
    // Of each message of an expiring stream, from async_send() on: over zero there, and zero on
    // the other kinds. Whole milliseconds count.
    Duration deadline{};
};

// An authenticated session with one peer. A handle: copies name the same session,
// which lives in its node until it is closed.
class Session {
public:
    Session() noexcept = default;
    explicit Session(std::shared_ptr<detail::SessionBackend> backend) noexcept;

    bool is_open() const noexcept;
    NodeId peer_node_id() const;
    Address peer_address() const;
    // Where the peer sees this node, outside of the last NAT between: what it claims, no more.
    // Null until it has told. Spec protocol §6.1.
    std::optional<Address> observed_address() const;
    // With which of the node's seeds it was made.
    SeedId seed() const;
    SessionStatistics statistics() const;

    // Opens a stream of bytes to the peer's `endpoint`, a name of 0 to 255 bytes of UTF-8. It can
    // be written to at once. Waits while the peer allows no more streams.
    asio::awaitable<Result<Stream, std::error_code>> open_stream(std::string endpoint,
                                                                 StreamOptions options = {});
    // Opens a stream of messages, of any kind but bytes.
    asio::awaitable<Result<MessageStream, std::error_code>> open_messages(
        std::string endpoint, StreamKind kind, MessageOptions options = {});
    // The next stream of bytes, or of messages, that the peer opened, where no handlers serve
    // them. One caller of each at a time.
    asio::awaitable<Result<Stream, std::error_code>> accept_stream();
    asio::awaitable<Result<MessageStream, std::error_code>> accept_messages();

    // Serves the streams that the peer opens to `endpoint` in this session, also those that wait
    // already; goes before a handler of the node for the same name. Another call replaces the
    // handler; streams that it serves go on.
    //
    // While this session or its node has a handler, streams that the peer opens go to handlers
    // alone, and one that none of them serves is refused with code 7, as is one of messages where
    // the handler takes bytes, or the reverse. Spec protocol §8.3. While neither has any,
    // accept_stream() and accept_messages() get them all.
    void handle(std::string endpoint, StreamHandler handler);
    void handle_messages(std::string endpoint, MessageHandler handler);
    void remove_handler(std::string_view endpoint);

    // Sends a frame of a type of the application's own, 0x80 to 0xff, with at most 1,100 bytes:
    // for small things that are worth no stream. It is authenticated and encrypted, never resent,
    // and may come after later ones or not at all; congestion control counts it, credit does not.
    // `stream_id` tells the peer what it is about and is not looked at; each one used costs both
    // sides a key, about 250 bytes. Spec protocol §3.3, §3.4.
    //
    // Completes when the frame is in the session's queue, which holds 256: that is the
    // back-pressure, also of a peer that is unreachable. What is in it when the session ends is
    // lost. Any number may wait, and are served in turn. Errors: custom_type,
    // custom_payload_size, those of a session that has ended.
    asio::awaitable<Result<void, std::error_code>> send_custom(std::uint8_t type,
                                                               std::vector<std::uint8_t> payload,
                                                               std::uint16_t stream_id = 0);
    // Serves the frames of a type, 0x80 to 0xff (any other breaks an STT_CHECK), that come in this
    // session; goes before a handler of the node for the same type. Another call replaces the
    // handler. What becomes of streams does not depend on it.
    //
    // Frames of a session are served one at a time, whatever their type: the next when the
    // coroutine has ended. Meanwhile 256 can wait, also past the session's end; more, as of one
    // burst, are dropped and counted in statistics() as "queue_full". A frame of a type that has no
    // handler when it comes is dropped and counted as "no_handler": so where the first frame
    // matters, the node has the handler before it listens or connects.
    void handle_custom(std::uint8_t type, CustomHandler handler);
    void remove_custom_handler(std::uint8_t type);

    // The next event, or an error once the session has ended and all were taken. The newest 16
    // are kept, Reconnected too when the session has ended. One caller at a time.
    asio::awaitable<Result<SessionEvent, std::error_code>> next_event();
    // False from Unreachable until Reachable.
    bool is_reachable() const;

    // Sends a PING and measures until its PONG.
    asio::awaitable<Result<Duration, std::error_code>> ping();

    // Tells the peer and ends the session: streams fail, unsent bytes are lost. `reason`
    // is cut to 255 bytes. Codes: Spec protocol §8.4.
    void close(std::uint64_t code = 0, std::string_view reason = {});
    // Completes once the session has ended, for whatever reason, which it returns.
    asio::awaitable<std::error_code> wait_closed();
    // What the peer said when it closed; empty otherwise.
    CloseReason close_reason() const;

private:
    std::shared_ptr<detail::SessionBackend> backend_;
};

// The last event of a session that this node began: its peer answers, but has lost it, as when it
// was restarted. This session ends with Failure::session_timeout; `session` is a new one with the
// same node, with the handlers of this one. No stream goes on by itself: `streams` are all that
// this session still had, with what of them had been acknowledged. See NodeConfig::reconnects.
struct Reconnected {
    Session session;
    std::vector<StreamProgress> streams;
};

}  // namespace stt
