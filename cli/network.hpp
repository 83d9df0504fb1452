// What all commands do with a node.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <stt/node.hpp>
#include <stt/result.hpp>

#include "console.hpp"
#include "endpoint.hpp"
#include "options.hpp"

namespace stt::cli {

// Sends -v logs to standard error; without -v, nothing.
std::function<void(LogLevel, std::string_view)> start_log(int verbosity);

NodeConfig node_config(const CommonOptions& options);

// Says on standard error when the other side stops answering, and when it answers again, until
// the session has ended. `console` must outlive that.
asio::awaitable<void> tell_reachability(Session session, Console& console);

// Resolves and connects. The problem names every likely cause.
asio::awaitable<Result<Session, Problem>> connect(Node& node, const Endpoint& endpoint,
                                                  const CommonOptions& options);

// Binds what `text` says; when it is empty, port 9001 of every address, IPv6 and IPv4,
// or of IPv4 alone on a machine that has no IPv6.
Result<Address, Problem> listen(Node& node, const std::string& text);

// Why a session ended, as a part of a sentence: the peer's words, if it gave any.
std::string end_reason(const Session& session, std::error_code error);

}  // namespace stt::cli
