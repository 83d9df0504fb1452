// One transfer of files to whoever receives them.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <stt/node.hpp>
#include <vector>

#include "console.hpp"
#include "exit_code.hpp"
#include "failure_lines.hpp"
#include "progress.hpp"
#include "session_link.hpp"
#include "transfer/pump.hpp"
#include "transfer/source_scan.hpp"

namespace stt::cli {

class SendSession {
public:
    enum class Afterwards { end_session, keep_session };

    // `peer` is what the person calls the receiver. What is passed by reference outlives it.
    SendSession(Session session, Stream stream, std::vector<SourceRoot> roots, std::string peer,
                Console& console, const asio::any_io_executor& executor, Afterwards afterwards);

    const std::shared_ptr<Counters>& counters() const noexcept { return counters_; }

    // Until everything is confirmed, or the transfer ended early.
    asio::awaitable<void> run();

    // How it ended, of run().
    const TransferEnd& end() const noexcept { return end_; }
    // Becomes true when the receiver has said something; lives on when this has ended.
    const std::shared_ptr<bool>& hearing() const noexcept { return link_.hearing(); }
    bool has_heard() const noexcept { return *link_.hearing(); }
    // The receiver does not take files at all: it refused the stream, or said nothing on it.
    bool is_refused() const;
    // One line when it is complete: "sent" or "shared", what, and how fast.
    void say_summary(std::string_view verb);
    // The line for a person when it is not.
    Problem problem() const;

private:
    Session session_;
    std::string peer_;
    Console& console_;
    FailureLines lines_;
    std::shared_ptr<Counters> counters_;
    asio::any_io_executor executor_;
    SessionLink link_;
    SourceScan scan_;
    SendEngine engine_;
    TransferEnd end_;
    std::chrono::steady_clock::duration elapsed_{};
    asio::thread_pool worker_;
};

}  // namespace stt::cli
