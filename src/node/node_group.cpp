#include <asio/this_coro.hpp>
#include <stt/check.hpp>
#include <stt/node_group.hpp>
#include <utility>

#include "node/group_backend.hpp"

namespace stt {
namespace {

// The group may be gone when this is first awaited, and must not live on for what it waits for.
asio::awaitable<Result<Session, std::error_code>> await_connected(
    std::weak_ptr<detail::GroupBackend> weak, Destination destination, ConnectOptions options) {
    const auto executor = co_await asio::this_coro::executor;
    auto backend = weak.lock();
    Node* const node = backend == nullptr ? nullptr : backend->connecting_node(executor);
    if (node == nullptr) {
        co_return Unexpected(make_error_code(std::errc::operation_not_permitted));
    }
    auto connected = node->connect(std::move(destination), options);
    backend.reset();
    co_return co_await std::move(connected);
}

}  // namespace

NodeGroup::NodeGroup(NodeGroupConfig config)
    : backend_(std::make_shared<detail::GroupBackend>(std::move(config))) {}

NodeGroup::NodeGroup(const Seed& seed, NodeGroupConfig config) : NodeGroup(std::move(config)) {
    // A seed of a wrong size is the program's mistake, as for Node.
    STT_CHECK(add_seed(seed).has_value());
}

NodeGroup::~NodeGroup() = default;

std::size_t NodeGroup::thread_count() const noexcept {
    return backend_->thread_count();
}

NodeId NodeGroup::id() const {
    return backend_->id();
}

Result<SeedId, std::error_code> NodeGroup::add_seed(const Seed& seed,
                                                    std::optional<Duration> lifetime) {
    return backend_->add_seed(seed, lifetime);
}

Result<bool, std::error_code> NodeGroup::remove_seed(SeedId seed) {
    return backend_->remove_seed(seed);
}

Result<Address, std::error_code> NodeGroup::listen(const Address& address) {
    return backend_->listen(address);
}

Result<Address, std::error_code> NodeGroup::listen_websocket(const Address& address,
                                                             const WebSocketOptions& options) {
    return backend_->listen_websocket(address, options);
}

void NodeGroup::handle(std::string endpoint, StreamHandler handler) {
    backend_->on_all_nodes(
        [endpoint = std::move(endpoint), handler = std::move(handler)](detail::NodeBackend& node) {
            node.handle_endpoint(endpoint, handler);
        });
}

void NodeGroup::handle_messages(std::string endpoint, MessageHandler handler) {
    backend_->on_all_nodes(
        [endpoint = std::move(endpoint), handler = std::move(handler)](detail::NodeBackend& node) {
            node.handle_endpoint(endpoint, handler);
        });
}

void NodeGroup::remove_handler(std::string endpoint) {
    backend_->on_all_nodes([endpoint = std::move(endpoint)](detail::NodeBackend& node) {
        node.handlers().remove(endpoint);
    });
}

void NodeGroup::handle_custom(std::uint8_t type, CustomHandler handler) {
    STT_CHECK(type >= custom_type_min);
    backend_->on_all_nodes([type, handler = std::move(handler)](detail::NodeBackend& node) {
        node.handle_custom(type, handler);
    });
}

void NodeGroup::remove_custom_handler(std::uint8_t type) {
    backend_->on_all_nodes([type](detail::NodeBackend& node) { node.remove_custom_handler(type); });
}

void NodeGroup::handle_sessions(SessionHandler handler) {
    backend_->handle_sessions(handler);
}

void NodeGroup::network_changed() {
    backend_->on_all_nodes([](detail::NodeBackend& node) { node.network_changed(); });
}

asio::any_io_executor NodeGroup::executor(std::size_t thread) const {
    STT_CHECK(thread < thread_count());
    return backend_->executor(thread);
}

asio::awaitable<Result<Session, std::error_code>> NodeGroup::connect(Destination destination,
                                                                     ConnectOptions options) {
    return await_connected(backend_, std::move(destination), options);
}

NodeGroupStatistics NodeGroup::statistics() const {
    return backend_->statistics();
}

std::error_code NodeGroup::close() {
    return backend_->close();
}

}  // namespace stt
