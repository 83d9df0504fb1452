// What the emulator is told: one line of words from its arguments or its standard input.
#pragma once

#include <string>
#include <string_view>

#include "testing/link.hpp"

namespace stt::emulator {

// Both directions of the emulated path: up is from the clients to the server.
struct PathOptions {
    testing::LinkOptions up;
    testing::LinkOptions down;
};

// Applies one word of the form key=value, up.key=value or down.key=value; without a direction
// it applies to both. Keys: delay_ms jitter_ms rate_mbit queue_kb loss burst_begin burst_end
// burst_loss reorder reorder_ms duplicate corrupt mark mtu; probabilities are from 0 to 1 for
// each datagram, mtu counts the headers of IPv4 and UDP. Returns what is wrong with it, or
// nothing: then `options` is unchanged.
std::string apply_setting(std::string_view word, PathOptions& options);

}  // namespace stt::emulator
