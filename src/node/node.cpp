#include <stt/node.hpp>

#include "node/await_completion.hpp"
#include "node/node_backend.hpp"
#include "node/session_backend.hpp"

namespace stt {
namespace {

using StreamPointer = std::unique_ptr<detail::StreamBackend>;
using SessionPointer = std::shared_ptr<detail::SessionBackend>;

}  // namespace

Session::Session(std::shared_ptr<detail::SessionBackend> backend) noexcept
    : backend_(std::move(backend)) {}

bool Session::is_open() const noexcept {
    return backend_ != nullptr && !backend_->error();
}

NodeId Session::peer_node_id() const {
    return backend_->peer_node_id();
}

Address Session::peer_address() const {
    return backend_->peer_address();
}

SessionStatistics Session::statistics() const {
    return backend_->statistics();
}

asio::awaitable<Result<Stream, std::error_code>> Session::open_stream(std::string endpoint) {
    auto backend = backend_;
    auto start = [&](Completion<StreamPointer> completion) {
        return backend->open_stream(std::move(endpoint), std::move(completion));
    };
    auto [error, stream] =
        co_await node::await_completion<StreamPointer>(backend->executor(), start);
    if (error) co_return Unexpected(error);
    co_return Stream(std::move(stream));
}

asio::awaitable<Result<Stream, std::error_code>> Session::accept_stream() {
    auto backend = backend_;
    auto start = [&](Completion<StreamPointer> completion) {
        return backend->accept_stream(std::move(completion));
    };
    auto [error, stream] =
        co_await node::await_completion<StreamPointer>(backend->executor(), start);
    if (error) co_return Unexpected(error);
    co_return Stream(std::move(stream));
}

asio::awaitable<Result<Duration, std::error_code>> Session::ping() {
    auto backend = backend_;
    auto start = [&](Completion<Duration> completion) {
        return backend->ping(std::move(completion));
    };
    auto [error, round_trip] =
        co_await node::await_completion<Duration>(backend->executor(), start);
    if (error) co_return Unexpected(error);
    co_return round_trip;
}

void Session::close(std::uint64_t code, std::string_view reason) {
    backend_->close(code, reason);
}

asio::awaitable<std::error_code> Session::wait_closed() {
    auto backend = backend_;
    auto start = [&](Completion<bool> completion) {
        return backend->wait_closed(std::move(completion));
    };
    auto [error, is_closed] = co_await node::await_completion<bool>(backend->executor(), start);
    co_return is_closed ? backend->error() : error;
}

CloseReason Session::close_reason() const {
    return backend_->close_reason();
}

Node::Node(asio::io_context& context, const Seed& seed, NodeConfig config)
    : backend_(std::make_shared<detail::NodeBackend>(context, seed, config)) {}

Node::~Node() {
    backend_->shut_down();
}

Result<Address, std::error_code> Node::listen(const Address& address) {
    return backend_->listen(address);
}

asio::awaitable<Result<Session, std::error_code>> Node::connect(std::vector<Address> addresses) {
    auto backend = backend_;
    auto start = [&](Completion<SessionPointer> completion) {
        return backend->connect(addresses, std::move(completion));
    };
    auto [error, session] =
        co_await node::await_completion<SessionPointer>(backend->executor(), start);
    if (error) co_return Unexpected(error);
    co_return Session(std::move(session));
}

asio::awaitable<Result<Session, std::error_code>> Node::accept() {
    auto backend = backend_;
    auto start = [&](Completion<SessionPointer> completion) {
        return backend->accept(std::move(completion));
    };
    auto [error, session] =
        co_await node::await_completion<SessionPointer>(backend->executor(), start);
    if (error) co_return Unexpected(error);
    co_return Session(std::move(session));
}

NodeId Node::id() const {
    return backend_->id();
}

asio::awaitable<void> Node::close() {
    auto backend = backend_;
    auto start = [&](Completion<bool> completion) { return backend->close(std::move(completion)); };
    co_await node::await_completion<bool>(backend->executor(), start);
}

}  // namespace stt
