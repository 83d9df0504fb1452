// The cases that the field measures itself by: the QUIC interop runner's, and a ladder of
// networks that get worse.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <stt/time.hpp>
#include <vector>

namespace stt::sim {

// What one run of a scenario showed. Nothing in it depends on the machine.
struct Measured {
    std::optional<std::string> failure;  // null: the criterion holds
    std::optional<Duration> handshake;
    std::optional<Duration> took;  // from the first HELLO to the last byte
    std::uint64_t bytes = 0;       // of files
    std::uint64_t rate = 0;        // of the line, bytes a second; 0: no limit
    std::string remark;
};

struct Scenario {
    std::string name;
    std::string network;    // in words
    std::string criterion;  // in words
    std::function<Measured(std::uint64_t seed)> run;
};

struct ScenarioGroup {
    std::string title;
    std::vector<Scenario> scenarios;
};

std::vector<ScenarioGroup> all_scenarios();
std::vector<Scenario> interop_scenarios();
std::vector<Scenario> ladder_scenarios();

}  // namespace stt::sim
