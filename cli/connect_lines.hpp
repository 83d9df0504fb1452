// Why nobody was reached, in one line for a person.
#pragma once

#include <system_error>

#include "exit_code.hpp"
#include "target.hpp"

namespace stt::cli {

// `seconds` is how long an answer was waited for.
Problem connect_problem(const Target& target, std::error_code error, double seconds);

}  // namespace stt::cli
