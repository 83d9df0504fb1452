#include "world_plan.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

namespace stt::sim {
namespace {

using testing::NodeNumber;
using testing::PerMillion;
using testing::SeededRandom;

constexpr PerMillion percent = testing::always / 100;
// Bytes of all streams of a world together. Chosen: a seed takes milliseconds.
constexpr std::uint64_t bytes_max = 1'500'000;
constexpr std::size_t nodes_max = 8;
constexpr std::uint64_t messages_max = 2'000;
// Fits into every datagram.
constexpr std::uint64_t datagram_message_size_max = 1'000;
constexpr std::size_t faults_max = 6;

// From `first` to about `last`, each octave as likely as another.
std::uint64_t octaves(SeededRandom& random, std::uint64_t first, std::uint64_t last) {
    std::uint64_t count = 0;
    while ((first << count) < last) ++count;
    const std::uint64_t octave = first << random.below(count + 1);
    return octave + random.below(octave);
}

Duration up_to(SeededRandom& random, Duration limit) {
    return Duration(random.below(static_cast<std::uint64_t>(limit.count()) + 1));
}

PerMillion share(SeededRandom& random, PerMillion likely, PerMillion max) {
    if (!random.chance(likely)) return 0;
    return static_cast<PerMillion>(octaves(random, 100, max) % (max + 1));
}

testing::LinkOptions draw_link(SeededRandom& random) {
    testing::LinkOptions link;
    link.delay = Duration(octaves(random, 50, 150'000));
    if (random.chance(40 * percent)) link.jitter = up_to(random, link.delay / 4);
    if (random.chance(30 * percent)) link.rate = octaves(random, 60'000, 50'000'000);
    link.queue_size = std::size_t{16'384} << random.below(5);
    link.loss = share(random, 40 * percent, 10 * percent);
    if (random.chance(15 * percent)) {
        link.run = testing::loss_in_runs(share(random, testing::always, 4 * percent),
                                         static_cast<std::uint32_t>(random.between(2, 12)));
    } else if (random.chance(15 * percent)) {
        link.burst.becomes_bad = static_cast<PerMillion>(random.below(percent));
        link.burst.becomes_good = 25 * percent;
    }
    link.reorder = share(random, 25 * percent, 10 * percent);
    link.reorder_delay = Duration(random.between(1'000, 50'000));
    link.duplicate = share(random, 20 * percent, 10 * percent);
    link.corrupt = share(random, 20 * percent, 3 * percent);
    link.congestion_mark = share(random, 15 * percent, 2 * percent);
    link.datagram_size_max = random.between(1'200, 1'500);
    return link;
}

connection::EndpointConfig draw_config(SeededRandom& random) {
    connection::EndpointConfig endpoint;
    // Where it is not, the application of these worlds connects anew by itself.
    endpoint.reconnect.is_enabled = random.chance(50 * percent);
    connection::ConnectionConfig& config = endpoint.connection;
    if (random.chance(30 * percent)) config.rotation_frames = random.between(20, 500);
    if (random.chance(15 * percent)) config.rotation_bytes = random.between(5'000, 200'000);
    if (random.chance(10 * percent))
        config.rotation_time = Duration(octaves(random, 500'000, 30'000'000));
    if (random.chance(30 * percent)) config.stream_window_max = random.between(65'536, 1 << 20);
    if (random.chance(20 * percent)) config.session_window_max = random.between(2 << 20, 8 << 20);
    if (random.chance(30 * percent)) config.send_buffer_max = random.between(4'000, 1 << 20);
    if (random.chance(20 * percent)) config.datagram_size_max = random.between(1'200, 1'472);
    if (random.chance(25 * percent)) config.congestion = recovery::CongestionAlgorithm::new_reno;
    return endpoint;
}

NodePlan draw_node(SeededRandom& random) {
    NodePlan node;
    node.config = draw_config(random);
    node.clock_ppm = static_cast<std::int32_t>(random.below(2'001)) - 1'000;
    node.wall_offset = std::chrono::milliseconds(random.below(40'001)) - std::chrono::seconds(20);
    node.read_size_max = random.chance(50 * percent) ? 65'536 : random.between(1, 20'000);
    if (random.chance(20 * percent)) node.read_pause = Duration(random.between(1, 20'000));
    return node;
}

// Messages that fit into what may wait at any of the nodes.
void draw_messages(SeededRandom& random, StreamPlan& stream, std::size_t size_max) {
    stream.kind = static_cast<StreamKind>(random.between(1, stream::stream_kind_count - 1));
    const std::uint64_t largest =
        stream.kind == StreamKind::datagrams ? datagram_message_size_max : size_max;
    stream.message_size_max = std::min(octaves(random, message_size_min, largest), largest);
    if (stream.kind == StreamKind::expiring) {
        stream.deadline = std::chrono::milliseconds(octaves(random, 5, 5'000));
    }
}

StreamPlan draw_stream(SeededRandom& random, std::uint64_t& bytes_left, std::size_t message_max) {
    StreamPlan stream;
    stream.is_opened_by_client = random.chance(70 * percent);
    stream.priority = static_cast<std::uint8_t>(random.below(stream::priority_count));
    if (random.chance(45 * percent)) draw_messages(random, stream, message_max);
    for (std::uint64_t& size : stream.size) {
        if (random.chance(10 * percent)) continue;
        const std::uint64_t bytes = std::min(octaves(random, 1, 400'000), bytes_left);
        bytes_left -= bytes;
        // Half of the largest in the mean.
        size = stream::has_messages(stream.kind)
                   ? std::min<std::uint64_t>(1 + 2 * bytes / stream.message_size_max, messages_max)
                   : bytes;
    }
    if (random.chance(8 * percent)) stream.reset_after = random.below(stream.size[0] + 1);
    if (random.chance(8 * percent)) stream.stop_after = random.below(stream.size[0] + 1);
    return stream;
}

void draw_sessions(SeededRandom& random, WorldPlan& plan, std::size_t servers) {
    std::size_t message_max = 200'000;
    for (const NodePlan& node : plan.nodes) {
        // With its length field and what it is counted for beside its bytes.
        message_max = std::min(message_max, node.config.connection.send_buffer_max - 200);
    }
    std::uint64_t bytes_left = bytes_max;
    const std::size_t count = random.between(1, plan.nodes.size());
    for (std::size_t number = 0; number < count; ++number) {
        SessionPlan session;
        session.server = random.below(servers);
        do {
            session.client = random.below(plan.nodes.size());
        } while (session.client == session.server ||
                 plan.nodes[session.client].has_ipv6 != plan.nodes[session.server].has_ipv6);
        session.starts = up_to(random, std::chrono::seconds(5));
        session.knows_server = random.chance(30 * percent);
        // Now and then more streams than a peer may open at first.
        const std::size_t streams =
            random.chance(4 * percent) ? random.between(100, 300) : random.between(1, 6);
        std::uint64_t share = bytes_left / 2;
        bytes_left -= share;
        while (session.streams.size() < streams) {
            session.streams.push_back(draw_stream(random, share, message_max));
        }
        // By it the server learns which session this is.
        session.streams.front().is_opened_by_client = true;
        plan.sessions.push_back(std::move(session));
    }
}

void draw_ways(SeededRandom& random, WorldPlan& plan) {
    // Lines that a node's flows share, up and down, and one in the middle of everything.
    std::vector<std::optional<testing::BottleneckNumber>> up(plan.nodes.size());
    std::vector<std::optional<testing::BottleneckNumber>> down(plan.nodes.size());
    std::optional<testing::BottleneckNumber> middle;
    const auto draw = [&](PerMillion likely) -> std::optional<testing::BottleneckNumber> {
        if (!random.chance(likely)) return std::nullopt;
        testing::BottleneckOptions options;
        options.rate = octaves(random, 60'000, 12'500'000);
        options.queue_size = std::size_t{16'384} << random.below(5);
        if (random.chance(50 * percent)) options.discipline = testing::QueueDiscipline::codel;
        options.marks = random.chance(50 * percent);
        plan.bottlenecks.push_back(options);
        return plan.bottlenecks.size() - 1;
    };
    for (auto& line : up) line = draw(20 * percent);
    for (auto& line : down) line = draw(20 * percent);
    middle = draw(20 * percent);
    for (NodeNumber from = 0; from < plan.nodes.size(); ++from) {
        for (NodeNumber to = 0; to < plan.nodes.size(); ++to) {
            if (from == to) continue;
            WayPlan way{from, to, draw_link(random), {}};
            for (const auto& line : {up[from], middle, down[to]}) {
                if (line) way.route.push_back(*line);
            }
            plan.ways.push_back(std::move(way));
        }
    }
}

FaultPlan draw_fault(SeededRandom& random, const WorldPlan& plan) {
    using Kind = FaultPlan::Kind;
    FaultPlan fault;
    const SessionPlan& session = plan.sessions[random.below(plan.sessions.size())];
    const bool is_at_client = random.chance(50 * percent);
    fault.node = is_at_client ? session.client : session.server;
    fault.other = is_at_client ? session.server : session.client;
    fault.kind = static_cast<Kind>(random.below(static_cast<std::uint64_t>(Kind::count_)));
    fault.at = up_to(random, std::chrono::seconds(12));
    fault.lasts = Duration(octaves(random, 20'000, 15'000'000));
    if (random.chance(5 * percent)) fault.lasts += std::chrono::seconds(350);
    if (fault.kind == Kind::leap) fault.lasts = up_to(random, std::chrono::seconds(20));
    if (fault.kind == Kind::wall_jump) {
        fault.value = static_cast<std::int64_t>(random.below(20'001)) - 10'000;
    }
    if (fault.kind == Kind::black_hole) {
        fault.value = static_cast<std::int64_t>(random.between(1'200, 1'400));
    }
    // A server that comes back soon is one that a client meets again by itself.
    if (plan.nodes[session.client].config.reconnect.is_enabled && random.chance(30 * percent)) {
        fault.kind = Kind::crash;
        fault.node = session.server;
        fault.other = session.client;
        fault.lasts = Duration(octaves(random, 20'000, 5'000'000));
    }
    // Only clients move: who is asked for by address stays there.
    const bool needs_client = fault.kind == Kind::rebind_port || fault.kind == Kind::rebind_host ||
                              fault.kind == Kind::move;
    const bool is_asked_for =
        std::any_of(plan.sessions.begin(), plan.sessions.end(),
                    [&](const SessionPlan& other) { return other.server == session.client; });
    if (needs_client && is_asked_for) {
        fault.kind = Kind::cut_both;
    } else if (needs_client) {
        fault.node = session.client;
        fault.other = session.server;
    }
    return fault;
}

testing::AdversaryOptions draw_adversary(SeededRandom& random) {
    testing::AdversaryOptions options;
    options.drop = share(random, 50 * percent, 2 * percent);
    options.delay = share(random, 50 * percent, 2 * percent);
    options.replay = share(random, 60 * percent, 5 * percent);
    options.displace = share(random, 60 * percent, 5 * percent);
    options.reflect = share(random, 60 * percent, 5 * percent);
    options.splice = share(random, 60 * percent, 5 * percent);
    options.truncate = share(random, 60 * percent, 5 * percent);
    options.flip = share(random, 60 * percent, 5 * percent);
    options.forge = share(random, 60 * percent, 5 * percent);
    options.delay_max = Duration(octaves(random, 10'000, 2'000'000));
    options.replay_after_max = Duration(octaves(random, 10'000, 20'000'000));
    options.deed_count_max = 2'000;
    return options;
}

constexpr std::array<std::string_view, static_cast<std::size_t>(FaultPlan::Kind::count_)>
    fault_names{"cut",        "cut both",  "black hole",  "crash",       "sleep",
                "clock leap", "wall jump", "rebind port", "rebind host", "move"};

}  // namespace

Duration WorldPlan::faults_end() const noexcept {
    Duration end{0};
    for (const FaultPlan& fault : faults) end = std::max(end, fault.at + fault.lasts);
    return end;
}

bool WorldPlan::may_die(const SessionPlan& session) const noexcept {
    Duration silent{0};
    for (const FaultPlan& fault : faults) {
        const bool is_at_end = fault.node == session.client || fault.node == session.server;
        if (!is_at_end) continue;
        switch (fault.kind) {
            case FaultPlan::Kind::crash:
                return true;
            case FaultPlan::Kind::cut:
            case FaultPlan::Kind::cut_both:
            case FaultPlan::Kind::sleep:
            case FaultPlan::Kind::leap:
                silent += fault.lasts;
                break;
            default:
                break;
        }
    }
    const auto idle = [&](NodeNumber node) { return nodes[node].config.connection.idle_timeout; };
    return silent > std::min(idle(session.client), idle(session.server)) / 3;
}

WorldPlan draw_world(std::uint64_t seed) {
    SeededRandom random(testing::mixed(seed ^ 0x776f'726c'64));
    WorldPlan plan;
    const std::size_t count = random.chance(50 * percent) ? 2 : random.between(2, nodes_max);
    const std::size_t servers = (count + 1) / 2;
    const bool has_ipv6 = random.chance(15 * percent);
    for (std::size_t number = 0; number < count; ++number) {
        plan.nodes.push_back(draw_node(random));
        plan.nodes.back().has_ipv6 = has_ipv6;
    }
    for (std::uint8_t number = 0; !has_ipv6 && number < 2; ++number) {
        if (!random.chance(40 * percent)) continue;
        testing::NatOptions nat;
        nat.outside = Address::ipv4({198, 51, 100, static_cast<std::uint8_t>(number + 1)}, 0);
        nat.mapping = static_cast<testing::NatMapping>(random.below(2));
        nat.filtering = static_cast<testing::NatFiltering>(random.below(3));
        nat.timeout = Duration(octaves(random, 30'000'000, 240'000'000));
        plan.nats.push_back(nat);
    }
    for (std::size_t number = 0; number < count && !plan.nats.empty(); ++number) {
        const bool is_server = number < servers;
        if (!random.chance((is_server ? 20 : 70) * percent)) continue;
        plan.nodes[number].nat = random.below(plan.nats.size());
        plan.nodes[number].is_forwarded = is_server;
    }
    draw_sessions(random, plan, servers);
    draw_ways(random, plan);
    for (std::size_t faults = random.below(faults_max + 1); faults > 0; --faults) {
        plan.faults.push_back(draw_fault(random, plan));
    }
    if (random.chance(50 * percent)) plan.adversary = draw_adversary(random);
    return plan;
}

namespace {

void describe_link(std::ostringstream& text, const WayPlan& way) {
    const testing::LinkOptions& link = way.link;
    text << "  " << way.from << " -> " << way.to << ": delay " << link.delay.count()
         << " us, jitter " << link.jitter.count() << " us, rate " << link.rate << " B/s, queue "
         << link.queue_size << " B, loss " << link.loss << ", runs of " << link.run.length
         << " begin " << link.run.begins << ", burst " << link.burst.becomes_bad << ", reorder "
         << link.reorder << " by " << link.reorder_delay.count() << " us, duplicate "
         << link.duplicate << ", corrupt " << link.corrupt << ", mark " << link.congestion_mark
         << " per million, mtu " << link.datagram_size_max;
    for (const auto line : way.route) text << ", line " << line;
    text << '\n';
}

void describe_node(std::ostringstream& text, NodeNumber number, const NodePlan& node) {
    const connection::ConnectionConfig& config = node.config.connection;
    text << "  node " << number << ':';
    if (node.nat) text << " behind " << *node.nat << (node.is_forwarded ? ", forwarded," : ",");
    text << (node.has_ipv6 ? " IPv6," : "") << " clock " << node.clock_ppm << " ppm, wall "
         << node.wall_offset.count() << " ms, reads of " << node.read_size_max << " every "
         << node.read_pause.count() << " us, rotation " << config.rotation_frames << " frames "
         << config.rotation_bytes << " bytes " << config.rotation_time.count()
         << " us, stream window " << config.stream_window_max << ", session window "
         << config.session_window_max << ", send buffer " << config.send_buffer_max
         << ", datagrams of " << config.datagram_size_max << ", congestion "
         << static_cast<int>(config.congestion)
         << (node.config.reconnect.is_enabled ? ", reconnects\n" : "\n");
}

}  // namespace

std::string describe(const WorldPlan& plan) {
    std::ostringstream text;
    for (NodeNumber number = 0; number < plan.nodes.size(); ++number) {
        describe_node(text, number, plan.nodes[number]);
    }
    for (const testing::NatOptions& nat : plan.nats) {
        text << "  translator " << nat.outside.to_string() << ", mapping "
             << static_cast<int>(nat.mapping) << ", filtering " << static_cast<int>(nat.filtering)
             << ", timeout " << nat.timeout.count() << " us\n";
    }
    for (const testing::BottleneckOptions& line : plan.bottlenecks) {
        const bool is_codel = line.discipline == testing::QueueDiscipline::codel;
        text << "  line of " << line.rate << " B/s, queue " << line.queue_size << " B"
             << (is_codel ? ", CoDel" : "") << (is_codel && line.marks ? " that marks\n" : "\n");
    }
    for (const WayPlan& way : plan.ways) {
        // Only ways that somebody goes.
        const bool is_used = std::any_of(
            plan.sessions.begin(), plan.sessions.end(), [&](const SessionPlan& session) {
                return (way.from == session.client && way.to == session.server) ||
                       (way.to == session.client && way.from == session.server);
            });
        if (is_used) describe_link(text, way);
    }
    for (const SessionPlan& session : plan.sessions) {
        text << "  session " << session.client << " to " << session.server << " after "
             << session.starts.count() << " us" << (plan.may_die(session) ? " (may die)" : "")
             << ", streams:";
        for (const StreamPlan& stream : session.streams) {
            text << (stream.is_opened_by_client ? " c" : " s") << stream.size[0] << '/'
                 << stream.size[1];
            if (stream::has_messages(stream.kind)) {
                text << " messages of kind " << static_cast<int>(stream.kind) << " up to "
                     << stream.message_size_max;
            }
            if (stream.reset_after) text << " reset " << *stream.reset_after;
            if (stream.stop_after) text << " stop " << *stream.stop_after;
        }
        text << '\n';
    }
    for (const FaultPlan& fault : plan.faults) {
        text << "  fault: " << fault_names[static_cast<std::size_t>(fault.kind)] << ", node "
             << fault.node << " (other " << fault.other << "), at " << fault.at.count()
             << " us for " << fault.lasts.count() << " us, value " << fault.value << '\n';
    }
    if (plan.adversary) text << "  an adversary on all links\n";
    return text.str();
}

}  // namespace stt::sim
