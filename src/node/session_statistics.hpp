// What the engine counts, as an application sees it.
#pragma once

#include <stt/statistics.hpp>

#include "core/connection/statistics.hpp"

namespace stt::detail {

// All but the handshake's time, which the node knows.
SessionStatistics statistics_of(const connection::SessionStatistics& engine);

}  // namespace stt::detail
