// What a node passes on between those who are connected to it.
#include "cli/web/live_relay.hpp"

#include <array>
#include <string>
#include <stt/error.hpp>
#include <stt/failure.hpp>

#include "tests/unit/node/loopback.hpp"

namespace stt::cli {
namespace {

using namespace node_test;

// A node with a relay, and two sessions to it.
struct Relayed : Loopback {
    explicit Relayed(NodeConfig config = {})
        : Loopback(std::move(config)), relay(context.get_executor()) {
        asio::co_spawn(context, accept_all(), asio::detached);
    }
    asio::awaitable<void> accept_all() {
        for (;;) {
            auto session = co_await responder.accept();
            if (!session) co_return;
            asio::co_spawn(context, serve(next++, *session), asio::detached);
        }
    }
    asio::awaitable<void> serve(std::uint64_t number, Session session) {
        for (;;) {
            auto stream = co_await session.accept_messages();
            if (!stream) co_return;
            asio::co_spawn(context, relay.serve(number, *std::move(stream)), asio::detached);
        }
    }
    asio::awaitable<void> connect_both() {
        auto first = co_await initiator.connect(address);
        auto second = co_await initiator.connect(address);
        REQUIRE((first && second));
        one = *first;
        two = *second;
    }
    static asio::awaitable<MessageStream> open(Session session, std::string endpoint,
                                               StreamKind kind = StreamKind::messages) {
        MessageOptions options;
        if (kind == StreamKind::expiring) options.deadline = std::chrono::seconds(1);
        auto stream = co_await session.open_messages(std::move(endpoint), kind, options);
        REQUIRE(stream.has_value());
        co_return *std::move(stream);
    }
    // Until the relay says that it has these channels.
    asio::awaitable<void> wait_for(std::string channels) {
        asio::steady_timer timer(context);
        while (relay.channels() != channels) {
            timer.expires_after(std::chrono::milliseconds(5));
            co_await timer.async_wait(asio::use_awaitable);
        }
    }
    asio::awaitable<void> end() {
        relay.stop();
        co_await responder.close();
        co_await initiator.close();
    }

    LiveRelay relay;
    Session one;
    Session two;
    std::uint64_t next = 0;
};

constexpr std::array<const char*, 3> no_channels{"live/watch/", "live/other/x", "nonsense"};

asio::awaitable<void> send(MessageStream& stream, const std::string& text) {
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    const auto [error, size] = co_await stream.async_send(bytes, as_tuple);
    CHECK_FALSE(error);
    CHECK(size == text.size());
}
asio::awaitable<std::string> receive(MessageStream& stream) {
    const auto [error, message] = co_await stream.async_receive(as_tuple);
    if (error) co_return "error: " + error.message();
    co_return std::string(message.begin(), message.end());
}

TEST_CASE("live §1.2: a channel's name is what follows in the endpoint") {
    CHECK(live_channel_of("live/watch/a b/c", "live/watch/") == "a b/c");
    CHECK_FALSE(live_channel_of("live/watch/", "live/watch/"));
    CHECK_FALSE(live_channel_of("live/other/a", "live/watch/"));
    CHECK_FALSE(live_channel_of("live/watch/a\n", "live/watch/"));
    CHECK_FALSE(live_channel_of("live/watch/a\x7f", "live/watch/"));
    const std::string prefix = "live/watch/";
    CHECK(live_channel_of(prefix + std::string(64, 'a'), prefix));
    CHECK_FALSE(live_channel_of(prefix + std::string(65, 'a'), prefix));
}

TEST_CASE("live §1.1, §2.1, §2.4: what one publishes the others get, from when they watch") {
    Relayed nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect_both();
        auto publisher = co_await nodes.open(nodes.one, "live/publish/room");
        co_await nodes.wait_for("1 0 room\n");
        co_await send(publisher, "nobody hears this");
        auto own = co_await nodes.open(nodes.one, "live/watch/room");
        auto watcher = co_await nodes.open(nodes.two, "live/watch/room");
        auto elsewhere = co_await nodes.open(nodes.two, "live/watch/other");
        co_await nodes.wait_for("0 1 other\n1 2 room\n");
        co_await send(publisher, "hello");
        CHECK(co_await receive(watcher) == "hello");
        auto answer = co_await nodes.open(nodes.two, "live/publish/room");
        co_await send(answer, "back");
        // Not its own "hello".
        CHECK(co_await receive(own) == "back");
        publisher.finish();
        const auto [error, nothing] = co_await publisher.async_receive(as_tuple);
        CHECK(error == asio::error::eof);
        watcher.stop(0);
        nodes.one.close();
        co_await nodes.wait_for("0 1 other\n1 0 room\n");
        co_await nodes.end();
    };
    nodes.run(work());
}

TEST_CASE("live §1.3: what is no channel, or not of messages, is refused") {
    Relayed nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect_both();
        for (const char* endpoint : no_channels) {
            auto stream = co_await nodes.open(nodes.one, endpoint);
            const auto [error, message] = co_await stream.async_receive(as_tuple);
            CHECK(error == Failure::stream_reset);
            CHECK(stream.reset_code() == static_cast<std::uint64_t>(ErrorCode::refused));
        }
        co_await nodes.end();
    };
    nodes.run(work());
}

// Sends much to who does not read: small windows make it late at once.
struct Flooded : Relayed {
    static NodeConfig narrow() {
        NodeConfig config;
        config.send_buffer_max = 1u << 20;
        config.stream_window_max = 65'536;
        config.session_window_max = 2'097'152;
        return config;
    }
    Flooded() : Relayed(narrow()) {}

    asio::awaitable<void> flood(MessageStream& publisher) {
        for (int i = 0; i < 120; ++i) co_await send(publisher, std::string(100'000, 'x'));
        const auto [error, nothing] = co_await publisher.async_wait_acknowledged(as_tuple);
        CHECK_FALSE(error);
    }
};

TEST_CASE("live §2.2, §2.3: who is far behind loses the stream of MESSAGES, and nobody waits") {
    Flooded nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect_both();
        auto watcher = co_await nodes.open(nodes.two, "live/watch/x");
        auto publisher = co_await nodes.open(nodes.one, "live/publish/x");
        co_await nodes.wait_for("1 1 x\n");
        co_await nodes.flood(publisher);
        co_await nodes.wait_for("1 0 x\n");
        std::error_code last;
        for (int i = 0; i < 200 && !last; ++i) {
            const auto [error, message] = co_await watcher.async_receive(as_tuple);
            last = error;
        }
        CHECK(last == Failure::stream_reset);
        CHECK(watcher.reset_code() == static_cast<std::uint64_t>(ErrorCode::timeout));
        co_await nodes.end();
    };
    nodes.run(work());
}

TEST_CASE("live §2.2: on EXPIRING, who is behind misses messages and stays") {
    Flooded nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect_both();
        auto watcher = co_await nodes.open(nodes.two, "live/watch/x", StreamKind::expiring);
        auto publisher = co_await nodes.open(nodes.one, "live/publish/x");
        co_await nodes.wait_for("1 1 x\n");
        co_await nodes.flood(publisher);
        co_await send(publisher, "the newest");
        int count = 0;
        std::string message;
        while (message != "the newest") {
            message = co_await receive(watcher);
            ++count;
        }
        CHECK(count < 120);
        CHECK(nodes.relay.channels() == "1 1 x\n");
        co_await nodes.end();
    };
    nodes.run(work());
}

TEST_CASE("live §3.1, §3.2, §3.3: the list of channels comes at once, and when it changes") {
    Relayed nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect_both();
        auto observer = co_await nodes.open(nodes.one, "live/channels");
        CHECK(co_await receive(observer) == "");
        auto publisher = co_await nodes.open(nodes.two, "live/publish/b");
        CHECK(co_await receive(observer) == "1 0 b\n");
        auto watcher = co_await nodes.open(nodes.two, "live/watch/a");
        CHECK(co_await receive(observer) == "0 1 a\n1 0 b\n");
        nodes.two.close();
        std::string last;
        do {
            last = co_await receive(observer);
        } while (!last.empty());
        observer.finish();
        const auto [error, message] = co_await observer.async_receive(as_tuple);
        CHECK(error == asio::error::eof);
        co_await nodes.end();
    };
    nodes.run(work());
}

TEST_CASE("live §4.1: channels, publishers, watchers and lists are bounded") {
    Relayed nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect_both();
        std::vector<MessageStream> kept;
        const auto is_refused = [](MessageStream& stream) -> asio::awaitable<bool> {
            const auto [error, message] = co_await stream.async_receive(as_tuple);
            co_return error == Failure::stream_reset;
        };
        for (std::size_t i = 0; i < live_publisher_count_max; ++i) {
            kept.push_back(co_await nodes.open(nodes.one, "live/publish/0"));
        }
        auto publisher = co_await nodes.open(nodes.one, "live/publish/0");
        CHECK(co_await is_refused(publisher));
        for (std::size_t i = 1; i < live_channel_count_max; ++i) {
            kept.push_back(co_await nodes.open(nodes.one, "live/watch/" + std::to_string(i)));
        }
        auto channel = co_await nodes.open(nodes.one, "live/watch/one more");
        CHECK(co_await is_refused(channel));
        for (std::size_t i = live_channel_count_max - 1; i < live_watcher_count_max; ++i) {
            kept.push_back(co_await nodes.open(nodes.one, "live/watch/0"));
        }
        auto watcher = co_await nodes.open(nodes.one, "live/watch/0");
        CHECK(co_await is_refused(watcher));
        for (std::size_t i = 0; i < live_observer_count_max; ++i) {
            kept.push_back(co_await nodes.open(nodes.one, "live/channels"));
        }
        auto observer = co_await nodes.open(nodes.one, "live/channels");
        CHECK(co_await is_refused(observer));
        co_await nodes.end();
    };
    nodes.run(work());
}

TEST_CASE("live §4.2: a message over the limit ends its publisher's stream") {
    Relayed nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.connect_both();
        auto watcher = co_await nodes.open(nodes.two, "live/watch/x");
        auto publisher = co_await nodes.open(nodes.one, "live/publish/x");
        co_await nodes.wait_for("1 1 x\n");
        co_await send(publisher, std::string(live_message_size_max, 'a'));
        CHECK((co_await receive(watcher)).size() == live_message_size_max);
        co_await send(publisher, std::string(live_message_size_max + 1, 'b'));
        co_await nodes.wait_for("0 1 x\n");
        // STOP may come after the acknowledgement.
        asio::steady_timer timer(nodes.context);
        for (int i = 0; i < 1'000 && publisher.reset_code() == 0; ++i) {
            timer.expires_after(std::chrono::milliseconds(5));
            co_await timer.async_wait(asio::use_awaitable);
        }
        CHECK(publisher.reset_code() == live_message_too_large);
        co_await nodes.end();
    };
    nodes.run(work());
}

}  // namespace
}  // namespace stt::cli
