// One writer and many receivers.
#include "core/stream/fan_out.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "testing/pattern.hpp"
#include "testing/simulated_network.hpp"

namespace stt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using stream::FanOut;
using stream::FanOutError;
using stream::FanOutEvent;
using testing::NodeNumber;
using testing::SimulatedNetwork;

constexpr NodeNumber hub = 0;

// A stream of the hub.
struct HubStream final : stream::FanOutStream {
    HubStream(SimulatedNetwork& network_given, connection::SessionHandle session_given,
              stream::StreamKey key_given)
        : network(network_given), session(session_given), key(key_given) {}

    Result<std::size_t, stream::WriteError> write(Bytes data) override {
        auto* engine = network.find(hub, session);
        if (engine == nullptr) return Unexpected(stream::WriteError::unknown_stream);
        const auto taken = engine->write(key, data);
        network.touch(hub, session);
        return taken;
    }
    Result<void, stream::SendError> send_message(Bytes message) override {
        auto* engine = network.find(hub, session);
        if (engine == nullptr) return Unexpected(stream::SendError::unknown_stream);
        const auto sent = engine->send_message(network.now(), key, message);
        network.touch(hub, session);
        return sent;
    }
    bool finish() override {
        auto* engine = network.find(hub, session);
        if (engine == nullptr) return false;
        engine->finish(key);
        const auto watched = engine->wait_acknowledged(key);
        network.touch(hub, session);
        return watched.has_value();
    }
    void reset(std::uint64_t code) override {
        auto* engine = network.find(hub, session);
        if (engine == nullptr) return;
        engine->reset(key, code);
        network.touch(hub, session);
    }

    SimulatedNetwork& network;
    connection::SessionHandle session;
    stream::StreamKey key;
    ReceiverId id{};
};

// A hub with a session and a stream to each of some others, which read unless told not to.
struct Audience {
    Audience(std::uint64_t seed, std::size_t count, const FanOutOptions& options,
             StreamKind kind = StreamKind::bytes)
        : network(seed),
          fan_out(options,
                  kind == StreamKind::bytes ? FanOutContent::bytes : FanOutContent::messages) {
        connection::EndpointConfig endpoint;
        endpoint.connection.send_buffer_max = 65'536;
        network.add_node(endpoint);
        for (std::size_t i = 0; i < count; ++i) network.add_node();
        network.on_event = [this](NodeNumber node, const connection::EndpointEvent& event) {
            node == hub ? handle_at_hub(event) : handle_at_receiver(node, event);
        };
        for (NodeNumber node = 1; node <= count; ++node) network.connect(hub, node);
        network.run_for(seconds(1));
        REQUIRE(sessions.size() == count);
        for (const auto session : sessions) {
            stream::OpenOptions open;
            open.endpoint = "feed";
            open.kind = kind;
            const auto key = network.find(hub, session)->open_stream(open);
            REQUIRE(key);
            streams.push_back(std::make_unique<HubStream>(network, session, *key));
            streams.back()->id = fan_out.add(*streams.back());
            ids.push_back(streams.back()->id);
        }
    }

    void handle_at_hub(const connection::EndpointEvent& event) {
        if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
            sessions.push_back(connected->session);
        }
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr) return;
        const bool is_closed = std::holds_alternative<connection::Closed>(of_session->event);
        const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
        for (const auto& stream : streams) {
            if (stream->session != of_session->session) continue;
            if (is_closed) fan_out.handle_ended(stream->id);
            if (of_stream != nullptr && of_stream->key == stream->key) {
                handle(*of_stream, stream->id);
            }
        }
        poll();
    }
    void handle(const stream::StreamEvent& event, ReceiverId id) {
        using Kind = stream::StreamEvent::Kind;
        if (event.kind == Kind::writable) fan_out.handle_writable(id);
        if (event.kind == Kind::stopped || event.kind == Kind::acknowledged) {
            fan_out.handle_ended(id);
        }
    }
    void poll() {
        while (const auto told = fan_out.poll_event()) {
            if (told->kind == FanOutEvent::Kind::writable) {
                write_more();
            } else {
                left.push_back(told->receiver);
            }
        }
    }
    void handle_at_receiver(NodeNumber node, const connection::EndpointEvent& event) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr) return;
        const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
        if (of_stream == nullptr) return;
        if (of_stream->kind == stream::StreamEvent::Kind::reset) resets[node] = of_stream->code;
        if (of_stream->kind != stream::StreamEvent::Kind::readable) return;
        if (deaf == node) {
            unread = {of_session->session, of_stream->key};
        } else {
            read(node, of_session->session, of_stream->key);
        }
    }
    // Who did not read begins to.
    void hear() { read(std::exchange(deaf, 0), unread.first, unread.second); }
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
            if ((outcome && outcome->is_end) || (got && got->is_end)) ended.insert(node);
            if (!got || !got->has_message) break;
            messages[node].push_back(std::string(text_of(message)));
        }
        network.touch(node, session);
    }
    // As much of `waiting` as the fan-out takes.
    void write_more() {
        while (!waiting.empty()) {
            const auto taken = fan_out.write(bytes_of(waiting));
            if (!taken) break;
            waiting.erase(0, *taken);
        }
    }
    void write(std::string text) {
        waiting += text;
        write_more();
        poll();
    }

    std::size_t send(std::string_view message,
                     std::optional<std::span<const ReceiverId>> receivers = std::nullopt) {
        const auto sent = fan_out.send(bytes_of(message), receivers);
        REQUIRE(sent);
        return *sent;
    }

    SimulatedNetwork network;
    FanOut fan_out;
    std::vector<connection::SessionHandle> sessions;
    std::vector<std::unique_ptr<HubStream>> streams;
    std::vector<ReceiverId> ids;
    std::vector<ReceiverId> left;
    std::map<NodeNumber, std::string> received;
    std::map<NodeNumber, std::vector<std::string>> messages;
    std::map<NodeNumber, std::uint64_t> resets;
    std::set<NodeNumber> ended;
    NodeNumber deaf = 0;
    std::pair<connection::SessionHandle, stream::StreamKey> unread;
    std::string waiting;
};

std::string some_text(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
    text.resize(size);
    return text;
}

TEST_CASE("a fan-out brings the same bytes to every receiver, each at its own pace") {
    Audience audience(1, 5, {.buffer_size_max = 100'000});
    for (NodeNumber node = 1; node <= 5; ++node) {
        testing::LinkOptions link;
        link.delay = milliseconds(5 * node);
        link.loss = 10'000 * static_cast<testing::PerMillion>(node);
        audience.network.set_links(hub, node, link);
    }
    const std::string text = some_text(2'000'000);
    audience.write(text);
    CHECK(audience.fan_out.buffered() <= 100'000);
    REQUIRE(audience.network.run_until(
        [&] {
            CHECK(audience.fan_out.buffered() <= 100'000);
            return audience.waiting.empty() && audience.fan_out.buffered() == 0;
        },
        seconds(120)));
    audience.network.run_for(seconds(10));
    for (NodeNumber node = 1; node <= 5; ++node) CHECK(audience.received[node] == text);
}

TEST_CASE("with the policy to wait, a receiver that does not read holds the writer back") {
    Audience audience(2, 3, {.buffer_size_max = 100'000});
    audience.deaf = 2;
    audience.write(some_text(2'000'000));
    audience.network.run_for(seconds(20));
    // What it was granted, its stream's buffer and the shared one are full.
    CHECK(!audience.waiting.empty());
    CHECK(audience.fan_out.buffered() > 100'000 - 16'384);
    const std::size_t before = audience.received[1].size();
    CHECK(audience.fan_out.remove(audience.ids[1]));
    CHECK(!audience.fan_out.remove(audience.ids[1]));
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
    CHECK(audience.fan_out.receiver_count() == 2);
    CHECK(audience.left == std::vector<ReceiverId>{audience.ids[1]});
    CHECK(audience.resets[2] == 300);
    CHECK(audience.received[1] == text);
    CHECK(audience.received[3] == text);
}

TEST_CASE("with the policy to skip, a laggard misses whole messages and gets later ones whole") {
    Audience audience(4, 2, {.buffer_size_max = 50'000, .laggards = LaggardPolicy::skip},
                      StreamKind::messages);
    // The second receiver's path is slow.
    testing::LinkOptions slow;
    slow.delay = milliseconds(20);
    audience.network.set_links(hub, 1, slow);
    audience.network.cut_link(hub, 2, seconds(3));
    std::vector<std::string> sent;
    for (int i = 0; i < 400; ++i) {
        sent.push_back(std::to_string(i) + some_text(1'000));
        REQUIRE(audience.send(sent.back()) == 2);
        audience.network.run_for(milliseconds(10));
    }
    audience.network.run_for(seconds(20));
    CHECK(audience.messages[1].size() == 400);
    const auto laggard = audience.fan_out.statistics(audience.ids[1]);
    REQUIRE(laggard);
    CHECK(laggard->messages_dropped > 0);
    CHECK(laggard->messages_sent + laggard->messages_dropped == 400);
    CHECK(laggard->waiting_size == 0);
    CHECK(audience.messages[2].size() == laggard->messages_sent);
    CHECK(audience.fan_out.statistics(audience.ids[0])->messages_dropped == 0);
    for (const std::string& message : audience.messages[2]) {
        CHECK(std::find(sent.begin(), sent.end(), message) != sent.end());
    }
    // An empty one is a message, too.
    REQUIRE(audience.fan_out.send({}));
    audience.network.run_for(seconds(1));
    CHECK(audience.messages[1].back().empty());
    CHECK(audience.messages[2].back().empty());
    const std::string huge(50'000, 'x');
    const auto refused = audience.fan_out.send(bytes_of(huge));
    REQUIRE(!refused);
    CHECK(refused.error() == FanOutError::too_large);
}

TEST_CASE("a message goes to all or to a chosen set, whoever else is behind") {
    Audience audience(6, 3, {.laggards = LaggardPolicy::skip}, StreamKind::messages);
    audience.deaf = 2;
    const std::vector<ReceiverId> ends{audience.ids[2], audience.ids[0], audience.ids[2]};
    const std::vector<ReceiverId> slow{audience.ids[1]};
    std::size_t to_all = 0;
    for (int i = 0; i < 300; ++i) {
        // More than the credit and the send buffer of one that does not read.
        REQUIRE(audience.send("all " + some_text(2'000)) == 3);
        REQUIRE(audience.send("ends " + some_text(100), ends) == 2);
        REQUIRE(audience.send("slow", slow) == 1);
        ++to_all;
        audience.network.run_for(milliseconds(10));
    }
    audience.network.run_for(seconds(5));
    for (const NodeNumber node : {1u, 3u}) CHECK(audience.messages[node].size() == 2 * to_all);
    CHECK(audience.fan_out.statistics(audience.ids[1])->waiting_size > 100'000);
    CHECK(audience.fan_out.statistics(audience.ids[0])->waiting_size == 0);
    // It gets what waits for it, and nothing that was for others.
    audience.hear();
    audience.network.run_for(seconds(5));
    const auto& heard = audience.messages[2];
    CHECK(heard.size() == 2 * to_all);
    CHECK(std::count(heard.begin(), heard.end(), "slow") == static_cast<std::ptrdiff_t>(to_all));
    CHECK(audience.fan_out.buffered() == 0);
}

TEST_CASE("a finished fan-out ends each stream after what waits, and receivers leave") {
    Audience audience(7, 3, {.buffer_size_max = 2'000'000});
    const std::string text = some_text(1'000'000);
    audience.write(text);
    CHECK(audience.fan_out.buffered() > 0);
    audience.fan_out.finish();
    CHECK(audience.fan_out.receiver_count() == 3);
    const auto refused = audience.fan_out.write(bytes_of("more"));
    REQUIRE(!refused);
    CHECK(refused.error() == FanOutError::finished);
    REQUIRE(audience.network.run_until([&] { return audience.left.size() == 3; }, seconds(60)));
    CHECK(audience.fan_out.receiver_count() == 0);
    for (NodeNumber node = 1; node <= 3; ++node) {
        CHECK(audience.received[node] == text);
        CHECK(audience.ended.contains(node));
    }
}

TEST_CASE("a receiver whose session ends, or who wants no more, leaves, and the rest go on") {
    Audience audience(5, 3, {.buffer_size_max = 100'000});
    audience.write(some_text(10'000));
    audience.network.run_for(seconds(1));
    audience.network.find(hub, audience.sessions[0])->close(audience.network.now(), 0, "");
    audience.network.touch(hub, audience.sessions[0]);
    audience.write(some_text(10'000));
    audience.network.run_for(seconds(1));
    CHECK(audience.fan_out.receiver_count() == 2);
    CHECK(audience.received[2].size() == 20'000);
    CHECK(audience.received[3].size() == 20'000);
}

}  // namespace
}  // namespace stt
