#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "async.hpp"
#include "console.hpp"
#include "failure_lines.hpp"
#include "interrupt.hpp"
#include "network.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "seed_file.hpp"
#include "session_link.hpp"
#include "terminal_text.hpp"
#include "transfer/pump.hpp"
#include "transfer/source_scan.hpp"

namespace stt::cli {
namespace {

using Clock = std::chrono::steady_clock;

class Sender {
public:
    Sender(asio::io_context& context, const SendOptions& options, std::vector<SourceRoot> roots,
           Endpoint endpoint, const Seed& seed)
        : options_(options),
          endpoint_(std::move(endpoint)),
          executor_(context.get_executor()),
          lines_(console_),
          counters_(std::make_shared<Counters>()),
          scan_(roots, *counters_),
          engine_(
              std::move(roots),
              [this](SourceTree::Severity severity, const std::string& text) {
                  lines_.report(severity, text);
              },
              *counters_),
          interrupt_(context),
          node_(context, seed, node_config(options.common)),
          worker_(1) {
        interrupt_.set_handler([this] { on_interrupt(); });
    }

    asio::awaitable<void> run() {
        auto session = co_await connect(node_, endpoint_, options_.common);
        if (session) {
            session_ = *session;
            asio::co_spawn(executor_, tell_reachability(session_, console_), asio::detached);
            co_await transfer();
        } else {
            fail(session.error());
        }
        co_await node_.close();
        interrupt_.cancel();
    }

    ExitCode exit_code() const {
        return interrupt_.happened() ? interrupt_.exit_code() : exit_code_;
    }

private:
    asio::awaitable<void> transfer() {
        auto stream = co_await session_.open_stream(std::string(transfer_endpoint));
        if (!stream) {
            end_with(TransferEnd{.error = stream.error(), .failure = {}});
            co_return;
        }
        scan_.start();
        const auto display = ProgressDisplay::start(console_, executor_);
        display->add(counters_);
        const Clock::time_point begin = Clock::now();
        SessionLink link(session_, *std::move(stream));
        SendPump pump(link, engine_, worker_, executor_);
        const TransferEnd end = co_await pump.run();
        display->stop();
        lines_.close();
        if (end.is_complete) {
            say_summary(Clock::now() - begin);
            if (counters_->files_failed > 0) exit_code_ = ExitCode::incomplete;
        } else {
            end_with(end);
        }
        session_.close();
    }

    void say_summary(Clock::duration elapsed) {
        const double seconds = std::chrono::duration<double>(elapsed).count();
        const std::uint64_t moved = counters_->bytes_done - counters_->bytes_skipped;
        const std::string what =
            fmt::format("{}, {}", format_count(counters_->files_done, "file", "files"),
                        format_size(counters_->bytes_done));
        std::string text = fmt::format("sent {} in {} ({})", what, format_duration(elapsed),
                                       format_rate(static_cast<double>(moved) / seconds));
        if (counters_->files_present > 0 && counters_->files_present == counters_->files_done) {
            text = fmt::format("nothing to send: {}, all there already", what);
        } else if (counters_->bytes_skipped > 0) {
            text +=
                fmt::format("; {} of it were already there", format_size(counters_->bytes_skipped));
        }
        if (counters_->files_failed > 0) {
            text += fmt::format("; {} not sent",
                                format_count(counters_->files_failed, "entry", "entries"));
        }
        console_.say(text);
        spdlog::info("content bytes sent: {}, skipped: {}", counters_->bytes_content.load(),
                     counters_->bytes_skipped.load());
    }

    void end_with(const TransferEnd& end) {
        if (interrupt_.happened()) {
            console_.error("interrupted; run the same command again to resume");
        } else if (!end.failure.empty()) {
            fail(
                {ExitCode::incomplete,
                 fmt::format("the transfer stopped: {}; run the same command again to resume, once "
                             "that is mended",
                             end.failure)});
        } else if (is_refusal(end.error)) {
            fail({ExitCode::incomplete, fmt::format("{} takes no files: stt receive must run there",
                                                    to_string(endpoint_))});
        } else {
            fail({ExitCode::incomplete,
                  fmt::format("the transfer to {} ended early: {}; run the same command again to "
                              "resume",
                              to_string(endpoint_), end_reason(session_, end.error))});
        }
    }

    bool is_refusal(std::error_code error) const {
        return counters_->files_done == 0 &&
               (error == Failure::stream_reset || error == Failure::stream_stopped);
    }

    void fail(const Problem& problem) {
        console_.error(problem.text);
        exit_code_ = problem.code;
    }

    void on_interrupt() {
        // During the handshake there is nobody to take leave of, and nothing to resume.
        if (!session_.is_open()) {
            console_.error("interrupted before anything was sent");
            std::_Exit(static_cast<int>(interrupt_.exit_code()));
        }
        session_.close(close_interrupted, "the sender was interrupted");
    }

    const SendOptions& options_;
    Endpoint endpoint_;
    asio::any_io_executor executor_;
    Console console_;
    FailureLines lines_;
    std::shared_ptr<Counters> counters_;
    SourceScan scan_;
    SendEngine engine_;
    Interrupt interrupt_;
    Node node_;
    Session session_;
    ExitCode exit_code_ = ExitCode::ok;
    asio::thread_pool worker_;
};

struct Inputs {
    Endpoint endpoint;
    Seed seed;
    std::vector<SourceRoot> roots;
};

Result<Inputs, Problem> read_inputs(const SendOptions& options) {
    STT_TRY(Endpoint endpoint, parse_endpoint(options.target));
    STT_TRY(Seed seed, read_seed_file(options.common.seed_file));
    STT_TRY(std::vector<SourceRoot> roots, source_roots(options.paths));
    return Inputs{std::move(endpoint), std::move(seed), std::move(roots)};
}

}  // namespace

ExitCode run_send(const SendOptions& options) {
    auto inputs = read_inputs(options);
    if (!inputs) {
        Console().error(inputs.error().text);
        return inputs.error().code;
    }
    asio::io_context context(1);
    Sender sender(context, options, std::move(inputs->roots), std::move(inputs->endpoint),
                  inputs->seed);
    asio::co_spawn(context, sender.run(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    return sender.exit_code();
}

}  // namespace stt::cli
