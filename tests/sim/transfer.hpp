// One simulated transfer in both directions at once, and what must hold of it.
#pragma once

#include <array>
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

// `sinks`, of the client and the server, may be null.
TransferOutcome run_transfer(std::uint64_t seed, const Conditions& conditions, bool is_traced,
                             std::array<trace::Sink*, 2> sinks = {});

}  // namespace stt::sim
