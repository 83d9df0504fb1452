// One transfer that a receiver serves.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <stt/node.hpp>

#include "console.hpp"
#include "exit_code.hpp"
#include "failure_lines.hpp"
#include "session_link.hpp"
#include "transfer/pump.hpp"

namespace stt::cli {

class ReceiveSession {
public:
    // What is passed by reference outlives the session. `ends_session`: the session is there for
    // this transfer alone, and ends with it.
    ReceiveSession(Session session, Stream stream, const UniqueFd& directory, PartRegistry& parts,
                   bool overwrite, Console& console, const asio::any_io_executor& executor,
                   bool ends_session);

    const std::shared_ptr<Counters>& counters() const noexcept { return counters_; }

    // Until the transfer ended and the sender left, or has all answers.
    asio::awaitable<ExitCode> run();
    // One line: what came, or why it ended early.
    void say_result();

private:
    asio::awaitable<void> leave();

    Session session_;
    std::string peer_;
    Console& console_;
    FailureLines lines_;
    std::shared_ptr<Counters> counters_;
    asio::any_io_executor executor_;
    bool ends_session_;
    SessionLink link_;
    ReceiveEngine engine_;
    TransferEnd end_;
    std::chrono::steady_clock::duration elapsed_{};
    asio::thread_pool worker_;
};

}  // namespace stt::cli
