// What a session counts, against what the network did to it.
#include "core/connection/statistics.hpp"

#include <doctest/doctest.h>

#include "core/connection/rate_meter.hpp"
#include "testing/session_pair.hpp"

namespace stt::connection {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

Instant at(Duration time) {
    return Instant(time);
}

TEST_CASE("RateMeter: a steady flow shows its rate, and silence ends it within two seconds") {
    RateMeter meter;
    for (int i = 0; i < 500; ++i) meter.add(at(milliseconds(10) * i), 1'000);
    CHECK(meter.bytes_per_second(at(milliseconds(5'000))) == 100'000);
    CHECK(meter.bytes_per_second(at(milliseconds(5'500))) == 50'000);
    CHECK(meter.bytes_per_second(at(milliseconds(6'000))) == 0);
    CHECK(meter.bytes_per_second(at(seconds(4'000'000))) == 0);
}

TEST_CASE("RateMeter: within its first second it shows the bytes so far") {
    RateMeter meter;
    meter.add(at(Duration(0)), 700);
    CHECK(meter.bytes_per_second(at(Duration(0))) == 700);
    CHECK(meter.bytes_per_second(at(milliseconds(999))) == 700);
}

struct Transferred {
    SessionPair pair;
    stream::StreamKey key;

    explicit Transferred(const LinkOptions& link, EndpointConfig config = {},
                         std::size_t size = 400'000)
        : pair(5, config) {
        pair.network.set_links(client, server, link);
        REQUIRE(pair.establish());
        key = pair.open(client);
        const std::string text(size, 'x');
        for (std::size_t sent = 0; sent < text.size();) {
            sent += pair.write(client, key, std::string_view(text).substr(sent));
            pair.network.run_for(milliseconds(50));
        }
        pair.network.run_for(milliseconds(900));
    }
    SessionStatistics of(NodeNumber node) {
        return pair.connection(node).statistics(pair.network.now());
    }
};

TEST_CASE("statistics: counts of the two sides agree with each other and with the network") {
    LinkOptions link;
    link.delay = milliseconds(20);
    Transferred transferred(link);
    const SessionStatistics sent = transferred.of(client);
    const SessionStatistics received = transferred.of(server);
    CHECK(sent.frames_sent == received.frames_received);
    CHECK(sent.frames_received == received.frames_sent);
    CHECK(sent.bytes_lost == 0);
    CHECK(sent.bytes_retransmitted == 0);
    CHECK(sent.frames_lost == 0);
    CHECK(sent.acks_received == received.acks_sent);
    CHECK(sent.send_credit_used == 400'000);
    CHECK(received.receive_credit_used == 400'000);
    CHECK(received.bytes_unread == 0);
    CHECK(sent.send_credit_limit <= received.receive_credit_limit);
    CHECK(sent.streams_open == 1);
    CHECK(sent.streams_opened == 1);
    CHECK(received.streams_accepted == 1);
    CHECK(sent.streams_opened_limit == ConnectionConfig{}.peer_stream_limit);
    CHECK(sent.rtt_minimum >= milliseconds(40));
    CHECK(sent.rtt_minimum < milliseconds(42));
    CHECK(sent.has_rtt_sample);
    CHECK(sent.path_mtu == 1'472);
    CHECK(!sent.controller.empty());
    CHECK(!sent.controller_state.empty());
    CHECK(sent.bytes_in_flight == 0);
    CHECK(sent.pacing_rate > 0);
    CHECK(sent.delivery_rate > 0);
    CHECK(sent.ecn == trace::EcnState::capable);
    CHECK(received.ecn_received.has_value());
    CHECK(sent.send_rate > 20'000);
    CHECK(received.receive_rate > 20'000);
    CHECK(sent.frames_dropped() == 0);
}

TEST_CASE("statistics: losses, marks and drops are counted, each under its name") {
    LinkOptions link;
    link.delay = milliseconds(20);
    link.loss = 50'000;
    link.duplicate = 50'000;
    link.congestion_mark = 20'000;
    Transferred transferred(link, {}, 2'000'000);
    transferred.pair.network.run_for(seconds(20));
    const SessionStatistics sent = transferred.of(client);
    const SessionStatistics received = transferred.of(server);
    CHECK(sent.frames_lost > 5);
    CHECK(sent.bytes_lost > sent.frames_lost * 40);
    CHECK(sent.frames_retransmitted > 5);
    CHECK(sent.bytes_retransmitted > 5 * 500);
    // A probe timeout sends again, in two datagrams, what is not lost.
    CHECK(sent.bytes_retransmitted < sent.bytes_lost + sent.probe_timeouts * 2 * sent.path_mtu);
    CHECK(sent.probe_timeouts < 10);
    CHECK(sent.congestion_events > 0);
    CHECK(sent.ecn_reported.ce > 0);
    CHECK(received.drops[static_cast<std::size_t>(wire::DropReason::sequence_repeated)] > 5);
    CHECK(received.frames_dropped() ==
          received.drops[static_cast<std::size_t>(wire::DropReason::sequence_repeated)]);
    CHECK(received.frames_received < sent.frames_sent);
}

TEST_CASE("statistics: frames that only came late are counted as spurious losses") {
    LinkOptions link;
    link.delay = milliseconds(20);
    link.rate = 2'000'000;
    link.reorder = 50'000;
    link.reorder_delay = milliseconds(15);
    Transferred transferred(link);
    const SessionStatistics sent = transferred.of(client);
    CHECK(sent.losses_spurious > 0);
    CHECK(sent.losses_spurious <= sent.frames_lost);
}

TEST_CASE("statistics: epochs of both directions, and probe timeouts of a path that went dead") {
    EndpointConfig config;
    config.connection.rotation_frames = 100;
    LinkOptions link;
    link.delay = milliseconds(20);
    Transferred transferred(link, config, 1'000'000);
    CHECK(transferred.of(client).send_epoch >= 2);
    CHECK(transferred.of(server).receive_epoch == transferred.of(client).send_epoch);
    CHECK(transferred.of(client).probe_timeouts == 0);
    transferred.pair.network.filter = [](const DatagramView&) { return Verdict::drop; };
    transferred.pair.write(client, transferred.key, "into the void");
    transferred.pair.network.run_for(seconds(10));
    CHECK(transferred.of(client).probe_timeouts >= 3);
    CHECK(transferred.of(client).bytes_in_flight > 0);
    CHECK(transferred.of(client).send_rate < 1'000);
}

}  // namespace
}  // namespace stt::connection
