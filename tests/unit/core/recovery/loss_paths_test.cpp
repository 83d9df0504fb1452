// Loss belongs to the path on which a frame was sent. Spec protocol §10.5.
#include <doctest/doctest.h>

#include "core/recovery/loss.hpp"
#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

PathConfig web_socket() {
    PathConfig config;
    config.is_reliable = true;
    return config;
}

}  // namespace

TEST_CASE("protocol §10.5 (a): datagrams of another path do not make a frame lost") {
    Sender sender;
    sender.loss.add_path(2, {});
    sender.send(at(Duration(0)));  // 0 on path 1
    for (int i = 0; i < 5; ++i) sender.send(at(Duration(0)), 1, 2);
    CHECK(sender.ack(at(milliseconds(400)), {{1, 5}}).lost.empty());
    CHECK(sender.loss.path(2).bytes_in_flight() == 0);
    CHECK(sender.path().bytes_in_flight() == 1'200);
    for (int i = 0; i < 3; ++i) sender.send(at(milliseconds(400)));
    CHECK(sequences(sender.ack(at(milliseconds(450)), {{8, 8}}).lost) == Sequences{0});
}

TEST_CASE("protocol §10.5 (a): each path has its own round trip") {
    Sender sender;
    sender.loss.add_path(2, {});
    sender.send(at(milliseconds(0)));
    sender.send(at(milliseconds(90)), 1, 2);
    CHECK(sender.ack(at(milliseconds(100)), {{0, 1}}).round_trip_of == PathNumber{2});
    CHECK(sender.loss.path(2).rtt().latest() == milliseconds(10));
    CHECK_FALSE(sender.rtt().has_sample());
}

TEST_CASE(
    "protocol §10.5 (c): what is left on a UDP path is lost one of its PTOs after another "
    "was taken") {
    Sender sender;
    sender.send(at(milliseconds(0)));
    sender.ack(at(milliseconds(100)), {{0, 0}});  // PTO 325 ms
    sender.send(at(milliseconds(100)));
    sender.send(at(milliseconds(110)));
    sender.loss.add_path(2, {});
    sender.loss.take_path(at(milliseconds(120)), 2);
    CHECK(sender.loss.path_in_use() == PathNumber{2});
    sender.send(at(milliseconds(130)), 1, 2);  // 3, on the path in use: stays
    sender.send(at(milliseconds(140)));        // 4, a challenge on the former
    CHECK(sequences(sender.ack(at(milliseconds(200)), {{1, 1}}).acked) == Sequences{1});
    CHECK(sender.loss.deadline() == at(milliseconds(445)));
    CHECK(sender.loss.on_timeout(at(milliseconds(444))).lost.empty());
    CHECK(sequences(sender.loss.on_timeout(at(milliseconds(445))).lost) == Sequences{2, 4});
    CHECK(sender.loss.path(2).bytes_in_flight() == 1'200);
    CHECK(sender.path().bytes_in_flight() == 0);
}

TEST_CASE("protocol §10.5 (c): taking the former path back ends that") {
    Sender sender;
    sender.loss.add_path(2, {});
    sender.send(at(Duration(0)));
    sender.loss.take_path(at(milliseconds(1)), 2);
    sender.loss.take_path(at(milliseconds(2)), 1);
    CHECK(sender.loss.deadline() == at(microseconds(1'024'000)));  // its probe timeout
    CHECK(sender.loss.on_timeout(at(microseconds(1'025'000))).probes == 2);
    CHECK(sender.path().bytes_in_flight() == 1'200);
}

void send(LossDetection& loss, Instant now, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t i = first; i <= last; ++i) {
        const SentFrame frame = eliciting(i);
        loss.on_datagram_sent(now, {.path = 7, .size = 1'200}, {&frame, 1});
    }
}

TEST_CASE(
    "protocol §10.5 (b): on a WebSocket no loss moves a window, and what was left there is lost") {
    LossDetection loss;
    loss.add_path(7, web_socket());
    loss.take_path(at(Duration(0)), 7);
    send(loss, at(Duration(0)), 0, 9);
    CHECK(loss.path(7).allowance(at(Duration(0))).bytes == reliable_window_min - 12'000);
    const AckOutcome outcome =
        Sender::accepted(loss.on_ack(at(milliseconds(10)), OwnedAck{{0, 0}}.get()));
    CHECK(outcome.acked.size() == 1);
    CHECK(outcome.lost.empty());
    CHECK(loss.path(7).is_reliable());

    loss.add_path(8, {});
    loss.take_path(at(seconds(201)), 8);
    CHECK(loss.deadline() == at(seconds(201)));
    CHECK(loss.on_timeout(at(seconds(201))).lost.size() == 9);
    CHECK_FALSE(loss.deadline().has_value());
    CHECK(loss.path(7).bytes_in_flight() == 0);
}

TEST_CASE("protocol §10.5 (b): a WebSocket is probed after a second at the earliest") {
    LossDetection loss;
    loss.add_path(7, web_socket());
    loss.take_path(at(Duration(0)), 7);
    send(loss, at(Duration(0)), 0, 0);
    Sender::accepted(loss.on_ack(at(milliseconds(1)), OwnedAck{{0, 0}}.get()));
    send(loss, at(milliseconds(2)), 1, 1);
    CHECK(loss.deadline() == at(milliseconds(1'002)));
    const TimeoutOutcome outcome = loss.on_timeout(at(milliseconds(1'002)));
    CHECK(outcome.probes == 2);
    CHECK(outcome.lost.empty());
    CHECK(loss.path(7).is_reliable());
}

TEST_CASE("protocol §10.5 (b): what is lost on a WebSocket makes its path one like UDP's") {
    PathConfig config = web_socket();
    config.message_size_ceiling = 8'188;
    LossDetection loss;
    loss.add_path(7, config);
    loss.take_path(at(Duration(0)), 7);
    CHECK(loss.path(7).mtu().ceiling() == 8'188);
    send(loss, at(Duration(0)), 0, 99);
    const AckOutcome outcome =
        Sender::accepted(loss.on_ack(at(milliseconds(10)), OwnedAck{{1, 3}}.get()));
    CHECK(sequences(outcome.lost) == Sequences{0});
    CHECK_FALSE(loss.path(7).is_reliable());
    CHECK(loss.path(7).mtu().ceiling() == datagram_size_ceiling_ipv4);
    // What is in flight is more than the window that it has now.
    CHECK(loss.path(7).allowance(at(milliseconds(10))).bytes == 0);
}

TEST_CASE("protocol §10.5 (b): when a WebSocket closes, what is unacknowledged on it is lost") {
    LossDetection loss;
    loss.add_path(7, web_socket());
    loss.take_path(at(Duration(0)), 7);
    const SentFrame frame = eliciting(0);
    loss.on_datagram_sent(at(Duration(0)), {.path = 7, .size = 1'200}, {&frame, 1});
    loss.remove_path(at(seconds(3)), 7);
    CHECK_FALSE(loss.has_path(7));
    CHECK_FALSE(loss.path_in_use().has_value());
    CHECK(loss.deadline() == at(seconds(3)));
    CHECK(sequences(loss.on_timeout(at(seconds(3))).lost) == Sequences{0});
    CHECK_FALSE(loss.deadline().has_value());
    // It arrived all the same: known, though its path is gone.
    const AckOutcome outcome =
        Sender::accepted(loss.on_ack(at(seconds(4)), OwnedAck{{0, 0}}.get()));
    REQUIRE(outcome.acked.size() == 1);
    CHECK(outcome.acked[0].was_lost);
}

TEST_CASE("protocol §10.5 (a): loss by a change of path is no congestion of either") {
    Sender sender;
    sender.loss.add_path(2, {});
    for (int i = 0; i < 10; ++i) sender.send(at(Duration(0)));
    const std::size_t window = sender.path().controller().window();
    sender.loss.take_path(at(milliseconds(1)), 2);
    CHECK(sender.loss.on_timeout(at(seconds(2))).lost.size() == 10);
    CHECK(sender.path().controller().window() == window);
    CHECK(sender.loss.path(2).controller().window() == window);
    CHECK(sender.path().bytes_in_flight() == 0);
    CHECK(sender.ack(at(seconds(3)), {{0, 9}}).acked.size() == 10);
    CHECK(sender.path().controller().window() == window);
}

TEST_CASE("what is sent on a path not in use does not stay outstanding for ever") {
    Sender sender;
    sender.loss.add_path(2, {});
    sender.send(at(Duration(0)), 1, 2);
    CHECK(sender.loss.deadline() == at(microseconds(1'024'000)));
    const TimeoutOutcome outcome = sender.loss.on_timeout(at(microseconds(1'024'000)));
    CHECK(outcome.lost.size() == 1);
    CHECK(outcome.probes == 0);
    CHECK_FALSE(sender.loss.deadline().has_value());
}

TEST_CASE("frames of two paths, sent and acknowledged at random, are each settled exactly once") {
    for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
        CAPTURE(seed);
        Random random(seed);
        Sender sender;
        sender.loss.add_path(2, {});
        std::vector<int> acked;
        std::vector<int> lost;
        Instant now = at(Duration(0));
        const auto note = [&](std::span<const SentFrame> news, std::vector<int>& counts) {
            for (const SentFrame& frame : news) ++counts[frame.sequence];
        };
        for (int step = 0; step < 5'000; ++step) {
            now += microseconds(random.below(2'000));
            const std::uint64_t sent = sender.loss.next_sequence();
            switch (random.below(8)) {
                case 0:
                    sender.loss.take_path(now, 1 + static_cast<PathNumber>(random.below(2)));
                    break;
                case 1:
                case 2: {
                    if (sent == 0) break;
                    const std::uint64_t last =
                        sent - 1 - random.below(std::min<std::uint64_t>(sent, 40));
                    const std::uint64_t first = last - std::min(last, random.below(6));
                    const AckOutcome outcome = sender.ack(now, {{first, last}});
                    note(outcome.acked, acked);
                    note(outcome.lost, lost);
                    break;
                }
                case 3:
                    if (sender.loss.deadline().has_value() && *sender.loss.deadline() <= now) {
                        note(sender.loss.on_timeout(now).lost, lost);
                    }
                    break;
                default:
                    sender.send(now, 1 + random.below(3),
                                1 + static_cast<PathNumber>(random.below(2)));
                    acked.resize(sender.loss.next_sequence());
                    lost.resize(sender.loss.next_sequence());
            }
        }
        for (int i = 0; i < 100 && sender.loss.deadline().has_value(); ++i) {
            note(sender.loss.on_timeout(*sender.loss.deadline() + seconds(1)).lost, lost);
            if (i == 50) sender.loss.remove_path(now, 1);
            if (i == 50) sender.loss.remove_path(now, 2);
        }
        for (std::size_t i = 0; i < acked.size(); ++i) {
            CHECK(acked[i] <= 1);
            CHECK(lost[i] <= 1);
            CHECK(acked[i] + lost[i] >= 1);
        }
    }
}

}  // namespace stt::recovery::testing
