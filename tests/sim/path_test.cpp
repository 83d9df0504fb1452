// Sessions that move, sleep and are forgotten, over a network. Spec protocol §10.5, §11, §12.2.
#include <doctest/doctest.h>

#include "testing/session_pair.hpp"

namespace stt {
namespace {

using namespace testing;
using connection::CloseCause;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

template <class Event>
std::size_t count_of(const SessionPair& pair, NodeNumber node) {
    std::size_t count = 0;
    for (const auto& event : pair.events[node]) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session != nullptr && std::holds_alternative<Event>(of_session->event)) ++count;
    }
    return count;
}

// `size` bytes from one node to the other, while something happens now and then.
void transfer(SessionPair& pair, NodeNumber from, std::size_t size, Duration limit,
              const std::function<void()>& happens, Duration every) {
    const auto key = pair.open(from);
    if (from == server) pair.write(server, key, "x");
    std::size_t written = from == server ? 1 : 0;
    const std::string content(200'000, 'm');
    const std::string_view chunk = content;
    Instant next = pair.network.now() + every;
    const bool is_done = pair.network.run_until(
        [&] {
            if (pair.network.now() >= next) {
                happens();
                next += every;
            }
            if (written < size && pair.has_connection(from)) {
                written += pair.write(from, key, chunk.substr(0, size - written));
            }
            return pair.received(1 - from, key).text.size() == size;
        },
        limit);
    CHECK(is_done);
    CHECK(pair.received(1 - from, key).text.size() == size);
}

struct BehindNat {
    SessionPair pair;
    NatNumber nat;
    explicit BehindNat(std::uint64_t seed, connection::EndpointConfig config = {})
        : pair(seed, config), nat(pair.network.add_nat({Address::ipv4({192, 0, 2, 1}, 0)})) {
        pair.network.put_behind(client, nat);
        pair.network.set_links(client, server, delayed(milliseconds(15), 1'250'000));
        REQUIRE(pair.establish());
    }
};

TEST_CASE(
    "protocol §11.3 (a): a port that is rebound every 5 s, in both directions, with keys that "
    "rotate all the while") {
    for (const NodeNumber from : {client, server}) {
        CAPTURE(from);
        connection::EndpointConfig config;
        config.connection.rotation_frames = 500;
        BehindNat behind(1, config);
        SessionPair& pair = behind.pair;
        transfer(
            pair, from, 25'000'000, seconds(60),
            [&] { pair.network.nat(behind.nat).rebind_ports(); }, seconds(5));
        CHECK(pair.connection(from).send_epoch() > 10);
        CHECK(count_of<connection::PathTaken>(pair, server) >= 3);
        CHECK(!pair.closed(client));
    }
}

TEST_CASE("protocol §11.1 (a): an address that changes every 5 s under a transfer") {
    for (const NodeNumber from : {client, server}) {
        CAPTURE(from);
        BehindNat behind(2);
        SessionPair& pair = behind.pair;
        std::uint8_t host = 1;
        transfer(
            pair, from, 20'000'000, seconds(90),
            [&] {
                pair.network.rebind_host(behind.nat, Address::ipv4({192, 0, 2, ++host}, 0));
            },
            seconds(5));
        CHECK(count_of<connection::PathTaken>(pair, server) >= 3);
        CHECK(pair.connection(server).peer().octets()[3] == host);
        // The client is told each time where it is seen.
        CHECK(count_of<connection::AddressObserved>(pair, client) >= 3);
    }
}

TEST_CASE("protocol §11.1 (b): both ends move at once, and hear of it while both old places last") {
    SessionPair pair(3);
    pair.network.set_links(client, server, delayed(milliseconds(20)));
    REQUIRE(pair.establish());
    pair.network.run_for(seconds(1));
    const auto key = pair.open(client);
    pair.network.run_for(seconds(1));
    const Address new_client = Address::ipv4({10, 1, 0, 1}, 9'001);
    const Address new_server = Address::ipv4({10, 1, 0, 2}, 9'001);
    pair.network.set_addresses(client, {new_client, pair.network.address(client)});
    pair.network.set_addresses(server, {new_server, pair.network.address(server)});
    pair.write(client, key, "from there");
    pair.write(server, key, "and from there");
    pair.network.run_for(seconds(2));
    CHECK(pair.received(server, key).text == "from there");
    CHECK(pair.received(client, key).text == "and from there");
    CHECK(pair.connection(client).peer() == new_server);
    CHECK(pair.connection(server).peer() == new_client);
}

TEST_CASE("protocol §12.2 (c): asleep for ten minutes, then back with another address") {
    connection::EndpointConfig config;
    config.connection.resume_timeout = minutes(20);
    SessionPair pair(4, config);
    pair.network.set_links(client, server, delayed(milliseconds(20)));
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, "before ");
    pair.network.run_for(seconds(2));
    pair.network.freeze(client);
    pair.network.run_for(minutes(10));
    CHECK(count_of<connection::Unreachable>(pair, server) == 1);
    pair.network.set_addresses(client, {Address::ipv4({10, 9, 9, 9}, 9'001)});
    pair.network.thaw(client);
    const Instant woke = pair.network.now();
    pair.write(client, key, "and after");
    REQUIRE(pair.network.run_until(
        [&] { return pair.received(server, key).text == "before and after"; }, seconds(10)));
    CHECK(pair.network.now() - woke < seconds(2));
    pair.network.run_for(seconds(1));  // the new address answers its challenge
    CHECK(count_of<connection::Reachable>(pair, server) == 1);
    CHECK(!pair.closed(client));
    CHECK(pair.connection(server).peer().octets()[1] == 9);
}

TEST_CASE("protocol §12.2 (c): a server that lost its state is noticed within seconds") {
    SessionPair pair(5);
    pair.network.set_links(client, server, delayed(milliseconds(20)));
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, "it arrives");
    pair.network.run_for(seconds(2));
    pair.network.crash(server);
    pair.network.restart(server);
    pair.write(client, key, ", and this does not");
    pair.network.run_for(milliseconds(4'100));
    CHECK(count_of<connection::Unreachable>(pair, client) == 1);
    CHECK(pair.connection(client).streams().acknowledged_end(key) == 10);
}

TEST_CASE("protocol §12.2 (c): black holes of 5 s with 2 s between let a transfer through") {
    SessionPair pair(6);
    pair.network.set_links(client, server, delayed(milliseconds(15), 1'250'000));
    REQUIRE(pair.establish());
    transfer(
        pair, client, 8'000'000, seconds(120),
        [&] {
            pair.network.cut_link(client, server, seconds(5));
            pair.network.cut_link(server, client, seconds(5));
        },
        seconds(7));
    CHECK(!pair.closed(client));
    CHECK(!pair.closed(server));
}

TEST_CASE("protocol §12.2 (e): a clock that leaps an hour, with a stream open, ends no session") {
    SessionPair pair(7);
    pair.network.set_links(client, server, delayed(milliseconds(20)));
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.network.run_for(seconds(1));
    for (int i = 0; i < 5; ++i) {
        pair.network.leap_clock(client, std::chrono::hours(1));
        pair.network.run_for(seconds(5));
    }
    pair.write(client, key, "still here");
    pair.network.run_for(seconds(5));
    CHECK(pair.received(server, key).text == "still here");
}

}  // namespace
}  // namespace stt
