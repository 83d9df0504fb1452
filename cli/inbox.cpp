#include "inbox.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "network.hpp"
#include "receive_session.hpp"
#include "terminal_text.hpp"

namespace stt::cli {
namespace {

// Threads and memory of one process: each transfer has a thread and up to 25 MB. Chosen.
constexpr std::size_t transfer_count_max = 64;

}  // namespace

Result<UniqueFd, Problem> open_inbox(const std::string& path) {
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

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

Inbox::Inbox(UniqueFd directory, bool overwrite, Console& console,
             std::shared_ptr<ProgressDisplay> display, const asio::any_io_executor& executor)
    : directory_(std::move(directory)),
      overwrite_(overwrite),
      console_(console),
      display_(std::move(display)),
      executor_(executor) {}

asio::awaitable<std::optional<ExitCode>> Inbox::take(Session session, Stream stream,
                                                     Afterwards afterwards) {
    if (stopping_ || active_.size() >= transfer_count_max) {
        refuse(stream);
        co_return std::nullopt;
    }
    const std::uint64_t number = next_++;
    active_.emplace(number, session);
    const bool ends_session = afterwards == Afterwards::end_session;
    ReceiveSession transfer(session, std::move(stream), directory_, parts_, overwrite_, console_,
                            executor_, ends_session);
    display_->add(transfer.counters());
    const ExitCode result = co_await transfer.run();
    display_->remove(transfer.counters());
    active_.erase(number);
    if (!stopping_) transfer.say_result();
    co_return result;
}

void Inbox::stop() {
    stopping_ = true;
    for (auto& [number, session] : active_) {
        session.close(close_interrupted, "the receiver was stopped");
    }
}

}  // namespace stt::cli
