// The two things that coroutines here wait for besides the network: each other, and
// work on another thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace stt::cli {

// Completes with the error code beside the result, instead of throwing it.
inline constexpr auto as_result = asio::experimental::as_tuple(asio::use_awaitable);

// Wakes coroutines of one thread. There is no state to lose: wait in a loop that looks
// at what is waited for.
class Notifier {
public:
    explicit Notifier(const asio::any_io_executor& executor)
        : timer_(executor, asio::steady_timer::time_point::max()) {}

    asio::awaitable<void> wait() { co_await timer_.async_wait(as_result); }
    void notify() { timer_.cancel(); }

private:
    asio::steady_timer timer_;
};

// Runs `function` on `pool` and returns its result, while the caller's thread goes on
// with other things. What the function refers to must outlive the call.
template <class Function>
auto run_on(asio::thread_pool& pool, Function function) {
    using Outcome = std::invoke_result_t<Function>;
    const auto initiate = [&pool](auto handler, Function work) {
        // Keeps the caller's io_context running meanwhile.
        auto back = asio::prefer(asio::get_associated_executor(handler),
                                 asio::execution::outstanding_work.tracked);
        asio::post(pool, [handler = std::move(handler), work = std::move(work),
                          back = std::move(back)]() mutable {
            auto outcome = work();
            asio::post(back,
                       [handler = std::move(handler), outcome = std::move(outcome)]() mutable {
                           std::move(handler)(std::move(outcome));
                       });
        });
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(Outcome)>(
        initiate, asio::use_awaitable, std::move(function));
}

}  // namespace stt::cli
