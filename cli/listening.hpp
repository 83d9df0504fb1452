// Where a command waits for others: a UDP port, and a port for WebSockets.
#pragma once

#include <optional>
#include <string>
#include <stt/node.hpp>
#include <stt/result.hpp>

#include "console.hpp"
#include "exit_code.hpp"
#include "options.hpp"
#include "target.hpp"

namespace stt::cli {

// Which of the two ports a command cannot do without.
enum class MainPort { udp, websocket };

struct Listening {
    std::optional<Address> udp;
    std::optional<Address> websocket;
    bool is_secure = false;
};

// What the command line says can be checked before anything is opened.
Result<void, Problem> check(const ListenOptions& options);

// Whom a command goes to, or null when it waits for others; either is checked first.
Result<std::optional<Target>, Problem> read_meeting(const MeetOptions& options,
                                                    const CommonOptions& common);

// Binds both, unless "off". Where the person named one address, the other port is of the same
// address; else of every address, IPv6 and IPv4, or of IPv4 alone on a machine that has no IPv6.
// A port that is taken is a problem when it was asked for or is the main one, else a warning.
Result<Listening, Problem> listen(Node& node, const ListenOptions& options, MainPort main_port,
                                  Console& console, PageHandler page = {});

// "[::]:9001 and ws://[::]:8080".
std::string to_string(const Listening& listening);

}  // namespace stt::cli
