#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <functional>
#include <stt/completion.hpp>
#include <system_error>
#include <tuple>
#include <utility>

namespace stt::node {

// What a cancelled operation ends with.
inline const std::error_code aborted = asio::error::operation_aborted;

// Undoes the waiting of an operation; does nothing once the operation has ended.
using Cancel = std::function<void()>;

// Awaits an operation of a backend: `start` is called with a Completion<Outcome> and
// returns how to cancel it.
template <class Outcome, class Start>
asio::awaitable<std::pair<std::error_code, Outcome>> await_completion(
    asio::any_io_executor executor, Start start) {
    const auto token = asio::experimental::as_tuple(asio::use_awaitable);
    auto initiate = [&executor, &start](auto handler) {
        auto slot = asio::get_associated_cancellation_slot(handler);
        Cancel cancel = start(Completion<Outcome>(std::move(handler), executor));
        if (slot.is_connected()) {
            slot.assign([cancel = std::move(cancel)](asio::cancellation_type) { cancel(); });
        }
    };
    auto [error, outcome] =
        co_await asio::async_initiate<decltype(token), void(std::error_code, Outcome)>(initiate,
                                                                                       token);
    co_return std::pair<std::error_code, Outcome>(error, std::move(outcome));
}

}  // namespace stt::node
