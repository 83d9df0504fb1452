#include <algorithm>
#include <asio/experimental/awaitable_operators.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/unit/node/loopback.hpp"
#include "tests/unit/node/relay.hpp"

namespace stt::node_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint8_t type = 0x90;

std::vector<std::uint8_t> bytes_from(std::string_view text) {
    return {text.begin(), text.end()};
}

std::uint64_t drops(const Session& session, std::string_view reason) {
    for (const DropCount& each : session.statistics().drops) {
        if (each.reason == reason) return each.count;
    }
    return 0;
}

// What handlers were given, and who waits for it.
struct Inbox {
    CustomHandler handler(std::string name = "") {
        return [this, name = std::move(name)](Session, CustomFrame frame) -> asio::awaitable<void> {
            texts.push_back(name + std::string(text_of(frame.payload)));
            frames.push_back(std::move(frame));
            co_return;
        };
    }

    std::vector<CustomFrame> frames;
    std::vector<std::string> texts;
};

// Holds a handler until it is opened.
class Gate {
public:
    explicit Gate(asio::io_context& context) : timer_(context, seconds(1'000)) {}

    void open() {
        is_open_ = true;
        timer_.cancel();
    }
    asio::awaitable<void> pass() {
        if (!is_open_) co_await timer_.async_wait(as_tuple);
    }

private:
    asio::steady_timer timer_;
    bool is_open_ = false;
};

struct Custom : Loopback {
    using Loopback::Loopback;

    asio::awaitable<void> send(Session session, std::uint8_t of_type, std::string_view text) {
        std::vector<std::uint8_t> payload = bytes_from(text);
        const auto sent = co_await session.send_custom(of_type, std::move(payload));
        REQUIRE(sent.has_value());
    }
    // What either side sent before has arrived when this ends: loopback keeps the order.
    asio::awaitable<void> settle() {
        REQUIRE((co_await here.ping()).has_value());
        REQUIRE((co_await there.ping()).has_value());
        asio::steady_timer timer(context, milliseconds(1));
        co_await timer.async_wait(asio::use_awaitable);
    }
    asio::awaitable<void> wait_for(const std::vector<std::string>& texts, std::size_t count) {
        for (int i = 0; i < 10'000 && texts.size() < count; ++i) {
            asio::steady_timer timer(context, milliseconds(1));
            co_await timer.async_wait(asio::use_awaitable);
        }
        CHECK(texts.size() == count);
    }
};

}  // namespace

TEST_CASE(
    "protocol §3.3 (c): custom frames go both ways, each to the handler of its type, with its "
    "Stream ID") {
    Custom nodes;
    Inbox first, last;
    nodes.responder.handle_custom(
        0x80, [](Session from, CustomFrame frame) -> asio::awaitable<void> {
            frame.payload.push_back('!');
            const auto sent =
                co_await from.send_custom(0xff, std::move(frame.payload), frame.stream_id);
            CHECK(sent.has_value());
        });
    nodes.responder.handle_custom(0x81, first.handler());
    nodes.initiator.handle_custom(0xff, last.handler());
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect();
        std::vector<std::uint8_t> payload = bytes_from("hello");
        CHECK((co_await nodes.here.send_custom(0x80, payload, 65'535)).has_value());
        co_await nodes.send(nodes.here, 0x81, "");
        co_await nodes.wait_for(first.texts, 1);
        co_await nodes.wait_for(last.texts, 1);
    };
    nodes.run(work());
    REQUIRE(first.frames.size() == 1);
    REQUIRE(last.frames.size() == 1);
    CHECK(first.frames[0].type == 0x81);
    CHECK(first.frames[0].stream_id == 0);
    CHECK(first.frames[0].payload.empty());
    CHECK(last.frames[0].type == 0xff);
    CHECK(last.frames[0].stream_id == 65'535);
    CHECK(last.texts[0] == "hello!");
}

TEST_CASE("protocol §3.3 (c): a custom frame of a type without a handler is dropped and counted") {
    Custom nodes;
    Inbox inbox;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect();
        nodes.there.handle_custom(0x91, inbox.handler());
        co_await nodes.send(nodes.here, type, "too early");
        co_await nodes.settle();
        CHECK(drops(nodes.there, "no_handler") == 1);
        nodes.there.handle_custom(type, inbox.handler());
        co_await nodes.send(nodes.here, type, "in time");
        co_await nodes.wait_for(inbox.texts, 1);
        nodes.there.remove_custom_handler(type);
        co_await nodes.send(nodes.here, type, "too late");
        co_await nodes.settle();
        CHECK(drops(nodes.there, "no_handler") == 2);
        CHECK(nodes.there.statistics().frames_dropped == 2);
    };
    nodes.run(work());
    CHECK(inbox.texts == std::vector<std::string>(1, "in time"));
    CHECK(nodes.here.is_open());
}

TEST_CASE("a session's own custom handler goes before the node's, and serves only that session") {
    Custom nodes;
    Inbox inbox;
    nodes.responder.handle_custom(type, inbox.handler("node:"));
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect();
        const Session first = nodes.here;
        Session first_there = nodes.there;
        first_there.handle_custom(type, inbox.handler("session:"));
        first_there.handle_custom(0x91, inbox.handler("session:"));
        co_await nodes.connect();
        co_await nodes.send(first, type, "1");
        co_await nodes.wait_for(inbox.texts, 1);
        co_await nodes.send(nodes.here, type, "2");
        co_await nodes.wait_for(inbox.texts, 2);
        co_await nodes.send(first, 0x91, "3");
        co_await nodes.wait_for(inbox.texts, 3);
        co_await nodes.send(nodes.here, 0x91, "of another session");
        co_await nodes.settle();
        CHECK(drops(nodes.there, "no_handler") == 1);
        first_there.remove_custom_handler(type);
        co_await nodes.send(first, type, "4");
        co_await nodes.wait_for(inbox.texts, 4);
        nodes.responder.remove_custom_handler(type);
        co_await nodes.send(first, type, "5");
        for (int i = 0; i < 1'000 && drops(first_there, "no_handler") == 0; ++i) {
            co_await nodes.settle();
        }
        CHECK(drops(first_there, "no_handler") == 1);
    };
    nodes.run(work());
    const std::vector<std::string> expected{"session:1", "node:2", "session:3", "node:4"};
    CHECK(inbox.texts == expected);
}

TEST_CASE("send_custom: a type below 0x80, and more than 1,100 bytes, are errors") {
    Custom nodes;
    Inbox inbox;
    nodes.responder.handle_custom(0x80, inbox.handler());
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect();
        const auto low = co_await nodes.here.send_custom(0x7f, pattern(1));
        REQUIRE_FALSE(low.has_value());
        CHECK(low.error() == Failure::custom_type);
        const auto large = co_await nodes.here.send_custom(0x80, pattern(1'101));
        REQUIRE_FALSE(large.has_value());
        CHECK(large.error() == Failure::custom_payload_size);
        CHECK((co_await nodes.here.send_custom(0x80, pattern(1'100))).has_value());
        co_await nodes.wait_for(inbox.texts, 1);
        nodes.here.close();
        const auto closing = co_await nodes.here.send_custom(0x80, pattern(1));
        REQUIRE_FALSE(closing.has_value());
        CHECK(closing.error() == Failure::session_closed);
        co_await nodes.there.wait_closed();
        const auto closed = co_await nodes.there.send_custom(0x80, pattern(1));
        REQUIRE_FALSE(closed.has_value());
        CHECK(closed.error() == Failure::session_closed_by_peer);
    };
    nodes.run(work());
    REQUIRE(inbox.frames.size() == 1);
    CHECK(inbox.frames[0].payload == pattern(1'100));
}

TEST_CASE("what a custom handler throws is logged, and the next frame is served") {
    std::vector<std::string> lines;
    NodeConfig config;
    config.log = [&](LogLevel level, std::string_view line) {
        if (level == LogLevel::warning) lines.emplace_back(line);
    };
    Custom nodes(config);
    Inbox inbox;
    nodes.responder.handle_custom(0x9a, [](Session, CustomFrame) -> asio::awaitable<void> {
        throw std::runtime_error("no luck");
        co_return;
    });
    nodes.responder.handle_custom(type, inbox.handler());
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect();
        co_await nodes.send(nodes.here, 0x9a, "");
        co_await nodes.send(nodes.here, type, "after");
        co_await nodes.wait_for(inbox.texts, 1);
    };
    nodes.run(work());
    REQUIRE(lines.size() == 1);
    CHECK(lines[0] == "the handler of custom frames of type 0x9a threw: no luck");
}

TEST_CASE(
    "protocol §3.3 (c): custom frames wait while a handler is busy, 256 at most; more are dropped "
    "and counted") {
    Custom nodes;
    Gate gate(nodes.context);
    Inbox inbox;
    int running = 0;
    nodes.responder.handle_custom(type, [&](Session, CustomFrame) -> asio::awaitable<void> {
        CHECK(++running == 1);
        co_await gate.pass();
        --running;
    });
    nodes.responder.handle_custom(0x91, inbox.handler());
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect();
        co_await nodes.send(nodes.here, type, "holds the others");
        co_await nodes.settle();
        for (int i = 0; i < 300; ++i) {
            co_await nodes.send(nodes.here, i % 2 == 0 ? 0x91 : type, std::to_string(i));
            if (i % 20 == 0) co_await nodes.settle();
        }
        for (int i = 0; i < 1'000 && drops(nodes.there, "queue_full") < 44; ++i) {
            co_await nodes.settle();
        }
        CHECK(drops(nodes.there, "queue_full") == 44);
        CHECK(inbox.texts.empty());
        gate.open();
        co_await nodes.wait_for(inbox.texts, 128);
        co_await nodes.send(nodes.here, 0x91, "goes on");
        co_await nodes.wait_for(inbox.texts, 129);
    };
    nodes.run(work());
    REQUIRE(inbox.texts.size() == 129);
    CHECK(inbox.texts[127] == "254");
}

TEST_CASE(
    "send_custom waits while 256 frames wait to leave, can be cancelled, and goes on in turn") {
    Custom nodes;
    Relay relay(nodes.context, nodes.address);
    nodes.address = relay.address();
    Inbox inbox;
    nodes.responder.handle_custom(type, inbox.handler());
    std::vector<std::string> sent, expected;
    // Of large frames the congestion window lets few go.
    const std::string filler(1'000, '.');
    auto send_one = [&](int number) -> asio::awaitable<void> {
        co_await nodes.send(nodes.here, type, std::to_string(number) + filler);
        sent.push_back(std::to_string(number));
    };
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await nodes.connect();
        co_await nodes.settle();
        relay.set_cut(true);
        for (int i = 0; i < 300; ++i) {
            expected.push_back(std::to_string(i));
            asio::co_spawn(nodes.context, send_one(i), asio::detached);
        }
        asio::steady_timer timer(nodes.context, milliseconds(50));
        auto outcome = co_await (nodes.here.send_custom(type, bytes_from("cancelled")) ||
                                 timer.async_wait(asio::use_awaitable));
        CHECK(outcome.index() == 1);
        CHECK(sent.size() == custom_queue_count_max);
        relay.set_cut(false);
        nodes.initiator.network_changed();
        co_await nodes.wait_for(sent, 300);
        // They leave in one burst, of which the receiver's queue may drop the end.
        while (inbox.texts.empty() || inbox.texts.back() != "after") {
            co_await nodes.send(nodes.here, type, "after");
            co_await nodes.settle();
        }
    };
    nodes.run(work());
    CHECK(sent == expected);
    CHECK(std::count(inbox.texts.begin(), inbox.texts.end(), "cancelled") == 0);
}

TEST_CASE("custom frames that came before the session's end are handled, those to send fail") {
    Custom nodes;
    Gate gate(nodes.context);
    Inbox inbox;
    bool was_open = true;
    std::vector<std::error_code> errors;
    nodes.responder.handle_custom(
        0x91, [&](Session, CustomFrame) -> asio::awaitable<void> { co_await gate.pass(); });
    nodes.responder.handle_custom(type,
                                  [&, handler = inbox.handler()](
                                      Session session, CustomFrame frame) -> asio::awaitable<void> {
                                      was_open = session.is_open();
                                      co_await handler(session, std::move(frame));
                                  });
    auto send_late = [&]() -> asio::awaitable<void> {
        const auto sent = co_await nodes.here.send_custom(0x92, pattern(1'100));
        if (!sent) errors.push_back(sent.error());
    };
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect();
        co_await nodes.send(nodes.here, 0x91, "holds the others");
        for (const char* text : {"a", "b", "c"}) co_await nodes.send(nodes.here, type, text);
        co_await nodes.settle();
        // More at once than the queue takes.
        for (int i = 0; i < 300; ++i) {
            asio::co_spawn(nodes.context, send_late(), asio::detached);
        }
        asio::post(nodes.context, [&] { nodes.here.close(); });
        CHECK(co_await nodes.there.wait_closed() == Failure::session_closed_by_peer);
        CHECK(inbox.texts.empty());
        gate.open();
        co_await nodes.wait_for(inbox.texts, 3);
    };
    nodes.run(work());
    const std::vector<std::string> expected{"a", "b", "c"};
    CHECK(inbox.texts == expected);
    CHECK_FALSE(was_open);
    REQUIRE(errors.size() == 44);
    for (const std::error_code& error : errors) CHECK(error == Failure::session_closed);
}

TEST_CASE("a node that was destroyed hands no more custom frames over") {
    Custom nodes;
    Gate gate(nodes.context);
    int handled = 0;
    auto other = std::make_unique<Node>(nodes.context, nodes.seed);
    auto work = [&]() -> asio::awaitable<void> {
        auto session = co_await other->connect(nodes.address);
        REQUIRE(session.has_value());
        session->handle_custom(type, [&](Session, CustomFrame) -> asio::awaitable<void> {
            ++handled;
            co_await gate.pass();
        });
        auto accepted = co_await nodes.responder.accept();
        REQUIRE(accepted.has_value());
        for (int i = 0; i < 3; ++i) co_await nodes.send(*accepted, type, "x");
        CHECK((co_await session->ping()).has_value());
        CHECK((co_await accepted->ping()).has_value());
        other.reset();
        gate.open();
        const auto sent = co_await session->send_custom(type, pattern(1));
        REQUIRE_FALSE(sent.has_value());
        CHECK(sent.error() == Failure::node_closed);
    };
    nodes.run(work());
    nodes.context.poll();
    CHECK(handled == 1);
}

TEST_CASE("a node that only handles custom frames need not accept sessions") {
    Custom nodes;
    Inbox inbox;
    nodes.responder.handle_custom(type, inbox.handler());
    auto work = [&]() -> asio::awaitable<void> {
        std::vector<Session> sessions;
        for (int i = 0; i < 1'030; ++i) {
            auto session = co_await nodes.initiator.connect(nodes.address);
            REQUIRE(session.has_value());
            sessions.push_back(*session);
        }
        co_await nodes.send(sessions.front(), type, "first");
        co_await nodes.wait_for(inbox.texts, 1);
        co_await nodes.send(sessions.back(), type, "last");
        co_await nodes.wait_for(inbox.texts, 2);
    };
    nodes.run(work());
    const std::vector<std::string> expected{"first", "last"};
    CHECK(inbox.texts == expected);
}

}  // namespace stt::node_test
