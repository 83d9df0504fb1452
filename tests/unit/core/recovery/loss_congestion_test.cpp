// What loss, marks and their absence do to a path's window.
#include <doctest/doctest.h>

#include "core/recovery/loss.hpp"
#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

std::size_t window_of(Sender& sender) {
    return sender.path().controller().window();
}

// Sends whole windows, each acknowledged a round trip later, until the window is that large.
void fill_windows_until(Sender& sender, Instant& now, std::size_t window, Duration round_trip) {
    while (window_of(sender) < window) {
        const std::uint64_t first = sender.loss.next_sequence();
        const std::size_t count = window_of(sender) / 1'200;
        for (std::size_t i = 0; i < count; ++i) sender.send(now);
        now += round_trip;
        sender.ack(now, {{first, first + count - 1}});
    }
}

// Ten datagrams and their ACK after 100 ms: a window used up, a round trip known.
void warm_up(Sender& sender) {
    for (int i = 0; i < 10; ++i) sender.send(at(Duration(0)));
    sender.ack(at(milliseconds(100)), {{0, 9}});
}

}  // namespace

TEST_CASE("RFC 9002 §7.3.1: in slow start the window grows by what is acknowledged") {
    Sender sender;
    CHECK(window_of(sender) == 12'000);
    warm_up(sender);
    CHECK(window_of(sender) == 24'000);
    CHECK(sender.path().delivered() == 12'000);
}

TEST_CASE("RFC 9002 §7.8: a window that is not used does not grow") {
    Sender sender;
    for (int i = 0; i < 100; ++i) {
        sender.send(at(milliseconds(100 * i)));
        const auto sequence = static_cast<std::uint64_t>(i);
        sender.ack(at(milliseconds(100 * i + 50)), {{sequence, sequence}});
    }
    CHECK(window_of(sender) == 12'000);
}

TEST_CASE("RFC 9002 §7.3.2: the losses of one round trip reduce the window once") {
    Sender sender;
    warm_up(sender);
    for (int i = 0; i < 20; ++i) sender.send(at(milliseconds(100)));  // 10 to 29
    sender.ack(at(milliseconds(200)), {{13, 13}});
    const std::size_t reduced = window_of(sender);
    CHECK(reduced == 16'800);  // 0.7
    sender.ack(at(milliseconds(201)), {{16, 16}});
    sender.ack(at(milliseconds(202)), {{20, 29}});
    CHECK(window_of(sender) == reduced);  // nor does recovery let it grow

    for (int i = 0; i < 14; ++i) sender.send(at(milliseconds(203)));  // 30 to 43
    sender.ack(at(milliseconds(303)), {{33, 33}});
    CHECK(window_of(sender) < reduced);
}

TEST_CASE("RFC 9438 §4.9: when every loss proves spurious the reduction is undone") {
    Sender sender;
    warm_up(sender);
    const std::size_t before = window_of(sender);
    for (int i = 0; i < 12; ++i) sender.send(at(milliseconds(100)));  // 10 to 21
    CHECK(sender.ack(at(milliseconds(200)), {{14, 14}}).lost.size() == 2);
    CHECK(window_of(sender) < before);
    sender.ack(at(milliseconds(201)), {{10, 10}});
    CHECK(window_of(sender) < before);  // the other may be truly lost
    sender.ack(at(milliseconds(202)), {{11, 11}});
    CHECK(window_of(sender) >= before);
    CHECK(sender.path().controller().is_in_slow_start());
}

TEST_CASE("a loss of an earlier epoch that proves spurious does not undo the present one") {
    Sender sender;
    warm_up(sender);
    for (int i = 0; i < 8; ++i) sender.send(at(milliseconds(100)));  // 10 to 17
    CHECK(sender.ack(at(milliseconds(200)), {{13, 17}}).lost.size() == 3);
    for (int i = 0; i < 8; ++i) sender.send(at(milliseconds(210)));  // 18 to 25
    CHECK(sender.ack(at(milliseconds(310)), {{19, 25}}).lost.size() == 1);
    const std::size_t reduced = window_of(sender);
    sender.ack(at(milliseconds(311)), {{10, 12}});
    CHECK(window_of(sender) == reduced);
    sender.ack(at(milliseconds(312)), {{18, 18}});
    CHECK(window_of(sender) > reduced);
}

TEST_CASE("RFC 9002 §7.6: losses over three probe timeouts collapse the window") {
    Sender sender;
    warm_up(sender);  // PTO 325 ms
    for (int i = 0; i < 12; ++i)
        sender.send(at(milliseconds(200 + 100 * i)));  // 10 to 21, to 1.3 s
    sender.ack(at(milliseconds(1'400)), {{21, 21}});
    CHECK(window_of(sender) == 2 * 1'200);
    CHECK(sender.path().controller().is_in_slow_start());
    sender.send(at(milliseconds(1'500)));
    sender.ack(at(milliseconds(1'800)), {{22, 22}});
    CHECK(sender.rtt().minimum() == milliseconds(300));  // RFC 9002 §5.2
}

TEST_CASE("RFC 9002 §7.6.2: one acknowledgement between the losses, and it is no such thing") {
    Sender sender;
    warm_up(sender);
    for (int i = 0; i < 12; ++i) sender.send(at(milliseconds(200 + 100 * i)));
    sender.ack(at(milliseconds(1'400)), {{21, 21}, {15, 15}});
    CHECK(window_of(sender) > 2 * 1'200);
}

TEST_CASE("RFC 9002 §7.6.2: what was sent before the first sample does not count") {
    Sender sender;
    for (int i = 0; i < 20; ++i) sender.send(at(milliseconds(200 * i)));
    sender.ack(at(milliseconds(3'850)), {{19, 19}});
    CHECK(window_of(sender) == 8'400);
}

TEST_CASE("RFC 8899 §3: the loss of an MTU probe is no congestion") {
    Sender sender;
    warm_up(sender);
    const std::size_t before = window_of(sender);
    for (int round = 0; round < 3; ++round) {
        const SentFrame probe = eliciting(sender.loss.next_sequence(), 1'472);
        REQUIRE(sender.path().mtu().probe_size(at(milliseconds(100))) == 1'472);
        sender.loss.on_datagram_sent(at(milliseconds(100)),
                                     {.path = 1, .size = 1'472, .is_mtu_probe = true}, {&probe, 1});
        CHECK_FALSE(sender.path().mtu().probe_size(at(milliseconds(100))).has_value());
        for (int i = 0; i < 3; ++i) sender.send(at(milliseconds(100)));
        const AckOutcome outcome =
            sender.ack(at(milliseconds(150)), {{probe.sequence + 1, probe.sequence + 3}});
        CHECK(sequences(outcome.lost) == Sequences{probe.sequence});
        CHECK(sender.path().bytes_in_flight() == 0);
    }
    CHECK(window_of(sender) >= before);
    CHECK(sender.path().mtu().probe_size(at(milliseconds(200))) == 1'336);
}

TEST_CASE("an acknowledged MTU probe raises the datagram size of the path") {
    Sender sender;
    const SentFrame probe = eliciting(0, 1'472);
    sender.loss.on_datagram_sent(at(Duration(0)), {.path = 1, .size = 1'472, .is_mtu_probe = true},
                                 {&probe, 1});
    sender.ack(at(milliseconds(10)), {{0, 0}});
    CHECK(sender.path().mtu().current() == 1'472);
}

TEST_CASE("RFC 9002 §7.1: a rise of the CE count is a congestion event, once a round trip") {
    Sender sender;
    warm_up(sender);
    const std::size_t before = window_of(sender);
    const auto send_marked = [&](Instant now) {
        const SentFrame frame = eliciting(sender.loss.next_sequence());
        sender.loss.on_datagram_sent(now, {.path = 1, .size = 1'200, .is_marked = true},
                                     {&frame, 1});
    };
    CHECK(sender.path().may_mark());
    for (int i = 0; i < 4; ++i) send_marked(at(milliseconds(100)));  // 10 to 13
    Sender::accepted(sender.loss.on_ack(at(milliseconds(200)),
                                        OwnedAck{{10, 11}}.ecn({.ect0 = 1, .ce = 1}).get()));
    const std::size_t reduced = window_of(sender);
    CHECK(reduced < before);
    Sender::accepted(sender.loss.on_ack(at(milliseconds(201)),
                                        OwnedAck{{10, 13}}.ecn({.ect0 = 1, .ce = 3}).get()));
    CHECK(window_of(sender) == reduced);
    CHECK(sender.path().may_mark());
}

TEST_CASE("RFC 9000 §13.4.2: a path that bleaches or invents marks is sent none") {
    const std::optional<wire::EcnCounts> incredible[] = {std::nullopt, wire::EcnCounts{.ect0 = 1},
                                                         wire::EcnCounts{.ect0 = 2, .ect1 = 1}};
    for (const auto& counts : incredible) {
        Sender sender;
        for (int i = 0; i < 2; ++i) {
            const SentFrame frame = eliciting(sender.loss.next_sequence());
            sender.loss.on_datagram_sent(
                at(Duration(0)), {.path = 1, .size = 1'200, .is_marked = true}, {&frame, 1});
        }
        OwnedAck ack{{0, 1}};
        if (counts.has_value()) ack.ecn(*counts);
        Sender::accepted(sender.loss.on_ack(at(milliseconds(10)), ack.get()));
        CHECK_FALSE(sender.path().may_mark());
        CHECK(window_of(sender) == 12'000);
    }
}

TEST_CASE("marks that may be what kills the datagrams are given up after a probe timeout") {
    Sender sender;
    const SentFrame frame = eliciting(0);
    sender.loss.on_datagram_sent(at(Duration(0)), {.path = 1, .size = 1'200, .is_marked = true},
                                 {&frame, 1});
    CHECK(sender.loss.on_timeout(at(seconds(2))).probes == 2);
    CHECK_FALSE(sender.path().may_mark());
}

TEST_CASE(
    "protocol §10.4 (b): the allowance is the window's room or the pacer's, and says when to "
    "ask") {
    Sender sender;
    warm_up(sender);  // window 24,000, round trip 100 ms: 480,000 a second in slow start
    Instant now = at(milliseconds(200));
    SendAllowance allowance = sender.path().allowance(now);
    CHECK(allowance.bytes == 12'000);  // ten datagrams
    CHECK_FALSE(allowance.release.has_value());
    for (int i = 0; i < 10; ++i) sender.send(now);
    allowance = sender.path().allowance(now);
    CHECK(allowance.bytes == 0);
    CHECK(allowance.release == now + microseconds(2'500));
    now = *allowance.release;
    CHECK(sender.path().allowance(now).bytes == 1'200);

    for (int i = 0; i < 10; ++i) sender.send(now + milliseconds(100));
    allowance = sender.path().allowance(now + seconds(1));
    CHECK(allowance.bytes == 0);  // the window is full: no waiting helps
    CHECK_FALSE(allowance.release.has_value());
}

TEST_CASE(
    "protocol §10.4 (b): with two bursts under way at a high rate the next waits until it is "
    "whole") {
    Sender sender;
    // A round trip of 100 us; the window doubles to over a millisecond of 64 KiB.
    Instant now = at(Duration(0));
    fill_windows_until(sender, now, 220'000, microseconds(100));
    now += milliseconds(1);
    const auto send_bytes = [&](std::size_t bytes) {
        for (std::size_t sent = 0; sent < bytes; sent += 1'200) sender.send(now);
    };
    CHECK(sender.path().allowance(now).bytes_min == 0);
    send_bytes(64'800);
    now += milliseconds(1);
    CHECK(sender.path().allowance(now).bytes_min == 0);
    send_bytes(64'800);
    // The pacer has nothing left: it says when a whole burst may go.
    SendAllowance allowance = sender.path().allowance(now);
    CHECK(allowance.bytes_min == burst_full);
    REQUIRE(allowance.release.has_value());
    CHECK(*allowance.release < now + milliseconds(1));
    CHECK(sender.path().allowance(*allowance.release).bytes >= burst_full);
    // An ACK of one makes room at once.
    sender.ack(now, {{sender.loss.next_sequence() - 54, sender.loss.next_sequence() - 1}});
    CHECK(sender.path().allowance(now).bytes_min == 0);
}

TEST_CASE("protocol §10.4 (b): at a lower rate what half a millisecond has leaves together") {
    Sender sender;
    // A round trip of 10 ms, and a window of some 125,000 bytes: about 25 MB a second in slow
    // start.
    Instant now = at(Duration(0));
    fill_windows_until(sender, now, 100'000, milliseconds(10));
    now += milliseconds(10);
    CHECK(sender.path().allowance(now).bytes_min == 0);  // nothing is under way
    for (int i = 0; i < 40; ++i) sender.send(now);
    const SendAllowance allowance = sender.path().allowance(now);
    CHECK(allowance.bytes_min > 2 * 1'200);
    CHECK(allowance.bytes_min < burst_full / 2);
    REQUIRE(allowance.release.has_value());
    CHECK(sender.path().allowance(*allowance.release).bytes >= allowance.bytes_min);
    CHECK(*allowance.release - now > burst_time / 2);
}

TEST_CASE("RFC 8899 §4.1: a probe that only pacing holds back is told when it may leave") {
    Sender sender;
    warm_up(sender);
    const Instant now = at(milliseconds(200));
    for (int i = 0; i < 9; ++i) sender.send(now);
    const SendAllowance allowance = sender.path().allowance(now);
    REQUIRE(allowance.bytes >= 1'200);
    REQUIRE(allowance.bytes < 1'472);
    CHECK_FALSE(allowance.release.has_value());
    const auto release = sender.path().release(now, 1'472);
    REQUIRE(release.has_value());
    CHECK(*release > now);
    CHECK(sender.path().allowance(*release).bytes >= 1'472);
    // Where the window has no room, no waiting helps.
    CHECK_FALSE(sender.path().release(now, 100'000).has_value());
}

}  // namespace stt::recovery::testing
