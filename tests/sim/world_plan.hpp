// What one seed stands for: nodes, what lies between them, what they want of each other, and
// what goes wrong meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/connection/endpoint.hpp"
#include "testing/adversary.hpp"
#include "testing/simulated_network.hpp"

namespace stt::sim {

// One stream: `size[0]` bytes from who opens it, `size[1]` back; or as many messages, if it is of
// such a kind.
struct StreamPlan {
    bool is_opened_by_client = true;
    StreamKind kind = StreamKind::bytes;
    std::uint8_t priority = priority_default;
    Duration deadline{0};              // EXPIRING
    std::size_t message_size_max = 0;  // at least message_size_min
    std::uint64_t size[2] = {0, 0};
    // The opener gives its direction up after so many; the other side wants no more.
    std::optional<std::uint64_t> reset_after;
    std::optional<std::uint64_t> stop_after;
};

// A message begins with its number.
inline constexpr std::size_t message_size_min = 8;

struct SessionPlan {
    testing::NodeNumber client = 0;
    testing::NodeNumber server = 0;
    Duration starts{0};
    bool knows_server = false;  // asks for its node id
    std::vector<StreamPlan> streams;
};

struct NodePlan {
    connection::EndpointConfig config;
    std::optional<std::size_t> nat;
    bool is_forwarded = false;  // reached through its translator
    bool has_ipv6 = false;      // and no other
    std::int32_t clock_ppm = 0;
    std::chrono::milliseconds wall_offset{0};
    std::size_t read_size_max = 0;  // bytes an application takes at once
    Duration read_pause{0};         // between one read and the next; 0: reads at once
};

struct WayPlan {
    testing::NodeNumber from = 0;
    testing::NodeNumber to = 0;
    testing::LinkOptions link;
    std::vector<testing::BottleneckNumber> route;
};

struct FaultPlan {
    enum class Kind {
        cut,          // `node` to `other`
        cut_both,     // and back
        black_hole,   // larger datagrams vanish on the way
        crash,        // of `node`, then restart
        sleep,        // of `node`
        leap,         // of its protocol clock
        wall_jump,    // either way
        rebind_port,  // of the translator before `node`
        rebind_host,
        move,  // `node` has another address
        count_,
    };
    Kind kind = Kind::cut;
    Duration at{0};
    Duration lasts{0};
    testing::NodeNumber node = 0;
    testing::NodeNumber other = 0;
    std::int64_t value = 0;  // of wall_jump, ms; of black_hole, bytes
};

struct WorldPlan {
    std::vector<NodePlan> nodes;
    std::vector<testing::NatOptions> nats;
    std::vector<testing::BottleneckOptions> bottlenecks;
    std::vector<WayPlan> ways;
    std::vector<SessionPlan> sessions;
    std::vector<FaultPlan> faults;
    std::optional<testing::AdversaryOptions> adversary;

    // No fault begins or lasts after that.
    Duration faults_end() const noexcept;
    // A fault that an established session need not survive.
    bool may_die(const SessionPlan& session) const noexcept;
};

// The same seed gives the same plan on every machine.
WorldPlan draw_world(std::uint64_t seed);
std::string describe(const WorldPlan& plan);

}  // namespace stt::sim
