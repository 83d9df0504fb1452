#include <fmt/format.h>

#include <array>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "async.hpp"
#include "console.hpp"
#include "interrupt.hpp"
#include "listening.hpp"
#include "network.hpp"
#include "options.hpp"
#include "seed_file.hpp"
#include "session_link.hpp"
#include "standard_streams.hpp"
#include "terminal_text.hpp"

namespace stt::cli {
namespace {

constexpr std::string_view pipe_endpoint = "pipe";
constexpr std::size_t buffer_size = 256u * 1024;
// Who is done first waits this long for the other to leave, then leaves.
constexpr std::chrono::seconds leave_time{5};

class Pipe {
public:
    Pipe(asio::io_context& context, const PipeOptions& options, const Seed& seed)
        : options_(options),
          executor_(context.get_executor()),
          changed_(executor_),
          interrupt_(context),
          node_(context, seed, node_config(options.common)) {
        interrupt_.set_handler([this] { on_interrupt(); });
    }

    asio::awaitable<ExitCode> run() {
        if (options_.meet.waits) {
            co_await accept();
        } else {
            co_await open();
        }
        if (stream_) {
            spawn(tell_reachability(session_, console_));
            spawn(send_input());
            spawn(receive_output());
            // A terminal that nobody types on must not keep us once all is lost.
            while (!(sent_ && received_) && !problem_) co_await changed_.wait();
            if (problem_) {
                session_.close(close_given_up, problem_->text);
            } else {
                co_await leave();
            }
        }
        if (problem_ && !interrupt_.happened()) console_.error(problem_->text);
        co_await node_.close();
        if (interrupt_.happened()) co_return interrupt_.exit_code();
        co_return problem_ ? problem_->code : ExitCode::ok;
    }

private:
    void spawn(asio::awaitable<void> coroutine) {
        asio::co_spawn(executor_, std::move(coroutine), [](const std::exception_ptr& error) {
            if (error) std::rethrow_exception(error);
        });
    }

    void fail(ExitCode code, std::string text) {
        if (!problem_) problem_ = Problem{code, std::move(text)};
        changed_.notify();
    }

    asio::awaitable<void> open() {
        const auto target = parse_target(options_.meet.target, options_.common);
        if (!target) co_return fail(target.error().code, target.error().text);
        auto session = co_await connect(node_, *target, options_.common);
        if (!session) co_return fail(session.error().code, session.error().text);
        session_ = *session;
        auto stream = co_await session_.open_stream(std::string(pipe_endpoint));
        if (!stream) co_return lost(stream.error());
        stream_ = *std::move(stream);
    }

    asio::awaitable<void> accept() {
        const auto listening = listen(node_, options_.meet.listen, MainPort::udp, console_);
        if (!listening) co_return fail(listening.error().code, listening.error().text);
        // Standard output belongs to the stream.
        console_.note(fmt::format("listening on {}", to_string(*listening)));
        spawn(accept_sessions());
        while (!stream_ && !problem_) co_await changed_.wait();
    }

    // Several peers may knock, and some only ping: the first that opens the pipe has it.
    asio::awaitable<void> accept_sessions() {
        for (;;) {
            auto session = co_await node_.accept();
            if (!session) co_return;
            if (stream_) {
                session->close(static_cast<std::uint64_t>(ErrorCode::refused),
                               "this pipe is taken");
            } else {
                spawn(wait_for_stream(*std::move(session)));
            }
        }
    }

    asio::awaitable<void> wait_for_stream(Session session) {
        for (;;) {
            auto stream = co_await session.accept_stream();
            if (!stream) co_return;
            if (stream->endpoint() == pipe_endpoint && !stream_) {
                session_ = session;
                stream_ = *std::move(stream);
                changed_.notify();
                co_return;
            }
            refuse(*stream);
        }
    }

    asio::awaitable<void> send_input() {
        for (;;) {
            const auto count = co_await standard_.read(input_buffer_);
            if (!count) {
                stream_->reset(close_given_up);
                co_return fail(ExitCode::failed, fmt::format("cannot read standard input: {}",
                                                             count.error().message()));
            }
            if (*count == 0) break;
            const auto [error, written] = co_await asio::async_write(
                *stream_, asio::buffer(input_buffer_.data(), *count), as_result);
            static_cast<void>(written);
            if (error) co_return lost(error);
        }
        stream_->finish();
        const auto [error, nothing] = co_await stream_->async_wait_acknowledged(as_result);
        static_cast<void>(nothing);
        finished_ = true;
        if (error) co_return lost(error);
        sent_ = true;
        changed_.notify();
    }

    asio::awaitable<void> receive_output() {
        for (;;) {
            const auto [error, count] = co_await stream_->async_read_some(
                asio::buffer(output_buffer_.data(), output_buffer_.size()), as_result);
            if (error == asio::error::eof) break;
            if (error) co_return lost(error);
            const std::error_code failed =
                co_await standard_.write(Bytes(output_buffer_).first(count));
            if (failed) {
                stream_->stop(close_given_up);
                co_return output_failed(failed);
            }
        }
        if (const std::error_code failed = co_await standard_.close_output()) {
            co_return output_failed(failed);
        }
        received_ = true;
        changed_.notify();
    }

    void output_failed(std::error_code error) {
        fail(ExitCode::failed,
             error == std::errc::broken_pipe
                 ? "the program that reads standard output has ended"
                 : fmt::format("cannot write standard output: {}", error.message()));
    }

    void lost(std::error_code error) {
        // The other side has all of ours, or it would not have left with code 0.
        const bool left_well = error == Failure::session_closed_by_peer &&
                               session_.close_reason().code == 0 && received_ && finished_;
        if (left_well) {
            sent_ = true;
            changed_.notify();
            return;
        }
        const bool by_stream = error == Failure::stream_reset || error == Failure::stream_stopped;
        if (by_stream && stream_->reset_code() == static_cast<std::uint64_t>(ErrorCode::refused)) {
            return fail(ExitCode::network,
                        "there is no pipe on the other side: stt pipe --listen "
                        "must run there");
        }
        if (by_stream) {
            return fail(ExitCode::incomplete,
                        "the other side gave the pipe up: its program ended, "
                        "or its disk is full");
        }
        fail(ExitCode::incomplete,
             fmt::format("the pipe broke: {}; what is missing cannot be resumed",
                         end_reason(session_, error)));
    }

    // Both ends know that all is done when one closes; the listening end waits for it, so
    // that nothing that it has not read yet is cut off.
    asio::awaitable<void> leave() {
        if (!options_.meet.waits) {
            session_.close();
            co_return;
        }
        asio::steady_timer timer(executor_, leave_time);
        timer.async_wait([this](std::error_code error) {
            if (!error) session_.close();
        });
        co_await session_.wait_closed();
        timer.cancel();
    }

    void on_interrupt() {
        console_.error("interrupted");
        if (!session_.is_open()) std::_Exit(static_cast<int>(interrupt_.exit_code()));
        session_.close(close_interrupted, "interrupted");
        fail(ExitCode::interrupted, "interrupted");
    }

    const PipeOptions& options_;
    asio::any_io_executor executor_;
    Console console_;
    StandardStreams standard_;
    Notifier changed_;
    Interrupt interrupt_;
    Node node_;
    Session session_;
    std::optional<Stream> stream_;
    std::optional<Problem> problem_;
    bool finished_ = false;  // our END was given to the stream, and it had time to arrive
    bool sent_ = false;      // all of standard input is acknowledged
    bool received_ = false;  // all of the other side's went to standard output
    std::vector<std::uint8_t> input_buffer_ = std::vector<std::uint8_t>(buffer_size);
    std::vector<std::uint8_t> output_buffer_ = std::vector<std::uint8_t>(buffer_size);
};

}  // namespace

ExitCode run_pipe(const PipeOptions& options) {
    const auto seed = read_seed_file(options.common.seed_file);
    if (!seed) {
        Console().error(seed.error().text);
        return seed.error().code;
    }
    asio::io_context context(1);
    Pipe pipe(context, options, *seed);
    asio::co_spawn(context, pipe.run(), [](const std::exception_ptr& error, ExitCode code) {
        if (error) std::rethrow_exception(error);
        // A thread may be waiting for standard input, and will not come back.
        std::_Exit(static_cast<int>(code));
    });
    context.run();
    return ExitCode::failed;
}

}  // namespace stt::cli
