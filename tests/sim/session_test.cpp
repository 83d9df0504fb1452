// The life of a session between two endpoints: closing, silence, rotation, path MTU.
// Spec protocol §5, §10, §12, §13.1.
#include <doctest/doctest.h>

#include "testing/session_pair.hpp"

namespace stt {
namespace {

using namespace testing;
using connection::CloseCause;
using connection::SessionState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using stream::StreamEvent;

TEST_CASE(
    "protocol §12.3 (a), §8.1 SESSION_CLOSE: close tells the peer code and reason, and both "
    "sides end") {
    SessionPair pair(1);
    pair.network.set_links(client, server, delayed(milliseconds(10)));
    REQUIRE(pair.establish());
    pair.network.run_for(seconds(1));
    pair.close(client, 1'000, "that was all");
    CHECK(pair.connection(client).state() == SessionState::closing);
    pair.network.run_for(milliseconds(11));
    REQUIRE(pair.closed(server));
    CHECK(pair.closed(server)->cause == CloseCause::peer);
    CHECK(pair.closed(server)->code == 1'000);
    CHECK(pair.closed(server)->reason == "that was all");
    REQUIRE(pair.closed(client));
    CHECK(pair.closed(client)->cause == CloseCause::local);
    pair.network.run_for(seconds(2));
    CHECK(pair.network.endpoint(client).session_count() == 0);
    CHECK(pair.network.endpoint(server).session_count() == 0);
}

TEST_CASE("protocol §12.3 (a): a reason is cut at 255 bytes, and never inside a character") {
    const std::string umlaut = "\xc3\xa4";
    for (const std::size_t before : {253u, 254u, 255u}) {
        SessionPair pair(2);
        REQUIRE(pair.establish());
        pair.close(client, 0, std::string(before, 'r') + umlaut);
        pair.network.run_for(milliseconds(10));
        REQUIRE(pair.closed(server));
        CHECK(pair.closed(server)->reason.size() == (before == 253 ? 255 : before));
    }
}

TEST_CASE(
    "protocol §12.3 (a): a lost SESSION_CLOSE is repeated on the 1st, 2nd, 4th and 8th frame") {
    SessionPair pair(3);
    REQUIRE(pair.establish());
    pair.network.run_for(seconds(1));
    const auto key = pair.open(server);
    pair.network.run_for(seconds(1));
    std::vector<std::vector<std::uint8_t>> closes;
    std::vector<std::size_t> frames_before;  // frames of the peer before each copy
    std::size_t frames = 0;
    pair.network.filter = [&](const DatagramView& datagram) {
        if (datagram.from == server) {
            ++frames;
            return Verdict::pass;
        }
        closes.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
        frames_before.push_back(frames);
        return Verdict::drop;
    };
    pair.close(client, 7, "gone");
    // One after the other: of a batch the last one counts.
    for (std::size_t i = 0; i < 10; ++i) {
        pair.write(server, key, "x");
        pair.network.run_for(Duration(100));
    }
    CHECK(frames == 10);
    REQUIRE(closes.size() == 5);
    CHECK(frames_before == std::vector<std::size_t>{0, 1, 2, 4, 8});
    for (const auto& bytes : closes) CHECK(bytes == closes.front());
    CHECK(pair.network.endpoint(client).session_count() == 1);
}

TEST_CASE(
    "protocol §12.3 (d): what was sent before the close is still told, and the close comes "
    "last") {
    SessionPair pair(4);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.network.run_for(seconds(1));
    // In one batch: the link holds all back and lets it go together.
    pair.network.set_link(client, server, delayed(milliseconds(5)));
    pair.write(client, key, "last words");
    pair.finish(client, key);
    pair.close(client, 0, "");
    pair.network.run_for(milliseconds(6));
    CHECK(pair.received(server, key).text == "last words");
    CHECK(pair.received(server, key).is_ended);
    const auto* last = std::get_if<connection::SessionEvent>(&pair.events[server].back());
    REQUIRE(last != nullptr);
    CHECK(std::holds_alternative<connection::Closed>(last->event));
}

TEST_CASE(
    "protocol §12.2 (b): a session without streams ends quietly after 300 s of silence, not "
    "before") {
    SessionPair pair(5);
    REQUIRE(pair.establish());
    pair.network.run_for(seconds(5));
    pair.network.set_recording(true);
    pair.network.run_for(seconds(290));
    CHECK(pair.network.endpoint(client).session_count() == 1);
    pair.network.run_for(seconds(6));
    CHECK(pair.network.endpoint(client).session_count() == 0);
    CHECK(pair.network.endpoint(server).session_count() == 0);
    CHECK(pair.network.recorded().empty());
    REQUIRE(pair.closed(server));
    CHECK(pair.closed(server)->cause == CloseCause::idle);
    CHECK(pair.closed(server)->code == static_cast<std::uint64_t>(ErrorCode::timeout));
}

TEST_CASE("protocol §12.2 (a): PING every 15 s keeps the session of an open stream alive") {
    SessionPair pair(6);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.network.run_for(seconds(2'000));
    CHECK(pair.network.endpoint(client).session_count() == 1);
    pair.write(client, key, "still here");
    pair.network.run_for(seconds(1));
    CHECK(pair.received(server, key).text == "still here");
    // And no more of them than needed: a PING, its PONG and their ACKs, each 15 s a side.
    CHECK(pair.connection(client).totals().frames_sent < 2'000 / 15 * 5);
}

TEST_CASE("protocol §12.2 (b): a peer that went away with a stream open is given up after 300 s") {
    SessionPair pair(7);
    REQUIRE(pair.establish());
    static_cast<void>(pair.open(client));
    pair.network.run_for(seconds(1));
    pair.network.filter = [](const DatagramView&) { return Verdict::drop; };
    pair.network.run_for(seconds(299));
    CHECK(!pair.closed(client));
    pair.network.run_for(seconds(2));
    REQUIRE(pair.closed(client));
    CHECK(pair.closed(client)->cause == CloseCause::lost);
}

TEST_CASE(
    "protocol §5.1 (b)(c): keys rotate every 50 frames in both directions at once, under "
    "load and loss") {
    connection::EndpointConfig config;
    config.connection.rotation_frames = 50;
    SessionPair pair(8, config);
    LinkOptions link = delayed(milliseconds(5));
    link.loss = 100'000;
    link.reorder = 50'000;
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    const std::string text(2'000'000, 'r');
    pair.write(client, key, text);
    pair.finish(client, key);
    pair.network.run_for(milliseconds(50));
    pair.write(server, key, text);
    pair.finish(server, key);
    REQUIRE(pair.network.run_until(
        [&] { return pair.received(client, key).is_ended && pair.received(server, key).is_ended; },
        seconds(300)));
    CHECK(pair.received(client, key).text == text);
    CHECK(pair.received(server, key).text == text);
    for (const NodeNumber node : {client, server}) {
        CHECK(pair.connection(node).send_epoch() > 10);
        CHECK(pair.connection(1 - node).receive_epoch() + 1 >= pair.connection(node).send_epoch());
    }
}

TEST_CASE("protocol §5.1 (b): keys rotate by time, by bytes, and not without a reason") {
    connection::EndpointConfig config;
    config.connection.rotation_bytes = 100'000;
    config.connection.rotation_time = seconds(100);
    SessionPair pair(9, config);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.network.run_for(seconds(90));
    CHECK(pair.connection(client).send_epoch() == 0);
    pair.network.run_for(seconds(20));
    CHECK(pair.connection(client).send_epoch() == 1);
    CHECK(pair.connection(server).send_epoch() == 1);
    pair.write(client, key, std::string(150'000, 'b'));
    pair.network.run_for(seconds(20));
    CHECK(pair.connection(client).send_epoch() == 2);
    CHECK(pair.connection(server).send_epoch() == 1);
    CHECK(pair.received(server, key).text.size() == 150'000);
}

TEST_CASE(
    "protocol §13.1 (a): path MTU discovery finds 1,472 bytes at once, and what lies below "
    "in steps") {
    for (const std::size_t path : {1'200u, 1'201u, 1'300u, 1'471u, 1'472u, 1'500u}) {
        CAPTURE(path);
        SessionPair pair(10);
        LinkOptions link = delayed(milliseconds(10));
        link.datagram_size_max = path;
        pair.network.set_links(client, server, link);
        REQUIRE(pair.establish());
        static_cast<void>(pair.open(client));
        pair.network.run_for(seconds(30));
        const std::size_t found = pair.connection(client).path().mtu().current();
        CHECK(found <= std::min<std::size_t>(path, 1'472));
        CHECK(found + recovery::PathMtu::search_resolution >= std::min<std::size_t>(path, 1'472));
    }
}

TEST_CASE(
    "protocol §13.1 (a): a path that begins to swallow large datagrams is found out: back to "
    "1,200") {
    SessionPair pair(11);
    LinkOptions link = delayed(milliseconds(10));
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, std::string(100'000, 'm'));
    pair.network.run_for(seconds(5));
    REQUIRE(pair.connection(client).path().mtu().current() == 1'472);
    link.datagram_size_max = 1'200;
    pair.network.set_links(client, server, link);
    pair.write(client, key, std::string(1'000'000, 'm'));
    pair.network.run_for(seconds(30));
    CHECK(pair.connection(client).path().mtu().current() == 1'200);
    CHECK(pair.received(server, key).text.size() == 1'100'000);
    // A minute after, it is tried again.
    link.datagram_size_max = 1'472;
    pair.network.set_links(client, server, link);
    pair.network.run_for(seconds(90));
    CHECK(pair.connection(client).path().mtu().current() == 1'472);
}

TEST_CASE(
    "protocol §13.1 (a): when the time to probe again comes while the window is full, "
    "nothing spins") {
    SessionPair pair(15);
    LinkOptions link = delayed(milliseconds(50));
    // So much that the window stays at its smallest, two datagrams: a probe rarely fits.
    link.loss = 300'000;
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    const std::string chunk(1'000'000, 'w');
    const auto keep_writing = [&](Duration time) {
        const Instant until = pair.network.now() + time;
        while (pair.network.now() < until) {
            pair.write(client, key, chunk);
            pair.network.run_for(milliseconds(500));
        }
    };
    keep_writing(seconds(5));
    link.datagram_size_max = 1'200;
    pair.network.set_links(client, server, link);
    // The network itself stops a run in which an endpoint's timer never leaves the past.
    keep_writing(seconds(400));
    CHECK(pair.connection(client).path().mtu().current() == 1'200);
    CHECK(pair.received(server, key).text.size() > 1'000'000);
}

TEST_CASE(
    "protocol §8.1 PING, PONG: each gets its answer, several at once, at most 16, and a lost "
    "one is asked again") {
    SessionPair pair(12);
    pair.network.set_links(client, server, delayed(milliseconds(30)));
    REQUIRE(pair.establish());
    pair.network.run_for(seconds(1));
    auto& connection = pair.connection(client);
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i < 3; ++i) numbers.push_back(*connection.ping(pair.network.now()));
    pair.network.touch(client, pair.session[client]);
    pair.network.run_for(seconds(1));
    std::vector<std::uint64_t> answered;
    for (const auto& event : pair.events[client]) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr) continue;
        if (const auto* pong = std::get_if<connection::PongReceived>(&of_session->event)) {
            answered.push_back(pong->ping);
            CHECK(pong->round_trip == milliseconds(60));
        }
    }
    CHECK(answered == numbers);
    pair.network.filter = [](const DatagramView&) { return Verdict::drop; };
    for (int i = 0; i < 16; ++i) CHECK(connection.ping(pair.network.now()).has_value());
    CHECK_FALSE(connection.ping(pair.network.now()).has_value());
    pair.network.touch(client, pair.session[client]);
    pair.network.run_for(seconds(1));
    pair.network.filter = nullptr;
    pair.events[client].clear();
    pair.network.run_for(seconds(10));
    std::size_t answered_late = 0;
    for (const auto& event : pair.events[client]) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr) continue;
        if (std::holds_alternative<connection::PongReceived>(of_session->event)) ++answered_late;
    }
    CHECK(answered_late == 16);
}

TEST_CASE(
    "protocol §10.4 (c), §8.1 ACK_ECN: a path that marks congestion is slowed down without a "
    "loss") {
    SessionPair pair(13);
    LinkOptions link = delayed(milliseconds(20));
    link.congestion_mark = 20'000;
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, std::string(2'000'000, 'e'));
    pair.network.run_for(seconds(30));
    CHECK(pair.received(server, key).text.size() == 2'000'000);
    // A MTU probe that is too large is the only loss there can be, and here none is.
    CHECK(pair.connection(client).totals().frames_lost == 0);
    CHECK(!pair.connection(client).path().controller().is_in_slow_start());
}

TEST_CASE("a clean path of 100 Mbit/s and 20 ms is used to three quarters and more") {
    SessionPair pair(14);
    LinkOptions link = delayed(milliseconds(10));
    link.rate = 12'500'000;
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    const Instant started = pair.network.now();
    std::size_t written = 0;
    const std::size_t total = 20'000'000;
    const std::string content(1'000'000, 'c');
    const std::string_view chunk = content;
    REQUIRE(pair.network.run_until(
        [&] {
            if (written < total) {
                written += pair.write(client, key, chunk.substr(0, total - written));
            }
            return pair.received(server, key).text.size() == total;
        },
        seconds(60)));
    const auto took = std::chrono::duration<double>(pair.network.now() - started).count();
    CAPTURE(took);
    CHECK(static_cast<double>(total) / took > 0.75 * 12'500'000);
}

}  // namespace
}  // namespace stt
