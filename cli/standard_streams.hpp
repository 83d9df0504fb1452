// Standard input and output of any sort: files, pipes, terminals.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>
#include <cstddef>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <system_error>

namespace stt::cli {

// Each direction has a thread that blocks: epoll cannot wait for regular files, and
// O_NONBLOCK would change the terminal for every other program on it.
//
// A thread that waits for a terminal or a pipe cannot be called back: a program that
// used this ends with std::_Exit().
class StandardStreams {
public:
    StandardStreams() : input_(1), output_(1) {}

    // 0 at the end of the input. `buffer` must outlive even a call that is given up.
    asio::awaitable<Result<std::size_t, std::error_code>> read(MutableBytes buffer);
    asio::awaitable<std::error_code> write(Bytes data);
    // Tells the reader of our output that it is complete.
    asio::awaitable<std::error_code> close_output();

private:
    asio::thread_pool input_;
    asio::thread_pool output_;
};

}  // namespace stt::cli
