// One writer and many receivers.
#include "core/connection/fan_out.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "testing/pattern.hpp"
#include "testing/simulated_network.hpp"

namespace stt {
namespace {

using connection::FanOut;
using connection::FanOutConfig;
using connection::FanOutError;
using connection::FanOutEvent;
using connection::FanOutMember;
using connection::LaggardPolicy;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::NodeNumber;
using testing::SimulatedNetwork;

constexpr NodeNumber hub = 0;

// A hub with a session and a stream to each of some others, which read unless told not to.
struct Audience {
    Audience(std::uint64_t seed, std::size_t count, const FanOutConfig& config,
             StreamKind kind = StreamKind::bytes)
        : network(seed) {
        connection::EndpointConfig endpoint;
        endpoint.connection.send_buffer_max = 65'536;
        network.add_node(endpoint);
        for (std::size_t i = 0; i < count; ++i) network.add_node();
        fan_out = std::make_unique<FanOut>(network.endpoint(hub), config);
        network.on_event = [this](NodeNumber node, const connection::EndpointEvent& event) {
            node == hub ? handle_at_hub(event) : handle_at_member(node, event);
        };
        for (NodeNumber node = 1; node <= count; ++node) network.connect(hub, node);
        network.run_for(seconds(1));
        REQUIRE(sessions.size() == count);
        for (const auto session : sessions) {
            stream::OpenOptions options;
            options.endpoint = "feed";
            options.kind = kind;
            const auto key = network.find(hub, session)->open_stream(options);
            REQUIRE(key);
            members.push_back({session, *key});
            REQUIRE(fan_out->add(network.moment(hub), members.back()));
        }
        touch_all();
    }

    void handle_at_hub(const connection::EndpointEvent& event) {
        if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
            sessions.push_back(connected->session);
        }
        fan_out->handle_event(network.moment(hub), event);
        poll();
    }
    void poll() {
        while (const auto told = fan_out->poll_event()) {
            events.push_back(*told);
            if (told->kind == FanOutEvent::Kind::writable) write_more();
        }
    }
    void handle_at_member(NodeNumber node, const connection::EndpointEvent& event) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr || deaf == node) return;
        const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
        if (of_stream == nullptr || of_stream->kind != stream::StreamEvent::Kind::readable) return;
        read(node, of_session->session, of_stream->key);
    }
    void read(NodeNumber node, connection::SessionHandle session, stream::StreamKey key) {
        connection::Connection& from = *network.find(node, session);
        std::vector<std::uint8_t> bytes(4'096);
        while (true) {
            const auto outcome = from.read(network.now(), key, bytes);
            if (outcome && outcome->size > 0) {
                received[node] += text_of(Bytes(bytes).first(outcome->size));
                continue;
            }
            std::vector<std::uint8_t> message;
            const auto got = from.receive_message(network.now(), key, message);
            if (!got || !got->has_message) break;
            messages[node].push_back(std::string(text_of(message)));
        }
        network.touch(node, session);
    }
    // As much of `waiting` as the fan-out takes.
    void write_more() {
        while (!waiting.empty()) {
            const auto taken = fan_out->write(network.moment(hub), bytes_of(waiting));
            if (!taken) break;
            waiting.erase(0, *taken);
        }
    }
    void touch_all() {
        for (const auto session : sessions) network.touch(hub, session);
    }
    void write(std::string text) {
        waiting += text;
        write_more();
        poll();
        touch_all();
    }

    SimulatedNetwork network;
    std::unique_ptr<FanOut> fan_out;
    std::vector<connection::SessionHandle> sessions;
    std::vector<FanOutMember> members;
    std::vector<FanOutEvent> events;
    std::map<NodeNumber, std::string> received;
    std::map<NodeNumber, std::vector<std::string>> messages;
    NodeNumber deaf = 0;
    std::string waiting;
};

std::string some_text(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
    text.resize(size);
    return text;
}

TEST_CASE("a fan-out brings the same bytes to every member, each at its own pace") {
    Audience audience(1, 5, {.buffer_size_max = 100'000});
    for (NodeNumber node = 1; node <= 5; ++node) {
        testing::LinkOptions link;
        link.delay = milliseconds(5 * node);
        link.loss = 10'000 * static_cast<testing::PerMillion>(node);
        audience.network.set_links(hub, node, link);
    }
    const std::string text = some_text(2'000'000);
    audience.write(text);
    CHECK(audience.fan_out->buffered() <= 100'000);
    REQUIRE(audience.network.run_until(
        [&] {
            CHECK(audience.fan_out->buffered() <= 100'000);
            return audience.waiting.empty() && audience.fan_out->buffered() == 0;
        },
        seconds(120)));
    audience.network.run_for(seconds(10));
    for (NodeNumber node = 1; node <= 5; ++node) CHECK(audience.received[node] == text);
}

TEST_CASE("with the policy to wait, a member that does not read holds the writer back") {
    Audience audience(2, 3, {.buffer_size_max = 100'000});
    audience.deaf = 2;
    audience.write(some_text(2'000'000));
    audience.network.run_for(seconds(20));
    // What it was granted, its stream's buffer and the shared one are full.
    CHECK(!audience.waiting.empty());
    CHECK(audience.fan_out->buffered() > 100'000 - 16'384);
    const std::size_t before = audience.received[1].size();
    CHECK(audience.fan_out->remove(audience.members[1]));
    CHECK(!audience.fan_out->remove(audience.members[1]));
    audience.write("");
    audience.network.run_for(seconds(20));
    CHECK(audience.waiting.empty());
    CHECK(audience.received[1].size() == 2'000'000);
    CHECK(before < 1'000'000);
}

TEST_CASE("with the policy to drop, a laggard's stream is reset and the others lose nothing") {
    Audience audience(
        3, 3, {.buffer_size_max = 100'000, .laggards = LaggardPolicy::drop, .drop_code = 300});
    audience.deaf = 2;
    const std::string text = some_text(2'000'000);
    for (std::size_t at = 0; at < text.size(); at += 20'000) {
        audience.write(text.substr(at, 20'000));
        audience.network.run_for(milliseconds(20));
    }
    audience.network.run_for(seconds(5));
    CHECK(audience.fan_out->members_dropped() == 1);
    CHECK(audience.fan_out->member_count() == 2);
    REQUIRE(!audience.events.empty());
    CHECK(audience.events[0].kind == FanOutEvent::Kind::dropped);
    CHECK(audience.events[0].member == audience.members[1]);
    CHECK(audience.received[1] == text);
    CHECK(audience.received[3] == text);
}

TEST_CASE("with the policy to skip, a laggard misses whole messages and gets later ones whole") {
    Audience audience(
        4, 2, {.buffer_size_max = 50'000, .laggards = LaggardPolicy::skip, .has_messages = true},
        StreamKind::messages);
    // The second member's path is slow.
    testing::LinkOptions slow;
    slow.delay = milliseconds(20);
    audience.network.set_links(hub, 1, slow);
    audience.network.cut_link(hub, 2, seconds(3));
    std::vector<std::string> sent;
    for (int i = 0; i < 400; ++i) {
        sent.push_back(std::to_string(i) + some_text(1'000));
        const auto taken =
            audience.fan_out->write(audience.network.moment(hub), bytes_of(sent.back()));
        REQUIRE(taken);
        audience.touch_all();
        audience.network.run_for(milliseconds(10));
    }
    audience.network.run_for(seconds(20));
    CHECK(audience.messages[1].size() == 400);
    CHECK(audience.fan_out->messages_skipped() > 0);
    CHECK(audience.messages[2].size() + audience.fan_out->messages_skipped() == 400);
    for (const std::string& message : audience.messages[2]) {
        CHECK(std::find(sent.begin(), sent.end(), message) != sent.end());
    }
    // An empty one is a message, too.
    REQUIRE(audience.fan_out->write(audience.network.moment(hub), {}));
    audience.touch_all();
    audience.network.run_for(seconds(1));
    CHECK(audience.messages[1].back().empty());
    CHECK(audience.messages[2].back().empty());
    const std::string huge(50'000, 'x');
    const auto refused = audience.fan_out->write(audience.network.moment(hub), bytes_of(huge));
    REQUIRE(!refused);
    CHECK(refused.error() == FanOutError::too_large);
}

TEST_CASE("a member whose session ends, or who wants no more, leaves, and the rest go on") {
    Audience audience(5, 3, {.buffer_size_max = 100'000});
    audience.write(some_text(10'000));
    audience.network.run_for(seconds(1));
    audience.network.find(hub, audience.sessions[0])->close(audience.network.now(), 0, "");
    audience.network.touch(hub, audience.sessions[0]);
    audience.write(some_text(10'000));
    audience.network.run_for(seconds(1));
    CHECK(audience.fan_out->member_count() == 2);
    CHECK(audience.received[2].size() == 20'000);
    CHECK(audience.received[3].size() == 20'000);
}

}  // namespace
}  // namespace stt
