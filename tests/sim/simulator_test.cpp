// The simulator itself: what it claims to do to datagrams, it does.
#include <doctest/doctest.h>

#include <array>
#include <numeric>

#include "testing/adversary.hpp"
#include "testing/bottleneck.hpp"
#include "testing/invariant_checker.hpp"
#include "testing/nat.hpp"
#include "testing/node_clock.hpp"
#include "testing/session_pair.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Address inside = Address::ipv4({10, 0, 0, 1}, 9001);
const Address outside = Address::ipv4({198, 51, 100, 1}, 0);
const Address peer = Address::ipv4({10, 0, 0, 2}, 9001);
const Address stranger = Address::ipv4({203, 0, 113, 1}, 5);

constexpr Instant at(Duration time) {
    return Instant(time);
}

TEST_CASE("simulator: losses in runs come in runs of exactly that length, and as often as asked") {
    LinkOptions options;
    options.run = loss_in_runs(20'000, 3);
    Link link(options, 7);
    std::vector<Link::Arrival> arrivals;
    const std::array<std::uint8_t, 4> bytes{};
    std::vector<std::size_t> runs;
    std::size_t lost_in_a_row = 0;
    for (int i = 0; i < 200'000; ++i) {
        arrivals.clear();
        link.send(at(microseconds(i)), bytes, 0, arrivals);
        if (arrivals.empty()) {
            ++lost_in_a_row;
        } else if (lost_in_a_row > 0) {
            runs.push_back(lost_in_a_row);
            lost_in_a_row = 0;
        }
    }
    for (const std::size_t run : runs) CHECK(run % 3 == 0);
    const std::size_t lost = std::accumulate(runs.begin(), runs.end(), std::size_t{0});
    CHECK(lost > 3'600);
    CHECK(lost < 4'400);
}

TEST_CASE("simulator: a cut link loses everything until each cut is mended") {
    Link link({}, 1);
    std::vector<Link::Arrival> arrivals;
    const std::array<std::uint8_t, 4> bytes{};
    link.cut();
    link.cut();
    link.send(at(seconds(1)), bytes, 0, arrivals);
    link.mend();
    link.send(at(seconds(2)), bytes, 0, arrivals);
    CHECK(arrivals.empty());
    link.mend();
    link.send(at(seconds(3)), bytes, 0, arrivals);
    CHECK(arrivals.size() == 1);
    CHECK(link.counters().cut == 2);
}

// Offers a datagram of 1,250 bytes each `spacing` for a while to a line that takes 1 ms for
// each, and returns how many came out, counting those marked.
struct Carried {
    std::size_t count = 0;
    std::size_t marked = 0;
    Duration last_wait{0};
};
Carried overload(Bottleneck& bottleneck, Duration spacing, Duration time, std::uint8_t ecn) {
    Carried carried;
    Instant next_offer = at(seconds(1));
    const Instant end = next_offer + time;
    while (next_offer < end) {
        const auto departure = bottleneck.departure();
        if (departure && *departure <= next_offer) {
            const Parcel parcel = bottleneck.depart();
            ++carried.count;
            carried.marked += parcel.ecn == 3 ? 1 : 0;
            // The offer's time travels in the datagram's number of microseconds.
            carried.last_wait = *departure - at(Duration(static_cast<Duration::rep>(parcel.hop)));
            continue;
        }
        Parcel parcel;
        parcel.ecn = ecn;
        parcel.hop = static_cast<std::size_t>(next_offer.time_since_epoch().count());
        parcel.bytes.resize(1'250);
        bottleneck.offer(next_offer, std::move(parcel));
        next_offer += spacing;
    }
    return carried;
}

TEST_CASE("simulator: a bottleneck sends at its rate, and a full tail-drop queue stays full") {
    Bottleneck bottleneck({.rate = 1'250'000, .queue_size = 125'000});
    const Carried carried = overload(bottleneck, microseconds(500), seconds(10), 0);
    CHECK(carried.count >= 9'998);
    CHECK(carried.count <= 10'001);
    CHECK(bottleneck.counters().overflowed > 9'000);
    CHECK(carried.last_wait > milliseconds(95));
}

TEST_CASE("RFC 8289 §5: CoDel drops until the standing queue is near its target") {
    // A sender that offers 2 % more than fits: CoDel's drops, which grow with the square root of
    // time, are enough to drain that.
    Bottleneck bottleneck(
        {.rate = 1'250'000, .queue_size = 1'000'000, .discipline = QueueDiscipline::codel});
    const Carried carried = overload(bottleneck, microseconds(980), seconds(60), 0);
    CHECK(carried.count > 59'000);
    CHECK(bottleneck.counters().dropped > 1'000);
    CHECK(bottleneck.counters().overflowed == 0);
    CHECK(carried.last_wait < milliseconds(30));
}

TEST_CASE("RFC 8289 §5: CoDel marks what can be marked, and drops none of it") {
    Bottleneck bottleneck(
        {.rate = 1'250'000, .queue_size = 1'000'000, .discipline = QueueDiscipline::codel});
    const Carried carried = overload(bottleneck, microseconds(980), seconds(10), 2);
    CHECK(carried.marked > 50);
    CHECK(carried.marked == bottleneck.counters().marked);
    CHECK(bottleneck.counters().dropped == 0);
}

TEST_CASE("RFC 8289 §5: CoDel leaves a queue alone that drains within its interval") {
    Bottleneck bottleneck({.discipline = QueueDiscipline::codel});
    for (int i = 0; i < 50; ++i) {
        Parcel parcel;
        parcel.bytes.resize(1'250);
        bottleneck.offer(at(seconds(1)), std::move(parcel));
    }
    int carried = 0;
    for (; bottleneck.departure(); ++carried) bottleneck.depart();
    CHECK(carried == 50);
    CHECK(bottleneck.counters().dropped == 0);
}

TEST_CASE("RFC 4787 §4.1: an endpoint-independent translator has one port for all peers") {
    Nat nat({.outside = outside}, 3);
    const Address first = nat.outbound(at(seconds(1)), inside, peer);
    CHECK(nat.outbound(at(seconds(2)), inside, stranger) == first);
    CHECK(first.is_same_host(outside));
    CHECK(nat.outbound(at(seconds(2)), inside.with_port(7), peer) != first);
}

TEST_CASE("RFC 4787 §4.1: a symmetric translator has a port for each peer") {
    Nat nat({.outside = outside, .mapping = NatMapping::address_and_port_dependent}, 3);
    const Address to_peer = nat.outbound(at(seconds(1)), inside, peer);
    const Address to_stranger = nat.outbound(at(seconds(1)), inside, stranger);
    CHECK(to_peer != to_stranger);
    CHECK(nat.inbound(at(seconds(1)), peer, to_peer) == inside);
    CHECK_FALSE(nat.inbound(at(seconds(1)), peer, to_stranger));
}

TEST_CASE("RFC 4787 §5: a translator lets in whom its filter allows") {
    const Address same_host = peer.with_port(77);
    for (const NatFiltering filtering :
         {NatFiltering::endpoint_independent, NatFiltering::address_dependent,
          NatFiltering::address_and_port_dependent}) {
        CAPTURE(static_cast<int>(filtering));
        Nat nat({.outside = outside, .filtering = filtering}, 3);
        const Address mapped = nat.outbound(at(seconds(1)), inside, peer);
        CHECK(nat.inbound(at(seconds(2)), peer, mapped) == inside);
        CHECK(nat.inbound(at(seconds(2)), same_host, mapped).has_value() ==
              (filtering != NatFiltering::address_and_port_dependent));
        CHECK(nat.inbound(at(seconds(2)), stranger, mapped).has_value() ==
              (filtering == NatFiltering::endpoint_independent));
    }
}

TEST_CASE("RFC 4787 §4.3: a mapping that carries nothing outwards for its timeout is forgotten") {
    Nat nat({.outside = outside, .timeout = seconds(30)}, 3);
    const Address mapped = nat.outbound(at(seconds(1)), inside, peer);
    CHECK(nat.inbound(at(seconds(31)), peer, mapped) == inside);
    CHECK_FALSE(nat.inbound(at(seconds(32)), peer, mapped));
    CHECK(nat.outbound(at(seconds(33)), inside, peer) != mapped);
}

TEST_CASE("simulator: a translator that rebinds has new ports, and the old ones lead nowhere") {
    Nat nat({.outside = outside}, 3);
    const Address forwarded = nat.forward(peer, 9001);
    const Address before = nat.outbound(at(seconds(1)), inside, stranger);
    nat.rebind_ports();
    const Address after = nat.outbound(at(seconds(1)), inside, stranger);
    CHECK(after != before);
    CHECK_FALSE(nat.inbound(at(seconds(1)), stranger, before));
    CHECK(nat.inbound(at(seconds(1)), stranger, forwarded) == peer);
    const Address other_host = Address::ipv4({198, 51, 100, 2}, 0);
    nat.rebind_host(other_host);
    CHECK(nat.outbound(at(seconds(1)), inside, stranger).is_same_host(other_host));
}

TEST_CASE("simulator: a node's clock runs at its rate, leaps, and is inverted exactly") {
    for (const std::int32_t ppm : {0, 1, -1, 200'000, -200'000, 333'333}) {
        CAPTURE(ppm);
        NodeClock clock;
        clock.set_rate(at(seconds(1)), ppm);
        clock.leap(at(seconds(2)), seconds(10));
        CHECK(clock.local(at(seconds(3))) - clock.local(at(seconds(2))) ==
              microseconds(1'000'000 + ppm));
        for (std::int64_t local = 12'000'000; local < 12'001'000; local += 7) {
            const Instant wanted = at(microseconds(local + 1'000'000));
            const Instant when = clock.virtual_time(wanted);
            CHECK(clock.local(when) >= wanted);
            CHECK(clock.local(when - microseconds(1)) < wanted);
        }
    }
}

// Both sides send 200,000 bytes; returns whether they arrive.
bool exchange(SessionPair& pair, Duration limit = seconds(120)) {
    const std::string text(200'000, 'x');
    const auto key = pair.open(client);
    pair.write(client, key, text);
    pair.finish(client, key);
    pair.network.run_for(milliseconds(200));
    pair.write(server, key, text);
    pair.finish(server, key);
    return pair.network.run_until(
        [&] {
            return pair.received(client, key).text == text &&
                   pair.received(server, key).text == text;
        },
        limit);
}

TEST_CASE("simulator: two nodes behind translators of two kinds reach a forwarded port") {
    SessionPair pair(1);
    InvariantChecker checker(pair.network);
    const NatNumber home = pair.network.add_nat({.outside = outside});
    const NatNumber office = pair.network.add_nat({.outside = Address::ipv4({198, 51, 100, 2}, 0)});
    pair.network.put_behind(client, home);
    pair.network.put_behind(server, office);
    const Address reachable = pair.network.nat(office).forward(pair.network.address(server), 9001);
    // What is inside cannot be reached from outside.
    pair.network.connect(client, server);
    pair.network.run_for(seconds(11));
    CHECK(!pair.is_established());
    CHECK(pair.network.counters().unroutable > 0);
    pair.network.connect_to(client, {&reachable, 1});
    REQUIRE(pair.network.run_until([&] { return pair.is_established(); }, seconds(5)));
    CHECK(pair.connection(server).peer().is_same_host(outside));
    CHECK(exchange(pair));
    CHECK(checker.failure().value_or("") == "");
}

TEST_CASE("simulator: IPv6 nodes talk, and a node without such an address does not") {
    SessionPair pair(2);
    const Address six_client = *Address::parse("[2001:db8::1]:9001");
    const Address six_server = *Address::parse("[2001:db8::2]:9001");
    pair.network.set_addresses(server, {six_server});
    pair.network.connect(client, server);
    pair.network.run_for(seconds(11));
    CHECK(!pair.is_established());
    pair.network.set_addresses(client, {pair.network.address(client), six_client});
    REQUIRE(pair.establish());
    CHECK(pair.connection(server).peer() == six_client);
    CHECK(exchange(pair));
}

TEST_CASE("simulator: two flows through one bottleneck get its rate together, not each") {
    SimulatedNetwork network(3);
    for (int i = 0; i < 3; ++i) network.add_node();
    const BottleneckNumber shared = network.add_bottleneck({.rate = 1'000'000});
    network.set_route(0, 2, {shared});
    network.set_route(1, 2, {shared});
    std::map<NodeNumber, connection::SessionHandle> sessions;
    network.on_event = [&](NodeNumber node, const connection::EndpointEvent& event) {
        if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
            sessions[node] = connected->session;
        }
    };
    network.connect(0, 2);
    network.connect(1, 2);
    network.run_for(seconds(1));
    for (const NodeNumber node : {0u, 1u}) {
        auto* connection = network.find(node, sessions[node]);
        const auto key = connection->open_stream("bulk");
        // Nobody reads: what the windows take is all that crosses.
        CHECK(connection->write(*key, std::vector<std::uint8_t>(60'000)).has_value());
        network.touch(node, sessions[node]);
    }
    const Instant before = network.now();
    network.run_until([&] { return network.bytes_received_by(2) > 120'000; }, seconds(10));
    CHECK(network.now() - before > milliseconds(110));
    CHECK(network.bottleneck(shared).counters().bytes_carried > 120'000);
}

TEST_CASE("simulator: a node that crashed knows nothing any more, and connects anew") {
    SessionPair pair(4);
    InvariantChecker checker(pair.network);
    REQUIRE(pair.establish());
    REQUIRE(checker.session_count() == 2);
    pair.network.crash(server);
    CHECK(checker.session_count() == 1);
    pair.network.run_for(seconds(5));
    pair.network.restart(server);
    CHECK(pair.network.endpoint(server).session_count() == 0);
    const auto before = pair.session[client];
    REQUIRE(pair.establish());
    pair.network.run_until([&] { return pair.session[client] != before; }, seconds(5));
    CHECK(exchange(pair));
    CHECK(checker.failure().value_or("") == "");
}

TEST_CASE("simulator: a node that slept finds that time has leapt, and its session goes on") {
    SessionPair pair(5);
    InvariantChecker checker(pair.network);
    REQUIRE(pair.establish());
    pair.network.freeze(client);
    pair.network.run_for(seconds(100));
    pair.network.thaw(client);
    CHECK(exchange(pair));
    CHECK(checker.failure().value_or("") == "");
}

TEST_CASE("simulator: nodes whose clocks run a fifth apart exchange data all the same") {
    SessionPair pair(6);
    InvariantChecker checker(pair.network);
    LinkOptions link;
    link.delay = milliseconds(20);
    link.loss = 20'000;
    pair.network.set_links(client, server, link);
    pair.network.set_clock_rate(client, 100'000);
    pair.network.set_clock_rate(server, -100'000);
    REQUIRE(pair.establish());
    pair.network.set_clock_offset(server, milliseconds(-86'400'000));
    CHECK(exchange(pair));
    pair.network.leap_clock(client, seconds(30));
    pair.network.set_clock_offset(server, milliseconds(86'400'000));
    CHECK(exchange(pair));
    CHECK(checker.failure().value_or("") == "");
}

AdversaryOptions hostile() {
    AdversaryOptions options;
    options.drop = options.delay = options.replay = options.displace = 20'000;
    options.reflect = options.splice = options.truncate = options.flip = options.forge = 50'000;
    return options;
}

TEST_CASE("simulator: an adversary who does everything changes no byte, and breaks no invariant") {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        CAPTURE(seed);
        SessionPair pair(seed);
        InvariantChecker checker(pair.network);
        Adversary adversary(pair.network, seed, hostile());
        pair.network.set_interceptor(&adversary);
        LinkOptions link;
        link.delay = milliseconds(15);
        pair.network.set_links(client, server, link);
        REQUIRE(pair.establish());
        CHECK(exchange(pair));
        CHECK(checker.failure().value_or("") == "");
        const AdversaryCounters& done = adversary.counters();
        for (const std::uint64_t count :
             {done.dropped, done.delayed, done.replayed, done.displaced, done.reflected,
              done.spliced, done.truncated, done.flipped, done.forged}) {
            CHECK(count > 0);
        }
    }
}

TEST_CASE("simulator: the same seed and calls give the same trace, another seed another") {
    const auto trace = [](std::uint64_t seed) {
        SessionPair pair(seed);
        Adversary adversary(pair.network, 1, hostile());
        pair.network.set_interceptor(&adversary);
        REQUIRE(pair.establish());
        CHECK(exchange(pair));
        return pair.network.trace_hash();
    };
    const std::uint64_t first = trace(11);
    CHECK(trace(11) == first);
    CHECK(trace(12) != first);
}

// What the checker says of one more event in a session that is good so far.
class CheckedPair : public SessionPair {
public:
    CheckedPair() : SessionPair(9), checker(network) {
        network.set_recording(true);
        REQUIRE(establish());
        REQUIRE(exchange(*this));
        REQUIRE(checker.failure().value_or("") == "");
    }
    InvariantChecker checker;

    std::string failure() const { return checker.failure().value_or(""); }
    DatagramView sent(NodeNumber from, Bytes bytes) const {
        return {from,
                1 - from,
                0,
                network.now(),
                bytes,
                network.address(from),
                network.address(1 - from),
                0};
    }
};

TEST_CASE("checker: a Sequence that seals two contents is found out, and a repeat is not") {
    CheckedPair pair;
    const auto last = pair.network.recorded().back();
    pair.checker.on_sent(pair.sent(last.from, last.bytes));
    CHECK(pair.failure() == "");
    auto other = last.bytes;
    other.back() ^= 1;
    pair.checker.on_sent(pair.sent(last.from, other));
    CHECK(pair.failure().find("a Sequence sealed two contents") != std::string::npos);
}

TEST_CASE("checker: a handshake's nonce that seals two contents is found out") {
    CheckedPair pair;
    auto hello = pair.network.recorded().front();
    hello.bytes[hello.bytes.size() - 1] ^= 1;
    pair.checker.on_sent(pair.sent(hello.from, hello.bytes));
    CHECK(pair.failure().find("a handshake's nonce sealed two contents") != std::string::npos);
}

TEST_CASE("checker: what does not parse, or is too large, is found out") {
    CheckedPair pair;
    pair.checker.on_sent(pair.sent(client, std::array<std::uint8_t, 3>{1, 2, 3}));
    CHECK(pair.failure().find("does not parse") != std::string::npos);
    CheckedPair other;
    other.checker.on_sent(other.sent(client, std::vector<std::uint8_t>(1'473)));
    CHECK(other.failure().find("over the ceiling") != std::string::npos);
}

TEST_CASE("checker: more than three times what a stranger sent is found out") {
    CheckedPair pair;
    const auto frame = pair.network.recorded().back();
    DatagramView view = pair.sent(frame.from, frame.bytes);
    view.destination = stranger;
    pair.checker.on_delivered(
        {nobody, frame.from, stranger, pair.network.address(frame.from), frame.bytes});
    for (int i = 0; i < 3; ++i) pair.checker.on_sent(view);
    CHECK(pair.failure() == "");
    pair.checker.on_sent(view);
    CHECK(pair.failure().find("more than three times") != std::string::npos);
}

TEST_CASE("checker: an honest peer that is accused, and a session that ends twice, are found out") {
    CheckedPair pair;
    connection::Closed closed;
    closed.cause = connection::CloseCause::idle;
    pair.checker.on_event(client, connection::SessionEvent{pair.session[client], closed});
    CHECK(pair.failure() == "");
    pair.checker.on_event(client, connection::SessionEvent{pair.session[client], closed});
    CHECK(pair.failure().find("that had not begun") != std::string::npos);
    CheckedPair other;
    closed.cause = connection::CloseCause::violation;
    other.checker.on_event(client, connection::SessionEvent{other.session[client], closed});
    CHECK(other.failure().find("was accused") != std::string::npos);
}

}  // namespace
}  // namespace stt
