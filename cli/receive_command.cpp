#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <cerrno>
#include <map>
#include <memory>
#include <utility>

#include "async.hpp"
#include "console.hpp"
#include "interrupt.hpp"
#include "network.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "receive_session.hpp"
#include "seed_file.hpp"
#include "terminal_text.hpp"

namespace stt::cli {
namespace {

// Threads and memory of one process: each transfer has a thread and up to 25 MB. Chosen.
constexpr std::size_t transfer_count_max = 64;

class Receiver {
public:
    Receiver(asio::io_context& context, const ReceiveOptions& options, UniqueFd directory,
             const Seed& seed)
        : options_(options),
          executor_(context.get_executor()),
          directory_(std::move(directory)),
          changed_(executor_),
          interrupt_(context),
          node_(context, seed, node_config(options.common)) {
        interrupt_.set_handler([this] { stop(); });
    }

    asio::awaitable<void> run() {
        const auto address = listen(node_, options_.listen);
        if (address) {
            console_.say(fmt::format("listening on {}, receiving into {}", address->to_string(),
                                     quoted(options_.directory)));
            display_ = ProgressDisplay::start(console_, executor_);
            spawn(accept_sessions());
            while (!stopping_) co_await changed_.wait();
            close_sessions();
            co_await node_.close();
            // Everything that is under way ends now, and files are safe at every moment.
            while (children_ > 0) co_await changed_.wait();
            display_->stop();
        } else {
            console_.error(address.error().text);
            exit_code_ = address.error().code;
        }
        interrupt_.cancel();
        if (interrupt_.happened()) {
            console_.error("interrupted; unfinished files resume when they are sent again");
        }
    }

    ExitCode exit_code() const {
        return interrupt_.happened() ? interrupt_.exit_code() : exit_code_;
    }

private:
    void spawn(asio::awaitable<void> coroutine) {
        ++children_;
        asio::co_spawn(executor_, std::move(coroutine), [this](const std::exception_ptr& error) {
            --children_;
            changed_.notify();
            if (error) std::rethrow_exception(error);
        });
    }

    void stop() {
        stopping_ = true;
        changed_.notify();
    }

    void close_sessions() {
        for (auto& [number, session] : sessions_) {
            session.close(close_interrupted, "the receiver was stopped");
        }
    }

    asio::awaitable<void> accept_sessions() {
        while (!stopping_) {
            auto session = co_await node_.accept();
            if (!session) co_return;
            spawn(serve(*std::move(session)));
        }
    }

    // One peer: any number of transfers, one after the other; most have one.
    asio::awaitable<void> serve(Session session) {
        const std::uint64_t number = next_session_++;
        sessions_.emplace(number, session);
        while (!stopping_) {
            auto stream = co_await session.accept_stream();
            if (!stream) break;
            if (stream->endpoint() != transfer_endpoint ||
                sessions_serving_ >= transfer_count_max) {
                refuse(*stream);
                continue;
            }
            ++sessions_serving_;
            ReceiveSession transfer(session, *std::move(stream), directory_, parts_,
                                    options_.overwrite, console_, executor_);
            display_->add(transfer.counters());
            const ExitCode result = co_await transfer.run();
            display_->remove(transfer.counters());
            --sessions_serving_;
            if (interrupt_.happened()) break;
            transfer.say_result();
            if (options_.once && !stopping_) {
                exit_code_ = result;
                stop();
            }
        }
        sessions_.erase(number);
    }

    static void refuse(Stream& stream) {
        stream.reset(static_cast<std::uint64_t>(ErrorCode::refused));
        stream.stop(static_cast<std::uint64_t>(ErrorCode::refused));
    }

    const ReceiveOptions& options_;
    asio::any_io_executor executor_;
    UniqueFd directory_;
    Console console_;
    PartRegistry parts_;
    std::shared_ptr<ProgressDisplay> display_;
    Notifier changed_;
    Interrupt interrupt_;
    Node node_;
    std::map<std::uint64_t, Session> sessions_;
    std::uint64_t next_session_ = 0;
    std::size_t sessions_serving_ = 0;
    std::size_t children_ = 0;
    bool stopping_ = false;
    ExitCode exit_code_ = ExitCode::ok;
};

Result<UniqueFd, Problem> open_directory(const std::string& path) {
    // Made when only the last part is missing: a typing error does not make a tree.
    if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
        return Unexpected(Problem{
            ExitCode::usage, fmt::format("cannot make the folder {}: {}; make it first",
                                         quoted(path), std::generic_category().message(errno))});
    }
    UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory && ::faccessat(directory.get(), ".", W_OK | X_OK, AT_EACCESS) == 0) {
        return directory;
    }
    return Unexpected(Problem{
        ExitCode::usage, fmt::format("cannot receive into {}: {}; choose a folder that you may "
                                     "write to",
                                     quoted(path), std::generic_category().message(errno))});
}

// Each transfer holds up to a hundred files open, and the usual soft limit is 1,024.
void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

ExitCode run_receive(const ReceiveOptions& options) {
    const auto refuse = [](const Problem& problem) {
        Console().error(problem.text);
        return problem.code;
    };
    const auto seed = read_seed_file(options.common.seed_file);
    if (!seed) return refuse(seed.error());
    auto directory = open_directory(options.directory);
    if (!directory) return refuse(directory.error());
    raise_file_limit();
    asio::io_context context(1);
    Receiver receiver(context, options, *std::move(directory), *seed);
    asio::co_spawn(context, receiver.run(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    return receiver.exit_code();
}

}  // namespace stt::cli
