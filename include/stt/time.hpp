// Time as the protocol sees it.
#pragma once

#include <chrono>

namespace stt {

// A clock that nobody can read: it has no now(). Time enters the core as an
// argument, and a call to a system clock there does not convert to Instant.
struct ProtocolClock {
    using duration = std::chrono::microseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<ProtocolClock>;
    static constexpr bool is_steady = true;
};

using Instant = ProtocolClock::time_point;
using Duration = ProtocolClock::duration;

}  // namespace stt
