#include <fmt/format.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "async.hpp"
#include "console.hpp"
#include "interrupt.hpp"
#include "listening.hpp"
#include "network.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "seed_file.hpp"
#include "send_session.hpp"
#include "target.hpp"
#include "terminal_text.hpp"

namespace stt::cli {
namespace {

// Who came and says nothing of the files for this time is not who they are for.
constexpr std::chrono::seconds patience{10};

class Sender {
public:
    // `target`: where to send to; null: wait for who comes.
    Sender(asio::io_context& context, const SendOptions& options, std::vector<SourceRoot> roots,
           std::optional<Target> target, const Seed& seed)
        : options_(options),
          roots_(std::move(roots)),
          target_(std::move(target)),
          executor_(context.get_executor()),
          interrupt_(context),
          node_(context, seed, node_config(options.common)) {
        interrupt_.set_handler([this] { on_interrupt(); });
    }

    asio::awaitable<void> run() {
        if (target_) {
            co_await send_to_target();
        } else {
            co_await send_to_first();
        }
        co_await node_.close();
        interrupt_.cancel();
    }

    ExitCode exit_code() const {
        return interrupt_.happened() ? interrupt_.exit_code() : exit_code_;
    }

private:
    asio::awaitable<void> send_to_target() {
        auto connected = co_await connect(node_, *target_, options_.common);
        if (!connected) co_return fail(connected.error());
        session_ = *connected;
        static_cast<void>(co_await transfer(to_string(*target_), false));
    }

    asio::awaitable<void> send_to_first() {
        const auto listening = listen(node_, options_.meet.listen, MainPort::udp, console_);
        if (!listening) co_return fail(listening.error());
        console_.say(fmt::format("listening on {}, sending to the first that takes it",
                                 to_string(*listening)));
        bool is_over = false;
        while (!is_over && !interrupt_.happened()) {
            auto session = co_await node_.accept();
            if (!session) co_return;
            session_ = *session;
            is_over = co_await transfer(session_.peer_address().to_string(), true);
        }
    }

    // False: the other side is there for something else.
    asio::awaitable<bool> transfer(std::string peer, bool may_be_another) {
        refuse_streams(session_);
        asio::co_spawn(executor_, tell_reachability(session_, console_), asio::detached);
        auto stream = co_await session_.open_stream(std::string(transfer_endpoint));
        if (!stream) {
            if (may_be_another && !interrupt_.happened()) co_return false;
            end_early(
                {ExitCode::incomplete, fmt::format("the transfer to {} ended early: {}; run the "
                                                   "same command again to resume",
                                                   peer, end_reason(session_, stream.error()))});
            co_return true;
        }
        SendSession sending(session_, *std::move(stream), roots_, peer, console_, executor_,
                            SendSession::Afterwards::end_session);
        asio::steady_timer timer(executor_, patience);
        if (may_be_another) close_if_silent(timer, sending);
        const auto display = ProgressDisplay::start(console_, executor_);
        display->add(sending.counters());
        co_await sending.run();
        timer.cancel();
        display->stop();
        const bool is_complete = sending.end().is_complete;
        if (!is_complete && may_be_another && !sending.has_heard() && !interrupt_.happened()) {
            session_.close();
            co_return false;
        }
        if (is_complete) {
            sending.say_summary("sent");
            if (sending.counters()->files_failed > 0) exit_code_ = ExitCode::incomplete;
        } else {
            end_early(sending.problem());
        }
        session_.close();
        co_return true;
    }

    // `sending` is told while it runs, and cancels the timer when it has ended.
    void close_if_silent(asio::steady_timer& timer, const SendSession& sending) {
        timer.async_wait(
            [heard = sending.hearing(), session = session_](std::error_code error) mutable {
                if (!error && !*heard) session.close(close_given_up, "you do not take these files");
            });
    }

    void end_early(const Problem& problem) {
        if (interrupt_.happened()) {
            console_.error("interrupted; run the same command again to resume");
        } else {
            fail(problem);
        }
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
    std::vector<SourceRoot> roots_;
    std::optional<Target> target_;
    asio::any_io_executor executor_;
    Console console_;
    Interrupt interrupt_;
    Node node_;
    Session session_;
    ExitCode exit_code_ = ExitCode::ok;
};

struct Inputs {
    std::optional<Target> target;
    Seed seed;
    std::vector<SourceRoot> roots;
};

Result<Inputs, Problem> read_inputs(const SendOptions& options) {
    STT_TRY(std::optional<Target> target, read_meeting(options.meet, options.common));
    STT_TRY(Seed seed, read_seed_file(options.common.seed_file));
    STT_TRY(std::vector<SourceRoot> roots, source_roots(options.paths));
    return Inputs{std::move(target), std::move(seed), std::move(roots)};
}

}  // namespace

ExitCode run_send(const SendOptions& options) {
    auto inputs = read_inputs(options);
    if (!inputs) {
        Console().error(inputs.error().text);
        return inputs.error().code;
    }
    asio::io_context context(1);
    Sender sender(context, options, std::move(inputs->roots), std::move(inputs->target),
                  inputs->seed);
    asio::co_spawn(context, sender.run(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    return sender.exit_code();
}

}  // namespace stt::cli
