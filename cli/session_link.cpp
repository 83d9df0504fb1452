#include "session_link.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/error.hpp>
#include <asio/write.hpp>

#include "async.hpp"

namespace stt::cli {

asio::awaitable<Result<std::size_t, std::error_code>> SessionLink::read_some(MutableBytes buffer) {
    if (is_aborted_) co_return Unexpected(make_error_code(asio::error::operation_aborted));
    const auto [error, count] =
        co_await stream_.async_read_some(asio::buffer(buffer.data(), buffer.size()),
                                         asio::bind_cancellation_slot(reading_.slot(), as_result));
    if (error) co_return Unexpected(error);
    *hearing_ = true;
    co_return count;
}

asio::awaitable<std::error_code> SessionLink::write_all(Bytes data) {
    if (is_aborted_) co_return asio::error::operation_aborted;
    const auto [error, count] =
        co_await asio::async_write(stream_, asio::buffer(data.data(), data.size()),
                                   asio::bind_cancellation_slot(writing_.slot(), as_result));
    static_cast<void>(count);
    co_return error;
}

void SessionLink::abort() {
    if (ends_session_) return session_.close(close_given_up, "gave up");
    is_aborted_ = true;
    stream_.reset(close_given_up);
    stream_.stop(close_given_up);
    reading_.emit(asio::cancellation_type::terminal);
    writing_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> SessionLink::wait_acknowledged() {
    const auto [error, nothing] = co_await stream_.async_wait_acknowledged(as_result);
    static_cast<void>(error);
    static_cast<void>(nothing);
}

}  // namespace stt::cli
