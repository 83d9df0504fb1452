// The threads of a node group, and what its members ask of them.
#pragma once

#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stt/node_group.hpp>
#include <system_error>
#include <thread>
#include <vector>

#include "node/node_backend.hpp"
#include "node/shard_mail.hpp"

namespace stt::detail {

// Each thread runs an io_context with two nodes of one identity: one shard of the node that
// answers, and one that connects, whose sockets and sessions are the thread's own.
class GroupBackend {
public:
    // `is_steered` false leaves it to the kernel to spread datagrams, as one that cannot do better
    // does: all works, by forwarding.
    explicit GroupBackend(NodeGroupConfig config, bool is_steered = true);
    ~GroupBackend();

    std::size_t thread_count() const noexcept { return shards_.size(); }
    const NodeId& id() const noexcept { return id_; }
    asio::any_io_executor executor(std::size_t thread) const {
        return shards_[thread]->context.get_executor();
    }
    NodeGroupStatistics statistics() const { return mail_.statistics(); }

    Result<SeedId, std::error_code> add_seed(const Seed& seed, std::optional<Duration> lifetime);
    Result<bool, std::error_code> remove_seed(SeedId seed);
    Result<Address, std::error_code> listen(const Address& address);
    Result<Address, std::error_code> listen_websocket(const Address& address,
                                                      WebSocketOptions options);
    void handle_sessions(const SessionHandler& handler);
    // The node that connects, of the thread that runs `executor`. Null: it is none of the group's.
    Node* connecting_node(const asio::any_io_executor& executor);
    std::error_code close();

    // Calls act(NodeBackend&) soon, on all threads, for both nodes of each.
    template <class Act>
    void on_all_nodes(const Act& act) {
        for (const auto& shard : shards_) {
            asio::post(shard->context, [act, &shard = *shard] {
                if (shard.answering == nullptr) return;
                act(*shard.answering);
                act(*shard.connecting);
            });
        }
    }

private:
    struct Shard {
        asio::io_context context{1};
        asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
        std::shared_ptr<NodeBackend> answering;
        std::shared_ptr<NodeBackend> connecting;
        std::optional<Node> answering_node;
        std::optional<Node> connecting_node;
        SessionHandler session_handler;
        bool is_accepting = false;
        std::thread thread;
    };

    // Calls act(Shard&) on the shard's thread, and waits for what it returns.
    template <class Act>
    auto call(Shard& shard, Act act) {
        std::packaged_task<std::invoke_result_t<Act, Shard&>()> task([&] { return act(shard); });
        auto outcome = task.get_future();
        asio::post(shard.context, [&task] { task(); });
        return outcome.get();
    }
    // Whether members that wait may: not on a thread that they would wait for, nor after close().
    std::error_code refusal() const;
    bool is_own_thread() const;
    static asio::awaitable<void> accept(Shard& shard);
    void stop();

    std::mutex control_;  // of the members that wait: one at a time
    std::mutex log_;
    node::ShardMail mail_;
    NodeId id_{};
    bool is_steered_;
    bool is_closed_ = false;
    std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace stt::detail
