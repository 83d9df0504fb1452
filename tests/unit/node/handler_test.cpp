#include <set>
#include <stdexcept>

#include "tests/unit/node/loopback.hpp"

namespace stt::node_test {
namespace {

// Answers with `name` and what it was sent.
StreamHandler echo(std::string name) {
    return [name = std::move(name)](Session, Stream stream) -> asio::awaitable<void> {
        std::string text = name + ":";
        std::array<char, 100> piece;
        while (true) {
            auto [error, size] = co_await stream.async_read_some(asio::buffer(piece), as_tuple);
            if (error) break;
            text.append(piece.data(), size);
        }
        co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
        stream.finish();
    };
}

// What a handler answers to `text`; empty when the stream was refused.
asio::awaitable<std::string> ask(Session session, std::string endpoint, std::string text) {
    auto stream = co_await session.open_stream(endpoint);
    REQUIRE(stream.has_value());
    co_await asio::async_write(*stream, asio::buffer(text), as_tuple);
    stream->finish();
    std::string answer;
    std::array<char, 100> piece;
    while (true) {
        auto [error, size] = co_await stream->async_read_some(asio::buffer(piece), as_tuple);
        if (error == Failure::stream_reset) {
            CHECK(stream->reset_code() == 7);
            co_return std::string();
        }
        if (error) break;
        answer.append(piece.data(), size);
    }
    co_return answer;
}

}  // namespace

TEST_CASE("handlers serve the streams of their endpoint, in every session of the node") {
    Loopback loopback;
    loopback.responder.handle("upper", echo("upper"));
    loopback.responder.handle("", echo("nameless"));
    auto work = [&]() -> asio::awaitable<void> {
        for (int session = 0; session < 3; ++session) {
            co_await loopback.connect();
            CHECK(co_await ask(loopback.here, "upper", "a") == "upper:a");
            CHECK(co_await ask(loopback.here, "", "b") == "nameless:b");
        }
    };
    loopback.run(work());
}

TEST_CASE(
    "protocol §8.3: where handlers serve, a stream to an unknown endpoint is refused with 7") {
    Loopback loopback;
    loopback.responder.handle("known", echo("known"));
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.connect();
        CHECK(co_await ask(loopback.here, "unknown", "x") == "");
        auto stream = co_await loopback.here.open_stream("other");
        const auto bytes = pattern(10'000'000);
        auto [error, size] = co_await asio::async_write(*stream, asio::buffer(bytes), as_tuple);
        CHECK(error == Failure::stream_stopped);
        CHECK(stream->reset_code() == 7);
        CHECK(co_await ask(loopback.here, "known", "y") == "known:y");
    };
    loopback.run(work());
}

TEST_CASE("a session's own handler goes before the node's, and serves only that session") {
    Loopback loopback;
    loopback.responder.handle("name", echo("node"));
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.connect();
        const Session first = loopback.here;
        loopback.there.handle("name", echo("session"));
        co_await loopback.connect();
        CHECK(co_await ask(first, "name", "1") == "session:1");
        CHECK(co_await ask(loopback.here, "name", "2") == "node:2");
    };
    loopback.run(work());
}

TEST_CASE("handlers can be replaced and removed while their streams go on") {
    Loopback loopback;
    loopback.responder.handle("name", echo("first"));
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.connect();
        auto stream = co_await loopback.here.open_stream("name");
        co_await asio::async_write(*stream, asio::buffer("x", 1), asio::use_awaitable);
        CHECK((co_await loopback.here.ping()).has_value());  // the handler runs by now
        loopback.responder.handle("name", echo("second"));
        CHECK(co_await ask(loopback.here, "name", "y") == "second:y");
        loopback.responder.handle("keeps the registry in use", echo(""));
        loopback.responder.remove_handler("name");
        CHECK(co_await ask(loopback.here, "name", "z") == "");
        stream->finish();
        std::array<char, 7> answer;
        co_await asio::async_read(*stream, asio::buffer(answer), asio::use_awaitable);
        CHECK(std::string_view(answer.data(), answer.size()) == "first:x");
    };
    loopback.run(work());
}

TEST_CASE("streams that came before a handler wait for it, or for accept_stream()") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.connect();
        auto early = co_await loopback.here.open_stream("name");
        early->finish();
        auto other = co_await loopback.here.open_stream("other");
        other->finish();
        CHECK((co_await loopback.here.ping()).has_value());
        loopback.responder.handle("name", echo("late"));
        std::array<char, 5> answer;
        co_await asio::async_read(*early, asio::buffer(answer), asio::use_awaitable);
        CHECK(std::string_view(answer.data(), answer.size()) == "late:");
        auto accepted = co_await loopback.there.accept_stream();
        REQUIRE(accepted.has_value());
        CHECK(accepted->endpoint() == "other");
        // Without handlers all is as before.
        loopback.responder.remove_handler("name");
        auto later = co_await loopback.here.open_stream("name");
        later->finish();
        CHECK((co_await loopback.there.accept_stream())->endpoint() == "name");
    };
    loopback.run(work());
}

TEST_CASE("what a handler throws is logged, and ends only its stream") {
    std::vector<std::string> lines;
    NodeConfig config;
    config.log = [&](LogLevel level, std::string_view line) {
        if (level == LogLevel::warning) lines.emplace_back(line);
    };
    Loopback loopback(config);
    loopback.responder.handle("bad", [](Session, Stream) -> asio::awaitable<void> {
        throw std::runtime_error("no luck");
        co_return;
    });
    loopback.responder.handle("good", echo("good"));
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.connect();
        auto stream = co_await loopback.here.open_stream("bad");
        char byte = 0;
        auto [error, size] = co_await stream->async_read_some(asio::buffer(&byte, 1), as_tuple);
        CHECK(error == Failure::stream_reset);
        CHECK(co_await ask(loopback.here, "good", "x") == "good:x");
    };
    loopback.run(work());
    REQUIRE(lines.size() == 1);
    CHECK(lines[0] == "the handler of 'bad' threw: no luck");
}

TEST_CASE("with handlers, more sessions than accept() keeps are served all the same") {
    Loopback loopback;
    loopback.responder.handle("name", echo("served"));
    auto work = [&]() -> asio::awaitable<void> {
        std::vector<Session> sessions;
        for (int i = 0; i < 1'030; ++i) {
            auto session = co_await loopback.initiator.connect(loopback.address);
            REQUIRE(session.has_value());
            sessions.push_back(*session);
        }
        CHECK(co_await ask(sessions.front(), "name", "1") == "served:1");
        CHECK(co_await ask(sessions.back(), "name", "2") == "served:2");
    };
    loopback.run(work());
}

TEST_CASE("closing a node while handlers run ends their streams") {
    bool has_ended = false;
    Loopback loopback;
    loopback.run(loopback.connect());
    loopback.there.handle("name", [&](Session, Stream stream) -> asio::awaitable<void> {
        char byte = 0;
        auto [error, size] = co_await stream.async_read_some(asio::buffer(&byte, 1), as_tuple);
        CHECK(error == Failure::session_closed);
        has_ended = true;
    });
    auto work = [&]() -> asio::awaitable<void> {
        auto stream = co_await loopback.here.open_stream("name");
        CHECK((co_await loopback.here.ping()).has_value());
        co_await loopback.responder.close();
        loopback.here.close();
    };
    loopback.run(work());
    loopback.context.poll();
    CHECK(has_ended);
}

}  // namespace stt::node_test
