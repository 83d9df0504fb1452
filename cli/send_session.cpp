#include "send_session.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "network.hpp"
#include "terminal_text.hpp"

namespace stt::cli {

SendSession::SendSession(Session session, Stream stream, std::vector<SourceRoot> roots,
                         std::string peer, Console& console, const asio::any_io_executor& executor,
                         Afterwards afterwards)
    : session_(session),
      peer_(std::move(peer)),
      console_(console),
      lines_(console),
      counters_(std::make_shared<Counters>()),
      executor_(executor),
      link_(std::move(session), std::move(stream), afterwards == Afterwards::end_session),
      scan_(roots, *counters_),
      engine_(
          std::move(roots),
          [this](SourceTree::Severity severity, const std::string& text) {
              lines_.report(severity, text);
          },
          *counters_),
      worker_(1) {}

asio::awaitable<void> SendSession::run() {
    scan_.start();
    const auto begin = std::chrono::steady_clock::now();
    SendPump pump(link_, engine_, worker_, executor_);
    end_ = co_await pump.run();
    elapsed_ = std::chrono::steady_clock::now() - begin;
    lines_.close();
}

bool SendSession::is_refused() const {
    // One that sends itself gives up as this one does, and its close may be here first.
    const bool has_given_up = end_.error == Failure::session_closed_by_peer &&
                              session_.close_reason().code == close_given_up;
    return counters_->files_done == 0 && !has_heard() &&
           (end_.error == Failure::stream_reset || end_.error == Failure::stream_stopped ||
            has_given_up);
}

void SendSession::say_summary(std::string_view verb) {
    const double seconds = std::chrono::duration<double>(elapsed_).count();
    const std::uint64_t moved = counters_->bytes_done - counters_->bytes_skipped;
    const std::string what =
        fmt::format("{}, {}", format_count(counters_->files_done, "file", "files"),
                    format_size(counters_->bytes_done));
    std::string text =
        fmt::format("{} {} in {} ({}){}", verb, what, format_duration(elapsed_),
                    format_rate(static_cast<double>(moved) / seconds), transport_note(session_));
    if (counters_->files_present > 0 && counters_->files_present == counters_->files_done) {
        text = fmt::format("nothing to send: {}, all there already", what);
    } else if (counters_->bytes_skipped > 0) {
        text += fmt::format("; {} of it were already there", format_size(counters_->bytes_skipped));
    }
    if (counters_->files_failed > 0) {
        text +=
            fmt::format("; {} not sent", format_count(counters_->files_failed, "entry", "entries"));
    }
    console_.say(text);
    spdlog::info("content bytes sent: {}, skipped: {}", counters_->bytes_content.load(),
                 counters_->bytes_skipped.load());
}

Problem SendSession::problem() const {
    if (!end_.failure.empty()) {
        return {ExitCode::incomplete,
                fmt::format("the transfer stopped: {}; run the same command again to resume, once "
                            "that is mended",
                            end_.failure)};
    }
    if (is_refused()) {
        return {ExitCode::incomplete,
                fmt::format("{} takes no files: stt receive must run there", peer_)};
    }
    return {ExitCode::incomplete,
            fmt::format("the transfer to {} ended early: {}; run the same command again to resume",
                        peer_, end_reason(session_, end_.error))};
}

}  // namespace stt::cli
