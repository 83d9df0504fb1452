// The one place that reads clocks. Everything above gets time as an argument.
#pragma once

#include <cstdint>
#include <stt/time.hpp>

namespace stt::platform {

// CLOCK_MONOTONIC in microseconds: it never goes back and does not follow changes of
// the date. Its zero is the machine's own; two machines' instants do not compare.
Instant now() noexcept;

// CLOCK_REALTIME as of the last tick, 10 ms ago at most: milliseconds since 1970-01-01 UTC,
// negative before. May jump either way.
std::int64_t unix_milliseconds() noexcept;

}  // namespace stt::platform
