#include "node/group_backend.hpp"

#include <algorithm>
#include <asio/detached.hpp>
#include <asio/use_future.hpp>
#include <stt/check.hpp>

#include "core/handshake/messages.hpp"
#include "platform/shared_port.hpp"

namespace stt::detail {
namespace {

using platform::PortUse;

static_assert(node_group_thread_count_max == handshake::shard_count_max);

// Where a Session ID begins in a frame. Spec protocol §3.1.
constexpr std::size_t session_id_offset = 3;

std::size_t thread_count_of(const NodeGroupConfig& config) {
    const std::size_t wanted =
        config.thread_count != 0 ? config.thread_count : std::thread::hardware_concurrency();
    return std::clamp<std::size_t>(wanted, 1, node_group_thread_count_max);
}

template <class Number>
void divide(Number& limit, std::size_t count) {
    limit = static_cast<Number>(limit / count + (limit % count == 0 ? 0 : 1));
}

// Of one shard of `count`.
NodeConfig shard_config(const NodeGroupConfig& group, std::size_t index, std::size_t count) {
    NodeConfig config = group.node;
    divide(config.session_count_max, count);
    divide(config.half_open_count_max, count);
    divide(config.nonce_count_max, count);
    for (HandshakeRate* rate : {&config.handshake_rate, &config.handshake_rate_of_source}) {
        divide(rate->per_second, count);
        divide(rate->burst, count);
    }
    if (group.trace) {
        config.trace = [trace = group.trace, index](std::string_view piece) {
            trace(index, piece);
        };
    }
    return config;
}

// A HELLO that came once and comes again must meet the one shard that remembers it, so a node that
// connects answers none. Spec protocol §4.1 (e), (j).
NodeConfig connecting_config(NodeConfig config) {
    config.half_open_count_max = 0;
    config.trace = nullptr;
    return config;
}

PortUse port_use(std::size_t index, std::size_t count) noexcept {
    if (count == 1) return PortUse::alone;
    return index == 0 ? PortUse::first : PortUse::further;
}

}  // namespace

GroupBackend::GroupBackend(NodeGroupConfig config, bool is_steered)
    : mail_(thread_count_of(config)), is_steered_(is_steered) {
    STT_CHECK(!config.node.trace);
    const std::size_t count = mail_.count();
    if (!config.node.identity) {
        platform::SystemRandom random;
        random.fill(config.node.identity.emplace());
    }
    if (config.node.log) {
        config.node.log = [this, log = config.node.log](LogLevel level, std::string_view line) {
            const std::lock_guard lock(log_);
            log(level, line);
        };
    }
    for (std::size_t index = 0; index < count; ++index) {
        auto shard = std::make_unique<Shard>();
        const NodeConfig of_shard = shard_config(config, index, count);
        shard->answering = std::make_shared<NodeBackend>(shard->context, of_shard,
                                                         node::ShardSeat{index, count, &mail_});
        shard->connecting =
            std::make_shared<NodeBackend>(shard->context, connecting_config(of_shard));
        shard->answering_node.emplace(shard->answering);
        shard->connecting_node.emplace(shard->connecting);
        mail_.set_wake(index, [&context = shard->context, weak = std::weak_ptr(shard->answering)] {
            asio::post(context, [weak] {
                if (const auto node = weak.lock()) node->take_mail();
            });
        });
        shards_.push_back(std::move(shard));
    }
    id_ = shards_.front()->answering->id();
    for (const auto& shard : shards_) {
        shard->thread = std::thread([&context = shard->context] { context.run(); });
    }
}

GroupBackend::~GroupBackend() {
    STT_CHECK(!is_own_thread());
    stop();
}

bool GroupBackend::is_own_thread() const {
    return std::any_of(shards_.begin(), shards_.end(), [](const auto& shard) {
        return shard->thread.get_id() == std::this_thread::get_id();
    });
}

std::error_code GroupBackend::refusal() const {
    if (is_own_thread()) return make_error_code(std::errc::resource_deadlock_would_occur);
    return {};
}

// ---- what all threads must do

Result<SeedId, std::error_code> GroupBackend::add_seed(const Seed& seed,
                                                       std::optional<Duration> lifetime) {
    if (const auto error = refusal()) return Unexpected(error);
    const std::lock_guard lock(control_);
    if (is_closed_) return Unexpected(make_error_code(Failure::node_closed));
    // All nodes have the same seeds with the same ends, and give the same one the same number: what
    // the first has room for, the later ones have, at whose time no fewer have expired.
    const auto expires_at = NodeBackend::expiry_of(lifetime);
    SeedId id{};
    for (const auto& shard : shards_) {
        const auto added = call(*shard, [&](Shard& each) -> Result<SeedId, std::error_code> {
            STT_TRY(const SeedId answering, each.answering->add_seed(seed, expires_at));
            STT_TRY(const SeedId connecting, each.connecting->add_seed(seed, expires_at));
            STT_CHECK(answering == connecting);
            return answering;
        });
        if (!added) {
            STT_CHECK(shard == shards_.front());
            return added;
        }
        id = *added;
    }
    return id;
}

Result<bool, std::error_code> GroupBackend::remove_seed(SeedId seed) {
    if (const auto error = refusal()) return Unexpected(error);
    const std::lock_guard lock(control_);
    if (is_closed_) return false;
    bool is_removed = false;
    for (const auto& shard : shards_) {
        is_removed |= call(*shard, [&](Shard& each) {
            each.connecting->remove_seed(seed);
            return each.answering->remove_seed(seed);
        });
    }
    return is_removed;
}

Result<Address, std::error_code> GroupBackend::listen(const Address& address) {
    if (const auto error = refusal()) return Unexpected(error);
    const std::lock_guard lock(control_);
    if (is_closed_) return Unexpected(make_error_code(Failure::node_closed));
    // All are bound before any receives: the kernel numbers them in this order.
    std::vector<transport::UdpSocket> sockets;
    const std::size_t count = shards_.size();
    for (std::size_t i = 0; i < count; ++i) {
        transport::UdpOptions options;
        options.port_use = port_use(i, count);
        const Address at = i == 0 ? address : sockets.front().local_address();
        STT_TRY(auto socket, transport::UdpSocket::bind(at, options));
        sockets.push_back(std::move(socket));
    }
    if (is_steered_ && count > 1) {
        const int handle = sockets.front().native_handle();
        if (const auto error = platform::steer_by_byte(handle, session_id_offset, count)) {
            shards_.front()->answering->log(
                LogLevel::warning,
                "datagrams are forwarded between threads, which is slower: " + error.message());
        }
    }
    const Address bound = sockets.front().local_address();
    for (std::size_t i = 0; i < count; ++i) {
        const auto listening = call(*shards_[i], [&](Shard& shard) {
            return shard.answering->listen(std::move(sockets[i]));
        });
        // What is wrong, as another socket of the family, is so with all.
        if (!listening) return listening;
    }
    return bound;
}

Result<Address, std::error_code> GroupBackend::listen_websocket(const Address& address,
                                                                WebSocketOptions options) {
    if (const auto error = refusal()) return Unexpected(error);
    const std::lock_guard lock(control_);
    if (is_closed_) return Unexpected(make_error_code(Failure::node_closed));
    const std::size_t count = shards_.size();
    divide(options.unauthenticated_max, count);
    divide(options.unauthenticated_max_of_source, count);
    Address bound = address;
    for (std::size_t i = 0; i < count; ++i) {
        const auto listening = call(*shards_[i], [&](Shard& shard) {
            return shard.answering->listen_websocket(bound, options, port_use(i, count));
        });
        if (!listening) {
            for (std::size_t k = 0; k < i; ++k) {
                call(*shards_[k],
                     [&](Shard& shard) { shard.answering->stop_listening_websocket(bound); });
            }
            return listening;
        }
        bound = *listening;
    }
    return bound;
}

// ---- sessions

void GroupBackend::handle_sessions(const SessionHandler& handler) {
    for (const auto& shard : shards_) {
        asio::post(shard->context, [handler, &shard = *shard] {
            shard.session_handler = handler;
            if (shard.answering == nullptr || std::exchange(shard.is_accepting, true)) return;
            asio::co_spawn(shard.context, accept(shard), asio::detached);
        });
    }
}

asio::awaitable<void> GroupBackend::accept(Shard& shard) {
    while (shard.answering_node) {
        auto session = co_await shard.answering_node->accept();
        if (!session) co_return;
        // Held by the coroutine: another one may take the handler's place.
        const auto handler = std::make_shared<const SessionHandler>(shard.session_handler);
        asio::co_spawn(shard.context, (*handler)(*std::move(session)),
                       [handler, weak = std::weak_ptr(shard.answering)](std::exception_ptr thrown) {
                           const auto node = weak.lock();
                           if (thrown == nullptr || node == nullptr) return;
                           node->log(LogLevel::warning,
                                     "the handler of sessions failed: " + node::text_of(thrown));
                       });
    }
}

Node* GroupBackend::connecting_node(const asio::any_io_executor& executor) {
    const asio::execution_context& context = asio::query(executor, asio::execution::context);
    for (const auto& shard : shards_) {
        if (&context == &shard->context && shard->connecting_node) {
            return &*shard->connecting_node;
        }
    }
    return nullptr;
}

// ---- the end

std::error_code GroupBackend::close() {
    if (const auto error = refusal()) return error;
    const std::lock_guard lock(control_);
    if (std::exchange(is_closed_, true)) return {};
    // All at once: closes of one thread's sessions may go by another's WebSockets.
    std::vector<std::future<void>> closes;
    for (const auto& shard : shards_) {
        for (auto* const node : {&*shard->answering_node, &*shard->connecting_node}) {
            closes.push_back(asio::co_spawn(shard->context, node->close(), asio::use_future));
        }
    }
    for (auto& each : closes) each.get();
    stop();
    return {};
}

void GroupBackend::stop() {
    is_closed_ = true;
    for (const auto& shard : shards_) {
        if (!shard->thread.joinable()) continue;
        asio::post(shard->context, [&shard = *shard] {
            shard.answering_node.reset();
            shard.connecting_node.reset();
            shard.answering.reset();
            shard.connecting.reset();
            // Behind all that the nodes' ends completed.
            asio::post(shard.context, [&shard] { shard.context.stop(); });
        });
    }
    for (const auto& shard : shards_) {
        if (shard->thread.joinable()) shard->thread.join();
    }
}

}  // namespace stt::detail
