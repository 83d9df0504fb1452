// What all commands do with a node.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <stt/node.hpp>
#include <stt/result.hpp>

#include "console.hpp"
#include "options.hpp"
#include "target.hpp"

namespace stt::cli {

// Sends -v logs to standard error; without -v, nothing.
std::function<void(LogLevel, std::string_view)> start_log(int verbosity);

NodeConfig node_config(const CommonOptions& options);

// Says on standard error when the other side stops answering, and when it answers again, until
// the session has ended. `console` must outlive that.
asio::awaitable<void> tell_reachability(Session session, Console& console);

// Resolves and connects; by UDP and WebSocket, whichever answers first. The problem names every
// likely cause.
asio::awaitable<Result<Session, Problem>> connect(Node& node, const Target& target,
                                                  const CommonOptions& options);

// Refuses whatever stream the other side opens: for a command that opens them itself.
void refuse_streams(Session session);
void refuse(StreamHandle& stream);

// " by WebSocket" when that is how the session goes, else nothing: for the end of a sentence.
std::string_view transport_note(const Session& session);

// Why a session ended, as a part of a sentence: the peer's words, if it gave any.
std::string end_reason(const Session& session, std::error_code error);

}  // namespace stt::cli
