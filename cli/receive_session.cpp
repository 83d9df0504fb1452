#include "receive_session.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <asio/steady_timer.hpp>

#include "network.hpp"
#include "terminal_text.hpp"

namespace stt::cli {
namespace {

// A sender that has everything confirmed and does not close is closed after this time.
constexpr std::chrono::seconds sender_leave_time{5};

}  // namespace

ReceiveSession::ReceiveSession(Session session, Stream stream, const UniqueFd& directory,
                               PartRegistry& parts, bool overwrite, Console& console,
                               const asio::any_io_executor& executor, bool ends_session)
    : session_(session),
      peer_(session.peer_address().to_string()),
      console_(console),
      lines_(console),
      counters_(std::make_shared<Counters>()),
      executor_(executor),
      ends_session_(ends_session),
      link_(std::move(session), std::move(stream), ends_session),
      engine_(
          UniqueFd(::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0)), parts, overwrite,
          [this](const std::string& text) { lines_.report(SourceTree::Severity::failure, text); },
          *counters_),
      worker_(1) {}

asio::awaitable<ExitCode> ReceiveSession::run() {
    const auto begin = std::chrono::steady_clock::now();
    ReceivePump pump(link_, engine_, worker_, executor_);
    end_ = co_await pump.run();
    elapsed_ = std::chrono::steady_clock::now() - begin;
    if (ends_session_) {
        co_await leave();
    } else if (end_.is_complete) {
        co_await link_.wait_acknowledged();
    }
    lines_.close();
    co_return end_.is_complete && counters_->files_failed == 0 ? ExitCode::ok
                                                               : ExitCode::incomplete;
}

// The last answers are on their way: the sender closes once it has them.
asio::awaitable<void> ReceiveSession::leave() {
    asio::steady_timer timer(executor_, sender_leave_time);
    timer.async_wait([session = session_](std::error_code error) mutable {
        if (!error) session.close();
    });
    co_await session_.wait_closed();
    timer.cancel();
}

void ReceiveSession::say_result() {
    const bool is_refused = !*link_.hearing() && (end_.error == Failure::stream_reset ||
                                                  end_.error == Failure::stream_stopped);
    // Of the streams that this side opens, which are those to what is shared.
    if (!end_.is_complete && is_refused) {
        console_.error(fmt::format("{} shares nothing: stt web --share must run there", peer_));
        return;
    }
    if (!end_.is_complete) {
        const std::string reason =
            end_.failure.empty() ? end_reason(session_, end_.error) : end_.failure;
        console_.error(
            fmt::format("the transfer from {} ended early: {}; unfinished files are kept "
                        "and resume when they are sent again",
                        peer_, reason));
        return;
    }
    const std::uint64_t moved = counters_->bytes_done - counters_->bytes_skipped;
    const double seconds = std::chrono::duration<double>(elapsed_).count();
    std::string text = fmt::format(
        "received {}, {} from {} in {} ({})", format_count(counters_->files_done, "file", "files"),
        format_size(counters_->bytes_done), peer_, format_duration(elapsed_),
        format_rate(static_cast<double>(moved) / seconds));
    if (counters_->bytes_skipped > 0) {
        text += fmt::format("; {} of it were already there", format_size(counters_->bytes_skipped));
    }
    if (counters_->files_failed > 0) {
        text += fmt::format("; {} not received",
                            format_count(counters_->files_failed, "entry", "entries"));
    }
    console_.say(text);
}

}  // namespace stt::cli
