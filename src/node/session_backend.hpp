// The node's side of one Session.
#pragma once

#include <array>
#include <asio/any_io_executor.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <stt/node.hpp>
#include <system_error>

#include "core/connection/endpoint.hpp"
#include "node/await_completion.hpp"
#include "node/handler_table.hpp"
#include "node/stream_backend.hpp"
#include "node/waiting_line.hpp"

namespace stt::detail {

class SessionBackend : public std::enable_shared_from_this<SessionBackend> {
public:
    using StreamPointer = std::unique_ptr<detail::StreamBackend>;

    SessionBackend(std::weak_ptr<NodeBackend> node, asio::any_io_executor executor,
                   connection::SessionHandle handle, Duration handshake);

    const asio::any_io_executor& executor() const noexcept { return executor_; }
    // The engine; null once it is gone.
    connection::Connection* connection() const;
    // What a command to the engine makes it want to send will leave soon.
    void wake();
    // Why the session ended; none while it is open.
    std::error_code error() const noexcept { return error_; }
    const CloseReason& close_reason() const noexcept { return close_reason_; }
    NodeId peer_node_id() const noexcept { return peer_node_id_; }
    Address peer_address() const noexcept { return peer_address_; }
    std::optional<Address> observed_address() const noexcept { return observed_address_; }
    SeedId seed() const noexcept { return seed_; }
    SessionStatistics statistics() const;

    // What a stream is opened with.
    struct OpenRequest {
        std::string endpoint;
        StreamKind kind = StreamKind::bytes;
        std::uint8_t priority = priority_default;
        Duration deadline{};
    };
    node::Cancel open_stream(OpenRequest request, Completion<StreamPointer> completion);
    // Of bytes, or of messages.
    enum class Content : std::uint8_t { bytes, messages };
    node::Cancel accept_stream(Content content, Completion<StreamPointer> completion);
    node::HandlerTable& handlers() noexcept { return handlers_; }
    void handle_endpoint(std::string endpoint, node::Handler handler);
    // Gives streams that wait to be accepted to the handler of their endpoint.
    void serve_waiting(std::string_view endpoint);
    // Of what Session::send_custom() promises.
    node::Cancel send_custom(CustomFrame frame, Completion<bool> completion);
    void handle_custom(std::uint8_t type, CustomHandler handler);
    void remove_custom_handler(std::uint8_t type);
    node::Cancel ping(Completion<Duration> completion);
    node::Cancel next_event(Completion<SessionEvent> completion);
    node::Cancel wait_closed(Completion<bool> completion);
    void close(std::uint64_t code, std::string_view reason);

    void attach(stream::StreamKey key, node::StreamBackend* stream) { streams_[key] = stream; }
    void detach(stream::StreamKey key) { streams_.erase(key); }

    // Ended, with nothing in it that could still be read.
    bool is_spent() const noexcept {
        return error_ && acceptors_[0].opened.empty() && acceptors_[1].opened.empty();
    }
    void handle_event(const connection::Event& event);
    // `successor` takes this session's place; the end of this one follows.
    void handle_reconnected(std::shared_ptr<SessionBackend> successor,
                            const connection::SessionReconnected& event);
    // The node is going away.
    void handle_node_closed();

private:
    // A stream that the peer opened and nobody has accepted yet.
    struct Opened {
        stream::StreamKey key;
        std::optional<node::Leftover> leftover;  // once the session has ended
    };
    // Those of one content, and who waits for the next.
    struct Acceptor {
        std::deque<Opened> opened;
        Completion<StreamPointer> accept;
    };

    void tell(SessionEvent event);
    void handle_stream_event(const stream::StreamEvent& event);
    void handle_closed(const connection::Closed& closed);
    void end(std::error_code error);
    void retry_opens();
    // False: the peer allows no more streams now.
    bool try_open(const OpenRequest& request, Completion<StreamPointer>& completion);
    StreamPointer make_stream(stream::StreamKey key);
    StreamPointer make_stream(Opened opened);
    bool has_handlers() const;
    node::HandlerTable::Pointer find_handler(std::string_view endpoint) const;
    void handle_opened(stream::StreamKey key);
    std::string endpoint_of(const Opened& opened) const;
    void run_handler(node::HandlerTable::Pointer handler, StreamPointer stream);
    bool try_send_custom(const CustomFrame& frame, Completion<bool>& completion);
    void retry_custom();
    void tell_custom_types();
    node::CustomHandlerTable::Pointer find_custom_handler(std::uint8_t type) const;
    void serve_custom();
    static asio::awaitable<void> run_custom(std::shared_ptr<SessionBackend> self);
    std::optional<CustomFrame> take_custom();
    void end_custom(std::error_code error);

    std::weak_ptr<NodeBackend> node_;
    asio::any_io_executor executor_;
    connection::SessionHandle handle_;
    NodeId peer_node_id_{};
    Address peer_address_;
    std::optional<Address> observed_address_;
    SeedId seed_{};
    std::error_code error_;
    CloseReason close_reason_;
    mutable SessionStatistics statistics_;  // the last ones, when the engine is gone

    std::map<stream::StreamKey, node::StreamBackend*> streams_;
    std::array<Acceptor, 2> acceptors_;  // by Content
    node::HandlerTable handlers_;
    node::WaitingLine<OpenRequest, StreamPointer> opens_;  // the peer allows no more streams
    node::CustomHandlerTable custom_handlers_;
    node::WaitingLine<CustomFrame, bool> custom_sends_;  // the queue is full
    std::deque<CustomFrame> custom_left_;                // came before the session ended
    bool is_serving_custom_ = false;
    std::uint64_t operation_count_ = 0;
    std::map<std::uint64_t, Completion<Duration>> pings_;
    std::deque<SessionEvent> events_;
    Completion<SessionEvent> event_waiter_;
    std::map<std::uint64_t, Completion<bool>> closed_waiters_;
};

}  // namespace stt::detail
