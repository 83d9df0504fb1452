#include "node/session_backend.hpp"

#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <exception>

#include "node/node_backend.hpp"
#include "node/session_statistics.hpp"
#include "node/stream_backend.hpp"
#include "platform/clock.hpp"

namespace stt::detail {
namespace {

std::error_code failure_of(connection::CloseCause cause) {
    switch (cause) {
        case connection::CloseCause::local:
            return Failure::session_closed;
        case connection::CloseCause::seed_removed:
            return Failure::session_seed_removed;
        case connection::CloseCause::peer:
            return Failure::session_closed_by_peer;
        case connection::CloseCause::violation:
            return Failure::session_violation;
        case connection::CloseCause::idle:
        case connection::CloseCause::lost:
            return Failure::session_timeout;
        case connection::CloseCause::unconfirmed:
            return Failure::handshake_timeout;
    }
    return Failure::session_closed;
}

// Events that wait for next_event(). Chosen: paths come and go once in seconds.
constexpr std::size_t event_count_max = 16;

// Keeps the handler for as long as its coroutine, which may refer to what the handler captured.
asio::awaitable<void> run(node::HandlerTable::Pointer handler, Session session,
                          std::unique_ptr<StreamBackend> stream) {
    if (const auto* of_bytes = std::get_if<StreamHandler>(handler.get())) {
        co_await (*of_bytes)(std::move(session), Stream(std::move(stream)));
    } else {
        co_await std::get<MessageHandler> (*handler)(std::move(session),
                                                     MessageStream(std::move(stream)));
    }
}

void log_thrown(const NodeBackend& node, const std::string& endpoint, std::exception_ptr thrown) {
    if (!thrown) return;
    node.log(LogLevel::warning,
             "the handler of '" + endpoint + "' threw: " + node::text_of(thrown));
}

}  // namespace

SessionBackend::SessionBackend(std::weak_ptr<NodeBackend> node, asio::any_io_executor executor,
                               connection::SessionHandle handle, Duration handshake)
    : node_(std::move(node)), executor_(std::move(executor)), handle_(handle) {
    statistics_.handshake = handshake;
    if (const auto alive = node_.lock()) {
        seed_ = SeedId{alive->endpoint().seed_of(handle_).value_or(0)};
    }
    if (const auto* engine = connection()) {
        peer_node_id_ = engine->peer_node_id();
        peer_address_ = engine->peer();
    }
}

connection::Connection* SessionBackend::connection() const {
    const auto node = node_.lock();
    return node == nullptr ? nullptr : node->endpoint().find(handle_);
}

void SessionBackend::wake() {
    if (const auto node = node_.lock()) node->wake(handle_);
}

SessionStatistics SessionBackend::statistics() const {
    const auto* engine = connection();
    if (engine == nullptr) return statistics_;
    const Duration handshake = statistics_.handshake;
    statistics_ = statistics_of(engine->statistics(platform::now()));
    statistics_.handshake = handshake;
    statistics_.transport = engine->route().is_reliable() ? Transport::websocket : Transport::udp;
    return statistics_;
}

SessionBackend::StreamPointer SessionBackend::make_stream(stream::StreamKey key) {
    return std::make_unique<node::StreamBackend>(shared_from_this(), key);
}

SessionBackend::StreamPointer SessionBackend::make_stream(Opened opened) {
    if (!opened.leftover) return make_stream(opened.key);
    return std::make_unique<node::StreamBackend>(shared_from_this(), opened.key,
                                                 *std::move(opened.leftover));
}

// False: the peer allows no more streams now.
bool SessionBackend::try_open(const OpenRequest& request, Completion<StreamPointer>& completion) {
    const auto key = connection()->open_stream(
        {request.endpoint, request.kind, request.priority, request.deadline});
    if (key) {
        completion({}, make_stream(*key));
        wake();
        return true;
    }
    if (key.error() == stream::OpenError::stream_limit) return false;
    completion(key.error() == stream::OpenError::endpoint_name ? Failure::endpoint_name_size
                                                               : Failure::stream_options,
               nullptr);
    return true;
}

node::Cancel SessionBackend::open_stream(OpenRequest request,
                                         Completion<StreamPointer> completion) {
    if (error_ || connection() == nullptr) {
        completion(error_ ? error_ : make_error_code(Failure::node_closed), nullptr);
        return [] {};
    }
    if (opens_.is_empty() && try_open(request, completion)) return [] {};
    return decltype(opens_)::join({shared_from_this(), &opens_}, std::move(request),
                                  std::move(completion));
}

void SessionBackend::retry_opens() {
    opens_.retry(
        [this](const auto& request, auto& completion) { return try_open(request, completion); });
}

node::Cancel SessionBackend::accept_stream(Content content, Completion<StreamPointer> completion) {
    Acceptor& acceptor = acceptors_[static_cast<std::size_t>(content)];
    STT_CHECK(!acceptor.accept);
    if (!acceptor.opened.empty()) {
        Opened opened = std::move(acceptor.opened.front());
        acceptor.opened.pop_front();
        completion({}, make_stream(std::move(opened)));
        return [] {};
    }
    if (error_) {
        completion(error_, nullptr);
        return [] {};
    }
    acceptor.accept = std::move(completion);
    return [weak = weak_from_this(), content] {
        const auto self = weak.lock();
        if (self == nullptr) return;
        Acceptor& waiting = self->acceptors_[static_cast<std::size_t>(content)];
        if (waiting.accept) std::exchange(waiting.accept, {})(node::aborted, nullptr);
    };
}

node::Cancel SessionBackend::ping(Completion<Duration> completion) {
    auto* engine = connection();
    if (error_ || engine == nullptr) {
        completion(error_ ? error_ : make_error_code(Failure::node_closed), {});
        return [] {};
    }
    const auto number = engine->ping(platform::now());
    if (!number) {  // the engine is active: only the limit is left
        completion(Failure::ping_limit, {});
        return [] {};
    }
    pings_[*number] = std::move(completion);
    wake();
    return [weak = weak_from_this(), number = *number] {
        const auto self = weak.lock();
        if (self == nullptr) return;
        auto pending = self->pings_.extract(number);
        if (!pending.empty()) pending.mapped()(node::aborted, {});
    };
}

node::Cancel SessionBackend::next_event(Completion<SessionEvent> completion) {
    STT_CHECK(!event_waiter_);
    if (!events_.empty()) {
        SessionEvent event = std::move(events_.front());
        events_.pop_front();
        completion({}, std::move(event));
        return [] {};
    }
    if (error_) {
        completion(error_, {});
        return [] {};
    }
    event_waiter_ = std::move(completion);
    return [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self == nullptr || !self->event_waiter_) return;
        std::exchange(self->event_waiter_, {})(node::aborted, {});
    };
}

void SessionBackend::tell(SessionEvent event) {
    if (event_waiter_) return std::exchange(event_waiter_, {})({}, std::move(event));
    if (events_.size() == event_count_max) events_.pop_front();
    events_.push_back(std::move(event));
}

node::Cancel SessionBackend::wait_closed(Completion<bool> completion) {
    if (error_) {
        completion({}, true);
        return [] {};
    }
    const std::uint64_t number = ++operation_count_;
    closed_waiters_[number] = std::move(completion);
    return [weak = weak_from_this(), number] {
        const auto self = weak.lock();
        if (self == nullptr) return;
        auto pending = self->closed_waiters_.extract(number);
        if (!pending.empty()) pending.mapped()(node::aborted, false);
    };
}

void SessionBackend::close(std::uint64_t code, std::string_view reason) {
    if (auto* engine = connection()) {
        engine->close(platform::now(), code, reason);
        wake();
    }
}

void SessionBackend::handle_event(const connection::Event& event) {
    if (const auto* stream_event = std::get_if<stream::StreamEvent>(&event)) {
        handle_stream_event(*stream_event);
    } else if (const auto* pong = std::get_if<connection::PongReceived>(&event)) {
        auto pending = pings_.extract(pong->ping);
        if (!pending.empty()) pending.mapped()({}, pong->round_trip);
    } else if (std::holds_alternative<connection::Unreachable>(event)) {
        tell(Unreachable{});
    } else if (std::holds_alternative<connection::Reachable>(event)) {
        tell(Reachable{});
    } else if (const auto* taken = std::get_if<connection::PathTaken>(&event)) {
        if (taken->route.address == peer_address_) return;
        peer_address_ = taken->route.address;
        tell(PeerMoved{peer_address_});
    } else if (const auto* observed = std::get_if<connection::AddressObserved>(&event)) {
        observed_address_ = observed->address;
    } else if (std::holds_alternative<connection::CustomReadable>(event)) {
        serve_custom();
    } else if (std::holds_alternative<connection::CustomWritable>(event)) {
        retry_custom();
    } else if (const auto* closed = std::get_if<connection::Closed>(&event)) {
        handle_closed(*closed);
    }
}

void SessionBackend::handle_reconnected(std::shared_ptr<SessionBackend> successor,
                                        const connection::SessionReconnected& event) {
    successor->handlers_.add(handlers_);
    successor->custom_handlers_.add(custom_handlers_);
    successor->tell_custom_types();
    Reconnected reconnected{Session(std::move(successor)), {}};
    for (const auto& stream : event.streams) reconnected.streams.push_back(stream.progress);
    tell(std::move(reconnected));
}

void SessionBackend::handle_stream_event(const stream::StreamEvent& event) {
    using Kind = stream::StreamEvent::Kind;
    if (event.kind == Kind::limit_raised) return retry_opens();
    if (event.kind == Kind::opened) return handle_opened(event.key);
    const auto found = streams_.find(event.key);
    if (found == streams_.end()) return;
    node::StreamBackend& stream = *found->second;
    switch (event.kind) {
        case Kind::readable:
            return stream.on_readable();
        case Kind::writable:
            return stream.on_writable();
        case Kind::acknowledged:
            return stream.on_acknowledged();
        case Kind::reset:
            return stream.on_reset(event.code);
        default:
            return stream.on_stopped(event.code);
    }
}

bool SessionBackend::has_handlers() const {
    if (!handlers_.is_empty()) return true;
    const auto node = node_.lock();
    return node != nullptr && !node->handlers().is_empty();
}

node::HandlerTable::Pointer SessionBackend::find_handler(std::string_view endpoint) const {
    if (auto own = handlers_.find(endpoint)) return own;
    const auto node = node_.lock();
    return node == nullptr ? nullptr : node->handlers().find(endpoint);
}

void SessionBackend::handle_opened(stream::StreamKey key) {
    auto* engine = connection();
    if (engine == nullptr) return;
    const StreamKind kind = engine->streams().kind(key).value_or(StreamKind::bytes);
    if (!has_handlers()) {
        Acceptor& acceptor = acceptors_[kind == StreamKind::bytes ? 0 : 1];
        if (acceptor.accept) return std::exchange(acceptor.accept, {})({}, make_stream(key));
        acceptor.opened.push_back({key, std::nullopt});
        return;
    }
    auto handler = find_handler(engine->streams().endpoint(key));
    if (handler != nullptr && node::serves(*handler, kind)) {
        return run_handler(std::move(handler), make_stream(key));
    }
    engine->refuse(platform::now(), key);
    wake();
}

void SessionBackend::run_handler(node::HandlerTable::Pointer handler, StreamPointer stream) {
    // Posted: the handler is the application's, and may do anything to the node.
    asio::post(executor_, [self = shared_from_this(), handler = std::move(handler),
                           stream = std::move(stream)]() mutable {
        const std::string endpoint = stream->endpoint();
        asio::co_spawn(self->executor_, run(std::move(handler), Session(self), std::move(stream)),
                       [node = self->node_, endpoint](std::exception_ptr thrown) {
                           if (const auto alive = node.lock()) log_thrown(*alive, endpoint, thrown);
                       });
    });
}

void SessionBackend::handle_endpoint(std::string endpoint, node::Handler handler) {
    handlers_.set(endpoint, std::move(handler));
    serve_waiting(endpoint);
}

void SessionBackend::serve_waiting(std::string_view endpoint) {
    const auto handler = find_handler(endpoint);
    auto& waiting = acceptors_[std::holds_alternative<StreamHandler>(*handler) ? 0 : 1].opened;
    for (Opened& opened : std::exchange(waiting, {})) {
        if (endpoint_of(opened) == endpoint) {
            run_handler(handler, make_stream(std::move(opened)));
        } else {
            waiting.push_back(std::move(opened));
        }
    }
}

std::string SessionBackend::endpoint_of(const Opened& opened) const {
    if (opened.leftover) return opened.leftover->endpoint;
    const auto* engine = connection();
    return engine == nullptr ? std::string() : engine->streams().endpoint(opened.key);
}

void SessionBackend::handle_closed(const connection::Closed& closed) {
    close_reason_ = {closed.code, closed.reason};
    static_cast<void>(statistics());
    end(failure_of(closed.cause));
}

void SessionBackend::handle_node_closed() {
    if (!error_) end(Failure::node_closed);
}

void SessionBackend::end(std::error_code error) {
    if (error_) return;
    error_ = error;
    for (const auto& [key, stream] : streams_) stream->on_session_ended(error);
    auto* engine = connection();
    for (Acceptor& acceptor : acceptors_) {
        for (Opened& opened : acceptor.opened) {
            opened.leftover =
                engine == nullptr ? node::Leftover{} : node::take_unread(*engine, opened.key);
        }
        if (acceptor.accept) std::exchange(acceptor.accept, {})(error, nullptr);
    }
    opens_.end(error);
    end_custom(error);
    for (auto& [number, completion] : std::exchange(pings_, {})) completion(error, {});
    if (event_waiter_) std::exchange(event_waiter_, {})(error, {});
    for (auto& [number, completion] : std::exchange(closed_waiters_, {})) completion({}, true);
}

}  // namespace stt::detail
