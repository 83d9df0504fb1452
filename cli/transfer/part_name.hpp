#pragma once

#include <string>

#include "message.hpp"

namespace stt::cli {

// ".NAME.<16 hex digits>.stt-part". The digits are a digest of path, size and time, so
// that a file which changed at its source does not continue the part of its former self.
// Spec transfer §6.1.
std::string part_name(const Offer& offer);

}  // namespace stt::cli
