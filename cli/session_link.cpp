#include "session_link.hpp"

#include <asio/write.hpp>

#include "async.hpp"

namespace stt::cli {

asio::awaitable<Result<std::size_t, std::error_code>> SessionLink::read_some(MutableBytes buffer) {
    const auto [error, count] =
        co_await stream_.async_read_some(asio::buffer(buffer.data(), buffer.size()), as_result);
    if (error) co_return Unexpected(error);
    co_return count;
}

asio::awaitable<std::error_code> SessionLink::write_all(Bytes data) {
    const auto [error, count] =
        co_await asio::async_write(stream_, asio::buffer(data.data(), data.size()), as_result);
    static_cast<void>(count);
    co_return error;
}

}  // namespace stt::cli
