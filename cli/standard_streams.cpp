#include "standard_streams.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "async.hpp"

namespace stt::cli {
namespace {

// A descriptor that another program made non-blocking, such as a shared terminal.
void wait_until_ready(int descriptor, short events) {
    pollfd poll{descriptor, events, 0};
    ::poll(&poll, 1, -1);
}

ssize_t read_blocking(MutableBytes buffer) {
    for (;;) {
        const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (count >= 0) return count;
        if (errno == EAGAIN) {
            wait_until_ready(STDIN_FILENO, POLLIN);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

int write_blocking(Bytes data) {
    while (!data.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, data.data(), data.size());
        if (count >= 0) {
            data = data.subspan(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            wait_until_ready(STDOUT_FILENO, POLLOUT);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

}  // namespace

asio::awaitable<Result<std::size_t, std::error_code>> StandardStreams::read(MutableBytes buffer) {
    const ssize_t count = co_await run_on(input_, [buffer] { return read_blocking(buffer); });
    if (count < 0) {
        co_return Unexpected(std::error_code(static_cast<int>(-count), std::generic_category()));
    }
    co_return static_cast<std::size_t>(count);
}

asio::awaitable<std::error_code> StandardStreams::write(Bytes data) {
    const int error = co_await run_on(output_, [data] { return write_blocking(data); });
    co_return std::error_code(error, std::generic_category());
}

asio::awaitable<std::error_code> StandardStreams::close_output() {
    // A disk that is full may say so only here.
    const int error =
        co_await run_on(output_, [] { return ::close(STDOUT_FILENO) == 0 ? 0 : errno; });
    co_return std::error_code(error, std::generic_category());
}

}  // namespace stt::cli
