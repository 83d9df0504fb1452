#include "core/connection/custom_frames.hpp"

#include <doctest/doctest.h>

#include "testing/raw_peer.hpp"
#include "testing/session_pair.hpp"

namespace stt::connection {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::DropReason;

constexpr std::uint8_t type = 0x90;

EndpointConfig listening() {
    EndpointConfig config;
    config.connection.custom_types.set(custom_type_index(type));
    config.connection.custom_types.set(custom_type_index(0xff));
    return config;
}

template <class Kind>
std::size_t count_of(const std::vector<EndpointEvent>& events) {
    std::size_t count = 0;
    for (const EndpointEvent& event : events) {
        const auto* of_session = std::get_if<SessionEvent>(&event);
        if (of_session != nullptr && std::holds_alternative<Kind>(of_session->event)) ++count;
    }
    return count;
}

std::uint64_t no_handler_drops(const Connection& connection) {
    return connection.drops()[static_cast<std::size_t>(DropReason::no_handler)];
}

TEST_CASE("protocol §3.3 (c): a custom frame reaches the handler of its type, with its stream") {
    SessionPair pair(1, listening());
    REQUIRE(pair.establish());
    const std::string text = "custom";
    REQUIRE(pair.connection(client).send_custom(type, 0, bytes_of(text)).has_value());
    REQUIRE(pair.connection(client).send_custom(0xff, 65'535, {}).has_value());
    pair.network.touch(client, pair.session[client]);
    pair.network.run_for(milliseconds(100));
    CHECK(count_of<CustomReadable>(pair.events[server]) == 1);
    auto frame = pair.connection(server).receive_custom();
    REQUIRE(frame.has_value());
    CHECK(frame->type == type);
    CHECK(frame->stream_id == 0);
    CHECK(text_of(frame->payload) == text);
    frame = pair.connection(server).receive_custom();
    REQUIRE(frame.has_value());
    CHECK(frame->type == 0xff);
    CHECK(frame->stream_id == 65'535);
    CHECK(frame->payload.empty());
    CHECK(!pair.connection(server).receive_custom().has_value());
    CHECK(pair.connection(client).path().bytes_in_flight() == 0);
}

TEST_CASE(
    "protocol §3.3 (c): a custom frame of a type without a handler is acknowledged, dropped and "
    "counted") {
    SessionPair pair(2, listening());
    REQUIRE(pair.establish());
    REQUIRE(pair.connection(client).send_custom(0x91, 1, bytes_of("x")).has_value());
    pair.network.touch(client, pair.session[client]);
    pair.network.run_for(milliseconds(100));
    CHECK(count_of<CustomReadable>(pair.events[server]) == 0);
    CHECK(!pair.connection(server).receive_custom().has_value());
    CHECK(no_handler_drops(pair.connection(server)) == 1);
    CHECK(pair.connection(client).path().bytes_in_flight() == 0);
}

TEST_CASE(
    "custom types: those of a session and of its endpoint change while it lives, and what waits "
    "of one that went is dropped") {
    SessionPair pair(7);
    REQUIRE(pair.establish());
    Connection& receiver = pair.connection(server);
    const auto exchange = [&] {
        for (const std::uint8_t each : {std::uint8_t{0x90}, std::uint8_t{0x91}}) {
            REQUIRE(pair.connection(client).send_custom(each, 0, {}).has_value());
        }
        pair.network.touch(client, pair.session[client]);
        pair.network.run_for(milliseconds(100));
    };
    const auto only = [](std::uint8_t each) {
        CustomTypes types;
        types.set(custom_type_index(each));
        return types;
    };
    exchange();
    CHECK(no_handler_drops(receiver) == 2);
    receiver.set_custom_types(only(0x91));
    exchange();
    CHECK(no_handler_drops(receiver) == 3);
    CHECK(receiver.receive_custom()->type == 0x91);
    pair.network.endpoint(server).set_custom_types(only(0x90));
    exchange();
    CHECK(no_handler_drops(receiver) == 3);
    receiver.set_custom_types({});
    CHECK(receiver.receive_custom()->type == 0x90);
    CHECK(!receiver.receive_custom().has_value());
    CHECK(no_handler_drops(receiver) == 4);
}

TEST_CASE("protocol §3.3 (c): custom frames are never resent") {
    SessionPair pair(3, listening());
    REQUIRE(pair.establish());
    pair.network.run_for(seconds(1));
    pair.network.filter = [](const DatagramView& datagram) {
        return datagram.from == client ? Verdict::drop : Verdict::pass;
    };
    REQUIRE(pair.connection(client).send_custom(type, 0, bytes_of("lost")).has_value());
    pair.network.touch(client, pair.session[client]);
    pair.network.run_for(milliseconds(1));
    pair.network.filter = nullptr;
    const auto key = pair.open(client);
    pair.write(client, key, "something else");
    pair.network.run_for(seconds(5));
    CHECK(pair.received(server, key).text == "something else");
    CHECK(!pair.connection(server).receive_custom().has_value());
    CHECK(pair.connection(client).path().bytes_in_flight() == 0);
}

TEST_CASE(
    "protocol §3.3 (c): a handler that takes nothing costs a bounded queue, and drops are "
    "counted") {
    RawPeer peer(4, listening());
    RawPeer::Frame frame;
    frame.type = static_cast<wire::FrameType>(type);
    frame.plaintext.assign(1'000, 0x61);
    for (std::size_t i = 0; i < 2 * custom_queue_count_max; ++i) peer.send(frame);
    CHECK(peer.drops(DropReason::queue_full) >= custom_queue_count_max);
    CHECK(!peer.closed());
    std::size_t taken = 0;
    while (peer.connection()->receive_custom()) ++taken;
    CHECK(taken == custom_queue_count_max);
    // Acknowledged all the same.
    peer.advance(milliseconds(30));
    const auto acks = peer.messages<wire::Ack>();
    REQUIRE(!acks.empty());
    CHECK(acks.back().range_count == 0);
}

TEST_CASE("CustomQueue: is bounded in frames and in bytes") {
    CustomQueue queue;
    const std::vector<std::uint8_t> large(60'000);
    std::size_t count = 0;
    while (queue.push(type, 0, large)) ++count;
    CHECK(count == custom_queue_bytes_max / large.size());
    CHECK(queue.pop().has_value());
    CHECK(queue.push(type, 0, large));
    queue.clear();
    for (std::size_t i = 0; i < custom_queue_count_max; ++i) CHECK(queue.push(type, 0, {}));
    CHECK(!queue.push(type, 0, {}));
}

TEST_CASE(
    "send_custom: refuses other types, too large payloads, a full queue and a closed session") {
    SessionPair pair(5, listening());
    REQUIRE(pair.establish());
    Connection& connection = pair.connection(client);
    const std::vector<std::uint8_t> payload(custom_payload_size_max + 1);
    CHECK(connection.send_custom(0x7f, 0, {}).error() == CustomError::not_custom);
    CHECK(connection.send_custom(type, 0, payload).error() == CustomError::too_large);
    const Bytes largest = Bytes(payload).first(custom_payload_size_max);
    std::size_t queued = 0;
    while (connection.send_custom(type, 0, largest).has_value()) ++queued;
    CHECK(queued == custom_queue_count_max);
    CHECK(connection.send_custom(type, 0, largest).error() == CustomError::queue_full);
    std::size_t received = 0;
    pair.network.touch(client, pair.session[client]);
    for (int i = 0; i < 100; ++i) {
        pair.network.run_for(milliseconds(10));
        while (pair.connection(server).receive_custom()) ++received;
    }
    CHECK(received == queued);
    CHECK(count_of<CustomWritable>(pair.events[client]) == 1);
    pair.close(client, 0, "");
    CHECK(connection.send_custom(type, 0, {}).error() == CustomError::closed);
}

TEST_CASE("send_custom: a flood of custom frames and a stream share the path") {
    SessionPair pair(6, listening());
    LinkOptions link;
    link.delay = milliseconds(10);
    link.rate = 200'000;
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, std::string(100'000, 's'));
    // Two of them fill a datagram, and leave no room behind them.
    const std::vector<std::uint8_t> payload(690);
    std::size_t received = 0;
    for (int i = 0; i < 200; ++i) {
        while (pair.connection(client).send_custom(type, 0, payload).has_value()) continue;
        pair.network.touch(client, pair.session[client]);
        pair.network.run_for(milliseconds(10));
        while (pair.connection(server).receive_custom()) ++received;
    }
    CHECK(received > 50);
    CHECK(pair.received(server, key).text.size() == 100'000);
}

}  // namespace
}  // namespace stt::connection
