// What an idle session holds, by counting what operator new gives out.
#include <doctest/doctest.h>

#include "bench/counted_memory.hpp"
#include "testing/session_pair.hpp"

namespace stt::testing {
namespace {

constexpr std::size_t session_size_max = 8 * 1'024;

TEST_CASE("an idle session holds under 8 KB at either end, all included") {
    SimulatedNetwork network(1);
    network.add_node();
    network.add_node();
    constexpr std::size_t count = 200;
    // What a node holds by itself is not counted. One after another, so that the network's own
    // queues stay as small as those of a first session.
    const auto connect = [&](std::size_t sessions) {
        for (std::size_t i = 0; i < sessions; ++i) {
            network.connect(client, server);
            network.run_for(std::chrono::milliseconds(100));
        }
        network.run_for(std::chrono::seconds(100));
    };
    connect(10);
    const std::size_t before = bench::memory_held_by(0);
    connect(count);
    const std::size_t held = bench::memory_held_by(0) - before;
    REQUIRE(network.endpoint(client).session_count() == 10 + count);
    REQUIRE(network.endpoint(server).session_count() == 10 + count);
    // Both ends of each.
    CHECK(held / (2 * count) < session_size_max);
    MESSAGE("bytes for each end of a session: ", held / (2 * count));
}

}  // namespace
}  // namespace stt::testing
