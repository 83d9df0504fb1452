// Plays a case against a channel of this library.
#pragma once

#include <string>

#include "core/websocket/channel.hpp"
#include "tests/conformance/case.hpp"

namespace stt::conformance {

// Empty: the case passed. Else what was not as expected. `chop` replaces the case's own way of
// cutting its bytes; 0 leaves it. `subject` is the channel's role.
std::string play(const Case& one, websocket::Role subject, std::size_t chop = 0);

}  // namespace stt::conformance
