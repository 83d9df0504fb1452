#include <stt/node.hpp>

#include "node/await_completion.hpp"
#include "node/node_backend.hpp"
#include "node/session_backend.hpp"

namespace stt {
namespace {

using StreamPointer = std::unique_ptr<detail::StreamBackend>;
using SessionPointer = std::shared_ptr<detail::SessionBackend>;
using Content = detail::SessionBackend::Content;

// A coroutine starts when it is first awaited, and the handle that it came from may be gone by
// then: so it holds the backend by value, and is no member of the handle.
template <class Value, class Outcome, class Backend, class Start>
asio::awaitable<Result<Value, std::error_code>> await_result(std::shared_ptr<Backend> backend,
                                                             Start start) {
    auto begin = [&](Completion<Outcome> completion) {
        return start(*backend, std::move(completion));
    };
    auto [error, outcome] = co_await node::await_completion<Outcome>(backend->executor(), begin);
    if (error) co_return Unexpected(error);
    co_return Value(std::move(outcome));
}

asio::awaitable<std::error_code> await_closed(SessionPointer backend) {
    auto begin = [&](Completion<bool> completion) {
        return backend->wait_closed(std::move(completion));
    };
    auto [error, is_closed] = co_await node::await_completion<bool>(backend->executor(), begin);
    co_return is_closed ? backend->error() : error;
}

asio::awaitable<Result<void, std::error_code>> await_custom_sent(SessionPointer backend,
                                                                 CustomFrame frame) {
    auto begin = [&](Completion<bool> completion) {
        return backend->send_custom(std::move(frame), std::move(completion));
    };
    auto [error, is_sent] = co_await node::await_completion<bool>(backend->executor(), begin);
    if (error) co_return Unexpected(error);
    co_return Result<void, std::error_code>();
}

asio::awaitable<void> await_close(std::shared_ptr<detail::NodeBackend> backend) {
    auto begin = [&](Completion<bool> completion) {
        backend->close(std::move(completion));
        return node::Cancel([] {});
    };
    co_await node::await_completion<bool>(backend->executor(), begin);
}

}  // namespace

Session::Session(std::shared_ptr<detail::SessionBackend> backend) noexcept
    : backend_(std::move(backend)) {}

bool Session::is_open() const noexcept {
    return backend_ != nullptr && !backend_->error();
}

NodeId Session::peer_node_id() const {
    return backend_->peer_node_id();
}

std::optional<Address> Session::observed_address() const {
    return backend_->observed_address();
}

Address Session::peer_address() const {
    return backend_->peer_address();
}

SeedId Session::seed() const {
    return backend_->seed();
}

SessionStatistics Session::statistics() const {
    return backend_->statistics();
}

asio::awaitable<Result<Stream, std::error_code>> Session::open_stream(std::string endpoint,
                                                                      StreamOptions options) {
    detail::SessionBackend::OpenRequest request{
        std::move(endpoint), StreamKind::bytes, options.priority, {}};
    return await_result<Stream, StreamPointer>(
        backend_, [request = std::move(request)](auto& backend, auto completion) mutable {
            return backend.open_stream(std::move(request), std::move(completion));
        });
}

asio::awaitable<Result<MessageStream, std::error_code>> Session::open_messages(
    std::string endpoint, StreamKind kind, MessageOptions options) {
    detail::SessionBackend::OpenRequest request{std::move(endpoint), kind, options.priority,
                                                options.deadline};
    return await_result<MessageStream, StreamPointer>(
        backend_,
        [request = std::move(request)](auto& backend, auto completion) mutable -> node::Cancel {
            if (request.kind == StreamKind::bytes) {
                completion(Failure::stream_options, nullptr);
                return [] {};
            }
            return backend.open_stream(std::move(request), std::move(completion));
        });
}

asio::awaitable<Result<Stream, std::error_code>> Session::accept_stream() {
    return await_result<Stream, StreamPointer>(backend_, [](auto& backend, auto completion) {
        return backend.accept_stream(Content::bytes, std::move(completion));
    });
}

asio::awaitable<Result<MessageStream, std::error_code>> Session::accept_messages() {
    return await_result<MessageStream, StreamPointer>(backend_, [](auto& backend, auto completion) {
        return backend.accept_stream(Content::messages, std::move(completion));
    });
}

void Session::handle(std::string endpoint, StreamHandler handler) {
    backend_->handle_endpoint(std::move(endpoint), std::move(handler));
}

void Session::handle_messages(std::string endpoint, MessageHandler handler) {
    backend_->handle_endpoint(std::move(endpoint), std::move(handler));
}

void Session::remove_handler(std::string_view endpoint) {
    backend_->handlers().remove(endpoint);
}

asio::awaitable<Result<void, std::error_code>> Session::send_custom(
    std::uint8_t type, std::vector<std::uint8_t> payload, std::uint16_t stream_id) {
    return await_custom_sent(backend_, {type, stream_id, std::move(payload)});
}

void Session::handle_custom(std::uint8_t type, CustomHandler handler) {
    backend_->handle_custom(type, std::move(handler));
}

void Session::remove_custom_handler(std::uint8_t type) {
    backend_->remove_custom_handler(type);
}

asio::awaitable<Result<Duration, std::error_code>> Session::ping() {
    return await_result<Duration, Duration>(backend_, [](auto& backend, auto completion) {
        return backend.ping(std::move(completion));
    });
}

asio::awaitable<Result<SessionEvent, std::error_code>> Session::next_event() {
    return await_result<SessionEvent, SessionEvent>(backend_, [](auto& backend, auto completion) {
        return backend.next_event(std::move(completion));
    });
}

bool Session::is_reachable() const {
    const auto* engine = backend_->connection();
    return engine != nullptr && !engine->is_unreachable();
}

void Session::close(std::uint64_t code, std::string_view reason) {
    backend_->close(code, reason);
}

asio::awaitable<std::error_code> Session::wait_closed() {
    return await_closed(backend_);
}

CloseReason Session::close_reason() const {
    return backend_->close_reason();
}

Node::Node(asio::io_context& context, const Seed& seed, NodeConfig config)
    : backend_(std::make_shared<detail::NodeBackend>(context, config)) {
    const auto added = backend_->add_seed(seed, std::nullopt);
    // A seed of a wrong size is the program's mistake, as seed_from_hex() makes none.
    STT_CHECK(added.has_value());
}

Node::Node(asio::io_context& context, NodeConfig config)
    : backend_(std::make_shared<detail::NodeBackend>(context, config)) {}

Result<SeedId, std::error_code> Node::add_seed(const Seed& seed, std::optional<Duration> lifetime) {
    return backend_->add_seed(seed, detail::NodeBackend::expiry_of(lifetime));
}

bool Node::remove_seed(SeedId seed) {
    return backend_->remove_seed(seed);
}

Node::Node(std::shared_ptr<detail::NodeBackend> backend) noexcept : backend_(std::move(backend)) {}

Node::~Node() {
    backend_->shut_down();
}

Result<Address, std::error_code> Node::listen(const Address& address) {
    return backend_->listen(address);
}

Result<Address, std::error_code> Node::listen_websocket(const Address& address,
                                                        const WebSocketOptions& options) {
    return backend_->listen_websocket(address, options, platform::PortUse::alone);
}

asio::awaitable<Result<Session, std::error_code>> Node::connect(Destination destination,
                                                                ConnectOptions options) {
    return await_result<Session, SessionPointer>(
        backend_, [destination = std::move(destination), options](auto& backend, auto completion) {
            return backend.connect(destination, options, std::move(completion));
        });
}

asio::awaitable<Result<Session, std::error_code>> Node::accept() {
    return await_result<Session, SessionPointer>(backend_, [](auto& backend, auto completion) {
        return backend.accept(std::move(completion));
    });
}

void Node::handle(std::string endpoint, StreamHandler handler) {
    backend_->handle_endpoint(std::move(endpoint), std::move(handler));
}

void Node::handle_messages(std::string endpoint, MessageHandler handler) {
    backend_->handle_endpoint(std::move(endpoint), std::move(handler));
}

void Node::remove_handler(std::string_view endpoint) {
    backend_->handlers().remove(endpoint);
}

void Node::handle_custom(std::uint8_t type, CustomHandler handler) {
    backend_->handle_custom(type, std::move(handler));
}

void Node::remove_custom_handler(std::uint8_t type) {
    backend_->remove_custom_handler(type);
}

void Node::network_changed() {
    backend_->network_changed();
}

NodeId Node::id() const {
    return backend_->id();
}

asio::awaitable<void> Node::close() {
    return await_close(backend_);
}

}  // namespace stt
