#include <fmt/format.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "async.hpp"
#include "console.hpp"
#include "inbox.hpp"
#include "interrupt.hpp"
#include "listening.hpp"
#include "network.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "seed_file.hpp"
#include "session_link.hpp"
#include "target.hpp"
#include "task_group.hpp"
#include "terminal_text.hpp"
#include "transfer/pump.hpp"

namespace stt::cli {
namespace {

// Whom this side connects to must have begun to send by then, unless --timeout says otherwise.
constexpr double patience_seconds = 10;

class Receiver {
public:
    // `target`: where to fetch from; null: wait for those who send.
    Receiver(asio::io_context& context, const ReceiveOptions& options, std::optional<Target> target,
             UniqueFd directory, const Seed& seed)
        : options_(options),
          target_(std::move(target)),
          executor_(context.get_executor()),
          display_(ProgressDisplay::start(console_, executor_)),
          inbox_(std::move(directory), options.overwrite, console_, display_, executor_),
          changed_(executor_),
          tasks_(executor_, changed_),
          interrupt_(context),
          node_(context, seed, node_config(options.common)) {
        interrupt_.set_handler([this] { on_interrupt(); });
    }

    asio::awaitable<void> run() {
        if (target_) {
            co_await fetch();
        } else {
            co_await wait_for_senders();
        }
        close_sessions();
        co_await node_.close();
        // Everything that is under way ends now, and files are safe at every moment.
        co_await tasks_.wait();
        display_->stop();
        interrupt_.cancel();
        if (interrupt_.happened()) {
            console_.error("interrupted; unfinished files resume when they are sent again");
        }
    }

    ExitCode exit_code() const {
        return interrupt_.happened() ? interrupt_.exit_code() : exit_code_;
    }

private:
    void stop() {
        stopping_ = true;
        changed_.notify();
    }

    void on_interrupt() {
        // Nobody is there yet to take leave of.
        if (target_ && sessions_.empty()) {
            console_.error("interrupted before anything was received");
            std::_Exit(static_cast<int>(interrupt_.exit_code()));
        }
        if (target_) close_sessions();
        stop();
    }

    void close_sessions() {
        inbox_.stop();
        for (auto& [number, session] : sessions_) {
            session.close(interrupt_.happened() ? close_interrupted : 0,
                          interrupt_.happened() ? "the receiver was stopped" : "");
        }
    }

    void fail(const Problem& problem) {
        console_.error(problem.text);
        exit_code_ = problem.code;
    }

    // ---- those who come

    asio::awaitable<void> wait_for_senders() {
        const auto listening = listen(node_, options_.meet.listen, MainPort::udp, console_);
        if (!listening) co_return fail(listening.error());
        console_.say(fmt::format("listening on {}, receiving into {}", to_string(*listening),
                                 quoted(options_.directory)));
        tasks_.spawn(accept_sessions());
        while (!stopping_) co_await changed_.wait();
    }

    asio::awaitable<void> accept_sessions() {
        while (!stopping_) {
            auto session = co_await node_.accept();
            if (!session) co_return;
            tasks_.spawn(serve(*std::move(session)));
        }
    }

    // One peer: any number of transfers; most have one.
    asio::awaitable<void> serve(Session session) {
        const std::uint64_t number = next_session_++;
        sessions_.emplace(number, session);
        while (!stopping_) {
            auto stream = co_await session.accept_stream();
            if (!stream) break;
            if (stream->endpoint() != transfer_endpoint) {
                refuse(*stream);
            } else {
                tasks_.spawn(take(session, *std::move(stream)));
            }
        }
        sessions_.erase(number);
    }

    asio::awaitable<void> take(Session session, Stream stream) {
        const auto afterwards =
            options_.once ? Inbox::Afterwards::end_session : Inbox::Afterwards::keep_session;
        const auto result = co_await inbox_.take(session, std::move(stream), afterwards);
        if (!result || !options_.once || stopping_) co_return;
        exit_code_ = *result;
        stop();
    }

    // ---- whom this side comes to

    asio::awaitable<void> fetch() {
        auto connected = co_await connect(node_, *target_, options_.common);
        if (!connected) co_return fail(connected.error());
        Session session = *connected;
        sessions_.emplace(next_session_++, session);
        asio::co_spawn(executor_, tell_reachability(session, console_), asio::detached);
        // The one who is asked for what it shares stays; this side ends the session.
        if (options_.takes_shared) {
            auto stream = co_await session.open_stream(std::string(share_endpoint));
            co_await fetch_by(session, std::move(stream), Inbox::Afterwards::keep_session);
        } else {
            auto stream = co_await wait_for_stream(session);
            co_await fetch_by(session, std::move(stream), Inbox::Afterwards::end_session);
        }
    }

    asio::awaitable<void> fetch_by(Session session, Result<Stream, std::error_code> stream,
                                   Inbox::Afterwards afterwards) {
        if (stopping_) co_return;
        if (!stream) {
            fail(nothing_came(session, stream.error()));
            co_return;
        }
        const auto result = co_await inbox_.take(session, *std::move(stream), afterwards);
        exit_code_ = result.value_or(ExitCode::failed);
    }

    Problem nothing_came(const Session& session, std::error_code error) const {
        const std::string who = to_string(*target_);
        if (error == std::errc::timed_out) {
            return {ExitCode::incomplete,
                    fmt::format("{} sends nothing: stt send --listen must run there; or stt web, "
                                "which --shared is for",
                                who)};
        }
        return {ExitCode::incomplete,
                fmt::format("the session with {} ended: {}", who, end_reason(session, error))};
    }

    // The first that is a transfer.
    asio::awaitable<Result<Stream, std::error_code>> wait_for_stream(Session session) {
        const double seconds = options_.common.timeout_seconds.value_or(patience_seconds);
        // Shared with a handler that may be on its way when this has ended.
        const auto state = std::make_shared<Patience>();
        asio::steady_timer timer(executor_, std::chrono::duration_cast<std::chrono::microseconds>(
                                                std::chrono::duration<double>(seconds)));
        timer.async_wait([state, session](std::error_code error) mutable {
            if (error || state->is_over) return;
            state->is_late = true;
            session.close(close_given_up, "nothing was sent");
        });
        for (;;) {
            auto stream = co_await session.accept_stream();
            if (!stream && state->is_late) {
                co_return Unexpected(make_error_code(std::errc::timed_out));
            }
            if (!stream || stream->endpoint() == transfer_endpoint) {
                state->is_over = true;
                co_return stream;
            }
            refuse(*stream);
        }
    }

    struct Patience {
        bool is_over = false;
        bool is_late = false;
    };

    const ReceiveOptions& options_;
    std::optional<Target> target_;
    asio::any_io_executor executor_;
    Console console_;
    std::shared_ptr<ProgressDisplay> display_;
    Inbox inbox_;
    Notifier changed_;
    TaskGroup tasks_;
    Interrupt interrupt_;
    Node node_;
    std::map<std::uint64_t, Session> sessions_;
    std::uint64_t next_session_ = 0;
    bool stopping_ = false;
    ExitCode exit_code_ = ExitCode::ok;
};

struct Inputs {
    std::optional<Target> target;
    Seed seed;
    UniqueFd directory;
};

Result<Inputs, Problem> read_inputs(const ReceiveOptions& options) {
    STT_TRY(std::optional<Target> target, read_meeting(options.meet, options.common));
    STT_TRY(Seed seed, read_seed_file(options.common.seed_file));
    STT_TRY(UniqueFd directory, open_inbox(options.directory));
    return Inputs{std::move(target), std::move(seed), std::move(directory)};
}

}  // namespace

ExitCode run_receive(const ReceiveOptions& options) {
    auto inputs = read_inputs(options);
    if (!inputs) {
        Console().error(inputs.error().text);
        return inputs.error().code;
    }
    raise_file_limit();
    asio::io_context context(1);
    Receiver receiver(context, options, std::move(inputs->target), std::move(inputs->directory),
                      inputs->seed);
    asio::co_spawn(context, receiver.run(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    return receiver.exit_code();
}

}  // namespace stt::cli
