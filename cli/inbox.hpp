// A folder that others send files into.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <stt/node.hpp>
#include <stt/result.hpp>

#include "console.hpp"
#include "exit_code.hpp"
#include "progress.hpp"
#include "transfer/part_file.hpp"
#include "unique_fd.hpp"

namespace stt::cli {

// Opens a folder for receiving; makes it when only its last part is missing.
Result<UniqueFd, Problem> open_inbox(const std::string& path);

// Each transfer holds up to a hundred files open, and the usual soft limit is 1,024.
void raise_file_limit();

class Inbox {
public:
    // What is passed by reference outlives the inbox.
    Inbox(UniqueFd directory, bool overwrite, Console& console,
          std::shared_ptr<ProgressDisplay> display, const asio::any_io_executor& executor);

    enum class Afterwards { end_session, keep_session };
    // Receives what one stream brings, and says what it was. The stream is refused, and the result
    // null, when too many transfers are under way.
    asio::awaitable<std::optional<ExitCode>> take(Session session, Stream stream,
                                                  Afterwards afterwards);

    // Ends all transfers, and their sessions. Nothing more is said about them.
    void stop();

private:
    UniqueFd directory_;
    bool overwrite_;
    Console& console_;
    std::shared_ptr<ProgressDisplay> display_;
    asio::any_io_executor executor_;
    PartRegistry parts_;
    std::map<std::uint64_t, Session> active_;
    std::uint64_t next_ = 0;
    bool stopping_ = false;
};

}  // namespace stt::cli
