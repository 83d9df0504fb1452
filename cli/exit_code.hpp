// What the exit code of the tool says. docs/guide/cli.md lists the same table.
#pragma once

#include <string>
#include <stt/result.hpp>
#include <utility>

namespace stt::cli {

enum class ExitCode : int {
    ok = 0,
    failed = 1,         // anything that has no code of its own below
    usage = 2,          // the command line is wrong; nothing was done
    seed_file = 3,      // the seed file is missing, unsafe or has no seed in it
    network = 4,        // cannot listen, cannot find or reach the other side
    incomplete = 5,     // a transfer or a pipe ended before everything was confirmed
    interrupted = 130,  // Ctrl-C
    terminated = 143,   // SIGTERM
};

// Why a command ends early: the one line for the person, without "stt: " in front.
struct Problem {
    ExitCode code = ExitCode::failed;
    std::string text;
};

// What a function returns when the command line is wrong.
inline Unexpected<Problem> usage_problem(std::string text) {
    return Unexpected(Problem{ExitCode::usage, std::move(text)});
}

}  // namespace stt::cli
