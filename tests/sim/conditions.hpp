// What kind of network, peers and load one seed stands for.
#pragma once

#include <cstdint>
#include <string>

#include "core/connection/config.hpp"
#include "testing/link.hpp"

namespace stt::sim {

struct Conditions {
    testing::LinkOptions links[2];  // client to server, and back
    connection::ConnectionConfig config;
    std::size_t stream_count = 1;      // both sides write to all of them
    std::uint64_t bytes_each_way = 0;  // over all streams
    std::size_t read_size_max = 0;     // bytes an application takes at once
    Duration read_pause{0};            // between one read and the next; 0: reads at once
};

// The same seed gives the same conditions on every machine.
Conditions draw_conditions(std::uint64_t seed, std::uint64_t bytes_each_way);
std::string describe(const Conditions& conditions);

}  // namespace stt::sim
