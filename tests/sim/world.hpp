// Runs one world to its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "world_plan.hpp"

namespace stt::sim {

struct WorldOutcome {
    std::optional<std::string> failure;  // null: all went as it must
    std::uint64_t trace_hash = 0;
    Duration virtual_time{0};
    std::uint64_t datagrams = 0;
    std::uint64_t frames_checked = 0;
    std::uint64_t reconnections = 0;
};

WorldOutcome run_world(std::uint64_t seed, const WorldPlan& plan, bool is_traced);

}  // namespace stt::sim
