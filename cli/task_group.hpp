// Coroutines that a command starts and does not await one by one.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <cstddef>
#include <exception>
#include <utility>

#include "async.hpp"

namespace stt::cli {

// Runs until all have ended: whoever owns it awaits wait(), and outlives that.
class TaskGroup {
public:
    // `changed` is notified when one has ended, and outlives this.
    TaskGroup(asio::any_io_executor executor, Notifier& changed)
        : executor_(std::move(executor)), changed_(changed) {}

    // What a coroutine throws ends the program.
    void spawn(asio::awaitable<void> coroutine) {
        ++count_;
        asio::co_spawn(executor_, std::move(coroutine), [this](const std::exception_ptr& error) {
            --count_;
            changed_.notify();
            if (error) std::rethrow_exception(error);
        });
    }
    asio::awaitable<void> wait() {
        while (count_ > 0) co_await changed_.wait();
    }

private:
    asio::any_io_executor executor_;
    Notifier& changed_;
    std::size_t count_ = 0;
};

}  // namespace stt::cli
