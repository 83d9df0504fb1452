// What a node does as a whole: its seeds, its limits, and how it finds a peer.
#include <doctest/doctest.h>

#include <algorithm>

#include "testing/session_pair.hpp"

namespace stt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::client;
using testing::delayed;
using testing::LinkOptions;
using testing::NodeNumber;
using testing::server;
using testing::SessionPair;
using testing::SimulatedNetwork;
using testing::Verdict;
using wire::DropReason;

std::uint64_t dropped(SimulatedNetwork& network, NodeNumber node, DropReason reason) {
    return network.endpoint(node).statistics().drops[static_cast<std::size_t>(reason)];
}

// A node beside the pair, whose events nobody keeps.
NodeNumber add_third(SessionPair& pair, const connection::EndpointConfig& config = {}) {
    pair.network.on_event = [keep = pair.network.on_event](NodeNumber node,
                                                           const connection::EndpointEvent& event) {
        if (node == client || node == server) keep(node, event);
    };
    return pair.network.add_node(config);
}

// With a seed that the network did not give the nodes.
void connect_with(SimulatedNetwork& network, handshake::SeedId seed) {
    const Route route = network.address(server);
    network.endpoint(client).connect(network.moment(client), seed, {&route, 1});
    network.touch(client, 0);  // drains it
}

std::optional<connection::ConnectError> error_of(const SessionPair& pair, NodeNumber node) {
    for (const auto& event : pair.events[node]) {
        const auto* failed = std::get_if<connection::ConnectFailed>(&event);
        if (failed != nullptr) return failed->error;
    }
    return std::nullopt;
}

TEST_CASE("a seed that is removed while data flows takes its sessions along, and only those") {
    SessionPair pair(1);
    SimulatedNetwork& network = pair.network;
    network.set_links(client, server, delayed(milliseconds(20)));
    REQUIRE(pair.establish());
    const auto kept = pair.session[server];
    const auto first = *network.endpoint(server).seed_of(kept);
    // A second seed at both, and a session of it.
    const std::vector<std::uint8_t> secret(32, 77);
    const auto seed = *network.endpoint(server).add_seed(secret);
    const auto seed_of_client = *network.endpoint(client).add_seed(secret);
    connect_with(network, seed_of_client);
    pair.session[client] = pair.session[server] = 0;
    network.run_for(seconds(1));
    REQUIRE(pair.is_established());
    const auto gone = pair.session[server];
    CHECK(network.endpoint(server).seed_of(gone) == seed);
    CHECK(network.endpoint(server).seed_of(kept) == first);
    CHECK(!network.endpoint(server).seed_of(999));

    const auto key = pair.open(client);
    pair.write(client, key, std::string(1'000'000, 'x'));
    network.run_for(milliseconds(100));
    CHECK(!pair.received(server, key).text.empty());
    REQUIRE(network.endpoint(server).remove_seed(network.moment(server), seed));
    network.touch(server, gone);
    network.run_for(seconds(3));
    CHECK(network.find(server, gone) == nullptr);
    CHECK(network.find(server, kept) != nullptr);
    REQUIRE(pair.closed(server));
    CHECK(pair.closed(server)->cause == connection::CloseCause::seed_removed);
    REQUIRE(pair.closed(client));
    CHECK(pair.closed(client)->cause == connection::CloseCause::peer);
    CHECK(pair.closed(client)->code == 7);
    // To HELLOs of that seed the port is silent from now on.
    connect_with(network, seed_of_client);
    network.run_for(seconds(11));
    CHECK(error_of(pair, client) == connection::ConnectError::timeout);
    CHECK(dropped(network, server, DropReason::handshake_seed_unknown) == 8);
}

TEST_CASE("a seed that is removed between RESPONSE and AUTH_PROOF leaves neither side a session") {
    SessionPair pair(2);
    SimulatedNetwork& network = pair.network;
    network.set_links(client, server, delayed(milliseconds(50)));
    const std::vector<std::uint8_t> secret(32, 78);
    const auto seed = *network.endpoint(server).add_seed(secret);
    const auto seed_of_client = *network.endpoint(client).add_seed(secret);
    connect_with(network, seed_of_client);
    network.run_for(milliseconds(60));
    REQUIRE(network.endpoint(server).half_open_count() == 1);
    REQUIRE(network.endpoint(server).remove_seed(network.moment(server), seed));
    CHECK(network.endpoint(server).half_open_count() == 0);
    // The initiator's side: a session that nobody has confirmed, whose seed goes too.
    network.run_for(milliseconds(60));
    REQUIRE(pair.session[client] != 0);
    REQUIRE(network.endpoint(client).remove_seed(network.moment(client), seed_of_client));
    network.touch(client, pair.session[client]);
    network.run_for(seconds(20));
    CHECK(network.endpoint(server).session_count() == 0);
    CHECK(network.endpoint(client).session_count() == 0);
    REQUIRE(pair.closed(client));
    CHECK(pair.closed(client)->cause == connection::CloseCause::seed_removed);
}

TEST_CASE("protocol §4.1 (i): slow handshakes held open by the thousand hold no one else up long") {
    SessionPair pair(3);
    SimulatedNetwork& network = pair.network;
    // A holder of the seed that never goes on after HELLO, from many addresses.
    const NodeNumber slow = add_third(pair);
    network.filter = [&](const testing::DatagramView& datagram) {
        return datagram.to == slow ? Verdict::drop : Verdict::pass;
    };
    for (int i = 0; i < 3'000; ++i) {
        network.connect(slow, server);
        if (i % 100 == 99) network.run_for(milliseconds(1));
    }
    network.run_for(milliseconds(10));
    CHECK(network.endpoint(server).half_open_count() == 1'024);
    CHECK(dropped(network, server, DropReason::handshake_half_open_limit) >= 3'000 - 1'024);
    // Those of the first 10 s end, and one who goes on finds a place by sending HELLO again.
    network.filter = [&](const testing::DatagramView& datagram) {
        return datagram.to == slow || datagram.from == slow ? Verdict::drop : Verdict::pass;
    };
    network.run_for(seconds(5));
    CHECK(!pair.establish(seconds(3)));
    CHECK(network.run_until([&] { return pair.is_established(); }, seconds(10)));
    network.run_for(seconds(20));
    CHECK(network.endpoint(server).half_open_count() == 0);
    CHECK(network.endpoint(server).session_count() == 1);
}

TEST_CASE("protocol §4.1 (i): handshakes of one source beyond its rate are dropped and counted") {
    connection::EndpointConfig config;
    config.responder.rate.source = {10, 20};
    SessionPair pair(4, config);
    SimulatedNetwork& network = pair.network;
    const NodeNumber other = add_third(pair, config);
    for (int i = 0; i < 50; ++i) network.connect(client, server);
    network.run_for(milliseconds(100));
    CHECK(network.endpoint(server).session_count() == 20);
    CHECK(dropped(network, server, DropReason::handshake_source_rate) == 30);
    // Another source is not held up by it, and those that wait get in by and by.
    network.connect(other, server);
    network.run_for(milliseconds(100));
    CHECK(network.endpoint(other).session_count() == 1);
    network.run_for(seconds(8));
    CHECK(network.endpoint(server).session_count() == 51);
}

TEST_CASE("sessions beyond the node's limit are refused in silence, and there is room again") {
    connection::EndpointConfig config;
    config.session_count_max = 3;
    SimulatedNetwork network(5);
    const NodeNumber hub = network.add_node(config);
    std::vector<NodeNumber> others;
    for (int i = 0; i < 5; ++i) others.push_back(network.add_node());
    for (const NodeNumber other : others) network.connect(other, hub);
    network.run_for(seconds(2));
    CHECK(network.endpoint(hub).session_count() == 3);
    CHECK(dropped(network, hub, DropReason::session_limit) > 0);
    std::array<connection::SessionHandle, 8> sessions{};
    CHECK(network.endpoint(hub).sessions_after(0, sessions) == 3);
    CHECK(network.endpoint(hub).sessions_after(sessions[0], sessions) == 2);
    for (const auto session : {sessions[0], sessions[1]}) {
        network.find(hub, session)->close(network.now(), 0, "");
        network.touch(hub, session);
    }
    network.run_for(seconds(8));
    CHECK(network.endpoint(hub).session_count() == 3);
    const auto statistics = network.endpoint(hub).statistics();
    CHECK(statistics.sessions_accepted == 5);
    CHECK(statistics.sessions_ended == 2);
    CHECK(statistics.ended_totals.frames_sent > 0);
}

// Two addresses of the server, one of each family.
struct TwoFamilies {
    explicit TwoFamilies(std::uint64_t seed) : pair(seed) {
        pair.network.set_addresses(client, {v4(1), v6(1)});
        pair.network.set_addresses(server, {v4(2), v6(2)});
        pair.network.set_links(client, server, delayed(milliseconds(30)));
    }
    static Address v4(std::uint8_t number) { return Address::ipv4({10, 0, 0, number}, 9001); }
    static Address v6(std::uint8_t number) { return Address::ipv6({0xfd, number}, 9001); }
    void connect() {
        const std::array<Address, 2> addresses{v6(2), v4(2)};
        pair.network.connect_to(client, addresses);
    }
    Duration handshake() const {
        for (const auto& event : pair.events[client]) {
            const auto* connected = std::get_if<connection::SessionConnected>(&event);
            if (connected != nullptr) return connected->handshake;
        }
        return Duration(-1);
    }
    SessionPair pair;
};

TEST_CASE(
    "protocol §4.3 (e): where IPv6 is dead, a session is there after 250 ms and a round trip") {
    TwoFamilies two(6);
    SimulatedNetwork& network = two.pair.network;
    network.filter = [](const testing::DatagramView& datagram) {
        return datagram.destination.family() == Address::Family::ipv6 ? Verdict::drop
                                                                      : Verdict::pass;
    };
    two.connect();
    REQUIRE(network.run_until([&] { return two.pair.is_established(); }, seconds(5)));
    CHECK(two.handshake() == milliseconds(310));
    CHECK(two.pair.connection(client).peer() == TwoFamilies::v4(2));
}

TEST_CASE(
    "protocol §4.3 (e): where both families work, the first wins and the other is not asked") {
    TwoFamilies two(7);
    two.connect();
    REQUIRE(two.pair.network.run_until([&] { return two.pair.is_established(); }, seconds(5)));
    CHECK(two.handshake() == milliseconds(60));
    CHECK(two.pair.connection(client).peer() == TwoFamilies::v6(2));
    two.pair.network.run_for(seconds(20));
    CHECK(two.pair.network.endpoint(server).statistics().sessions_accepted == 1);
    CHECK(two.pair.network.endpoint(server).statistics().nonces <= 1);
}

TEST_CASE("protocol §4.3 (c)(e): of two that answer, the loser leaves half-open state that ends") {
    connection::EndpointConfig config;
    config.address_delay = Duration::zero();
    SessionPair pair(8, config);
    SimulatedNetwork& network = pair.network;
    const NodeNumber third = add_third(pair);
    network.set_links(client, server, delayed(milliseconds(30)));
    network.set_links(client, third, delayed(milliseconds(40)));
    const std::array<Address, 2> addresses{network.address(third), network.address(server)};
    network.connect_to(client, addresses);
    REQUIRE(network.run_until([&] { return pair.is_established(); }, seconds(5)));
    CHECK(network.endpoint(third).half_open_count() == 1);
    network.run_for(seconds(11));
    CHECK(network.endpoint(third).half_open_count() == 0);
    CHECK(network.endpoint(third).session_count() == 0);
    CHECK(network.endpoint(client).session_count() == 1);
    // Its late RESPONSE was for nobody.
    CHECK(dropped(network, client, DropReason::handshake_unexpected) == 1);
}

TEST_CASE(
    "protocol §4.5 (b): that another node answers than the one wanted is an error of its own") {
    SessionPair pair(9);
    handshake::NodeId wanted = pair.network.endpoint(server).node_id();
    wanted[0] ^= 1;
    pair.network.connect(client, server, wanted);
    pair.network.run_for(seconds(11));
    CHECK(error_of(pair, client) == connection::ConnectError::wrong_peer);
}

}  // namespace
}  // namespace stt
