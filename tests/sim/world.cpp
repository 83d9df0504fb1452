#include "world.hpp"

#include <memory>

#include "testing/adversary.hpp"
#include "testing/invariant_checker.hpp"
#include "testing/simulated_network.hpp"
#include "world_application.hpp"

namespace stt::sim {
namespace {

using testing::NodeNumber;

// After the last fault something must happen within this time: it is longer than a session
// whose peer is silent lives, and then connecting anew takes.
constexpr Duration progress_timeout = std::chrono::seconds(400);
// Two idle timeouts, one of a session that was begun in vain, and the last closing.
constexpr Duration rest_within_max = std::chrono::seconds(1'000);

class World {
public:
    World(std::uint64_t seed, const WorldPlan& plan, bool is_traced)
        : plan_(plan),
          network_(seed),
          checker_(network_),
          application_(network_, checker_, plan, seed) {
        build();
        network_.set_trace(is_traced);
        network_.on_event = [this](NodeNumber node, const connection::EndpointEvent& event) {
            application_.handle_event(node, event);
        };
        if (plan.adversary) {
            adversary_ = std::make_unique<testing::Adversary>(network_, testing::mixed(seed + 5),
                                                              *plan.adversary);
            network_.set_interceptor(adversary_.get());
        }
        for (std::size_t session = 0; session < plan.sessions.size(); ++session) {
            network_.schedule(plan.sessions[session].starts,
                              [this, session] { application_.start(session); });
        }
        for (const FaultPlan& fault : plan.faults) {
            network_.schedule(fault.at, [this, &fault] { begin(fault); });
        }
    }

    std::optional<std::string> run();
    const testing::SimulatedNetwork& network() const noexcept { return network_; }
    std::uint64_t frames_checked() const noexcept { return checker_.frames_checked(); }
    std::uint64_t reconnections() const noexcept { return application_.reconnections(); }

private:
    void build();
    void begin(const FaultPlan& fault);
    void sleep(const FaultPlan& fault);
    void crash(const FaultPlan& fault);
    void black_hole(const FaultPlan& fault);
    void move(const FaultPlan& fault);
    void rebind(const FaultPlan& fault);
    bool run_until(const std::function<bool()>& is_done);
    std::optional<std::string> stuck(const char* what) const;

    const WorldPlan& plan_;
    testing::SimulatedNetwork network_;
    testing::InvariantChecker checker_;
    WorldApplication application_;
    std::unique_ptr<testing::Adversary> adversary_;
    std::uint8_t moves_ = 0;
};

void World::build() {
    std::vector<Address> reach;
    for (const testing::NatOptions& nat : plan_.nats) network_.add_nat(nat);
    for (const testing::BottleneckOptions& line : plan_.bottlenecks) {
        network_.add_bottleneck(line);
    }
    for (const NodePlan& node : plan_.nodes) {
        const NodeNumber number = network_.add_node(node.config);
        if (node.has_ipv6) {
            std::array<std::uint8_t, 16> octets{0x20, 0x01, 0x0d, 0xb8};
            octets[15] = static_cast<std::uint8_t>(number + 1);
            network_.set_addresses(number, {Address::ipv6(octets, 9001)});
        }
        network_.set_clock_rate(number, node.clock_ppm);
        network_.set_clock_offset(number, node.wall_offset);
        reach.push_back(network_.address(number));
        if (!node.nat) continue;
        network_.put_behind(number, *node.nat);
        if (node.is_forwarded) {
            const auto port = static_cast<std::uint16_t>(20'000 + number);
            reach.back() = network_.nat(*node.nat).forward(network_.address(number), port);
        }
    }
    for (const WayPlan& way : plan_.ways) {
        network_.set_link(way.from, way.to, way.link);
        network_.set_route(way.from, way.to, way.route);
    }
    application_.set_reach(std::move(reach));
}

void World::begin(const FaultPlan& fault) {
    using Kind = FaultPlan::Kind;
    switch (fault.kind) {
        case Kind::cut_both:
            network_.cut_link(fault.other, fault.node, fault.lasts);
            [[fallthrough]];
        case Kind::cut:
            return network_.cut_link(fault.node, fault.other, fault.lasts);
        case Kind::black_hole:
            return black_hole(fault);
        case Kind::crash:
            return crash(fault);
        case Kind::sleep:
            return sleep(fault);
        case Kind::leap:
            if (network_.is_running(fault.node)) network_.leap_clock(fault.node, fault.lasts);
            return;
        case Kind::wall_jump:
            return network_.set_clock_offset(
                fault.node,
                plan_.nodes[fault.node].wall_offset + std::chrono::milliseconds(fault.value));
        case Kind::rebind_port:
        case Kind::rebind_host:
            return rebind(fault);
        case Kind::move:
            return move(fault);
        default:
            return;
    }
}

void World::black_hole(const FaultPlan& fault) {
    testing::LinkOptions link = network_.link(fault.node, fault.other).options();
    const std::size_t before = link.datagram_size_max;
    link.datagram_size_max = std::min(before, static_cast<std::size_t>(fault.value));
    network_.set_link(fault.node, fault.other, link);
    network_.schedule(fault.lasts, [this, &fault, before] {
        testing::LinkOptions mended = network_.link(fault.node, fault.other).options();
        mended.datagram_size_max = before;
        network_.set_link(fault.node, fault.other, mended);
    });
}

void World::crash(const FaultPlan& fault) {
    if (!network_.is_running(fault.node)) return;
    network_.crash(fault.node);
    application_.handle_crash(fault.node);
    network_.schedule(fault.lasts, [this, &fault] {
        network_.restart(fault.node);
        application_.handle_restart(fault.node);
    });
}

void World::sleep(const FaultPlan& fault) {
    if (!network_.is_running(fault.node)) return;
    network_.freeze(fault.node);
    network_.schedule(fault.lasts, [this, &fault] { network_.thaw(fault.node); });
}

// To an address that nobody had before.
void World::move(const FaultPlan& fault) {
    const NodePlan& node = plan_.nodes[fault.node];
    if (node.is_forwarded) return;
    ++moves_;
    const auto low = static_cast<std::uint8_t>(fault.node + 1);
    if (node.has_ipv6) {
        std::array<std::uint8_t, 16> octets{0x20, 0x01, 0x0d, 0xb9, moves_};
        octets[15] = low;
        return network_.set_addresses(fault.node, {Address::ipv6(octets, 9001)});
    }
    network_.set_addresses(fault.node, {Address::ipv4({10, 1, moves_, low}, 9001)});
}

void World::rebind(const FaultPlan& fault) {
    const auto& nat = plan_.nodes[fault.node].nat;
    if (!nat) return;
    if (fault.kind == FaultPlan::Kind::rebind_port) return network_.nat(*nat).rebind_ports();
    // A translator whose host servers are reached by stays where it is.
    for (const NodePlan& node : plan_.nodes) {
        if (node.nat == nat && node.is_forwarded) return;
    }
    ++moves_;
    network_.rebind_host(*nat, Address::ipv4({198, 51, 101, moves_}, 0));
}

// Goes on as long as something happens.
bool World::run_until(const std::function<bool()>& is_done) {
    const auto stops = [&] { return is_done() || checker_.failure().has_value(); };
    while (true) {
        const std::uint64_t before = application_.progress();
        if (network_.run_until(stops, progress_timeout)) return !checker_.failure();
        if (application_.progress() == before) return false;
    }
}

std::optional<std::string> World::stuck(const char* what) const {
    if (checker_.failure()) return checker_.failure();
    return std::string(what) + '\n' + application_.state();
}

std::optional<std::string> World::run() {
    network_.run_until([this] { return checker_.failure().has_value(); }, plan_.faults_end());
    if (!run_until([this] { return application_.is_done(); })) return stuck("stuck");
    // SESSION_CLOSE is sent once and again only when the peer speaks: a peer that has nothing
    // to say and did not get it ends by its idle timeout.
    const auto is_at_rest = [this] {
        for (NodeNumber node = 0; node < network_.node_count(); ++node) {
            if (!network_.is_running(node) || network_.endpoint(node).poll_timeout()) return false;
        }
        return true;
    };
    network_.run_until([&] { return is_at_rest() || checker_.failure(); }, rest_within_max);
    if (checker_.failure()) return checker_.failure();
    if (!is_at_rest()) return "some node never came to rest";
    for (NodeNumber node = 0; node < network_.node_count(); ++node) {
        if (network_.endpoint(node).session_count() != 0) return "a session without a timer";
        if (network_.endpoint(node).half_open_count() != 0) return "a handshake without a timer";
    }
    if (checker_.session_count() != 0) return "a session ended without an event";
    return std::nullopt;
}

}  // namespace

WorldOutcome run_world(std::uint64_t seed, const WorldPlan& plan, bool is_traced) {
    World world(seed, plan, is_traced);
    const Instant started = world.network().now();
    WorldOutcome outcome;
    outcome.failure = world.run();
    outcome.trace_hash = world.network().trace_hash();
    outcome.virtual_time = world.network().now() - started;
    outcome.datagrams = world.network().datagrams_sent();
    outcome.frames_checked = world.frames_checked();
    outcome.reconnections = world.reconnections();
    return outcome;
}

}  // namespace stt::sim
