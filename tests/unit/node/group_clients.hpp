// Many nodes of one seed that reach a node group, and what it serves to them.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stt/node_group.hpp>
#include <thread>

#include "tests/unit/node/loopback.hpp"

namespace stt::node_test {

inline const Address any_loopback = Address::ipv4({127, 0, 0, 1}, 0);

// Sends back all that comes, on whatever thread.
inline asio::awaitable<void> echo_all(Session, Stream stream) {
    std::vector<std::uint8_t> buffer(16'384);
    for (;;) {
        auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), as_tuple);
        if (error) break;
        co_await asio::async_write(stream, asio::buffer(buffer.data(), size), as_tuple);
    }
    stream.finish();
    co_await stream.async_wait_acknowledged(as_tuple);
}

// Which threads have served which peer.
class ThreadLog {
public:
    void note(const NodeId& peer) {
        const std::lock_guard lock(mutex_);
        threads_[peer].insert(std::this_thread::get_id());
    }
    bool is_one_thread_for_each() const {
        const std::lock_guard lock(mutex_);
        for (const auto& [peer, threads] : threads_) {
            if (threads.size() != 1) return false;
        }
        return true;
    }
    std::size_t thread_count() const {
        const std::lock_guard lock(mutex_);
        std::set<std::thread::id> all;
        for (const auto& [peer, threads] : threads_) all.insert(threads.begin(), threads.end());
        return all.size();
    }

private:
    mutable std::mutex mutex_;
    std::map<NodeId, std::set<std::thread::id>> threads_;
};

// Echoes, and notes on which thread.
inline StreamHandler echo_noted_in(ThreadLog& log) {
    return [&log](Session session, Stream stream) {
        log.note(session.peer_node_id());
        return echo_all(std::move(session), std::move(stream));
    };
}

struct Clients {
    explicit Clients(std::size_t count, const Seed& seed, const NodeConfig& config = {}) {
        for (std::size_t i = 0; i < count; ++i) {
            nodes.push_back(std::make_unique<Node>(context, seed, config));
        }
    }

    // Runs one coroutine for each node, all at once, to their ends; a minute is for what hangs.
    template <class Work>
    void run_each(Work work) {
        std::size_t running = nodes.size();
        std::exception_ptr thrown;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            asio::co_spawn(context, work(*nodes[i], i), [&](std::exception_ptr exception) {
                if (exception) thrown = exception;
                --running;
            });
        }
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (running > 0 && std::chrono::steady_clock::now() < deadline) {
            context.run_one_for(std::chrono::milliseconds(100));
        }
        if (thrown) std::rethrow_exception(thrown);
        REQUIRE_MESSAGE(running == 0, "a coroutine did not end within a minute");
    }

    // Whether `bytes` come back whole.
    asio::awaitable<bool> is_echoed(Session& session, const std::vector<std::uint8_t>& bytes) {
        auto stream = co_await session.open_stream("echo");
        if (!stream) co_return false;
        write_meanwhile(context, *stream, bytes);
        std::vector<std::uint8_t> back(bytes.size());
        auto [error, size] = co_await asio::async_read(*stream, asio::buffer(back), as_tuple);
        if (error || back != bytes) co_return false;
        std::uint8_t more = 0;
        auto [end, none] = co_await stream->async_read_some(asio::buffer(&more, 1), as_tuple);
        co_return end == asio::error::eof;
    }

    asio::io_context context{1};
    std::vector<std::unique_ptr<Node>> nodes;
};

inline NodeGroupConfig three_threads() {
    NodeGroupConfig config;
    config.thread_count = 3;
    return config;
}

// Sums over the threads.
inline std::uint64_t sum(const NodeGroupStatistics& statistics,
                         std::uint64_t NodeGroupStatistics::Thread::*count) {
    std::uint64_t total = 0;
    for (const auto& thread : statistics.threads) total += thread.*count;
    return total;
}

}  // namespace stt::node_test
