// One simulated transfer in both directions at once, and what must hold of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "conditions.hpp"

namespace stt::sim {

struct TransferOutcome {
    std::optional<std::string> failure;  // null: all went as it must
    std::uint64_t trace_hash = 0;
    Duration virtual_time{0};
    std::uint64_t datagrams = 0;
};

TransferOutcome run_transfer(std::uint64_t seed, const Conditions& conditions, bool is_traced);

}  // namespace stt::sim
