#include <asio/experimental/awaitable_operators.hpp>
#include <map>
#include <optional>
#include <set>
#include <stt/fan_out.hpp>

#include "tests/unit/node/loopback.hpp"

namespace stt::node_test {
namespace {

using namespace asio::experimental::awaitable_operators;
using Message = std::vector<std::uint8_t>;

// Who does not read is behind after a few hundred kilobytes.
NodeConfig small_buffers() {
    NodeConfig config;
    config.send_buffer_max = 65'536;
    config.stream_window_max = 65'536;
    return config;
}

// Several sessions with one node, which has a stream to each of them, of messages or of bytes.
struct Audience : Loopback {
    explicit Audience(std::size_t count_given, NodeConfig config = small_buffers())
        : Loopback(config), count(count_given) {}

    MessageFanOut messages(const FanOutOptions& options = {}) {
        return MessageFanOut(context.get_executor(), options);
    }
    FanOut bytes(const FanOutOptions& options = {}) {
        return FanOut(context.get_executor(), options);
    }
    asio::awaitable<void> gather(MessageFanOut& fan_out) {
        for (std::size_t i = 0; i < count; ++i) {
            co_await connect();
            sessions.push_back(here);
            co_await join(fan_out);
        }
    }
    // One more stream of the last session.
    asio::awaitable<void> join(MessageFanOut& fan_out, StreamKind kind = StreamKind::messages) {
        auto opened = co_await there.open_messages("news", kind, {.deadline = {}});
        REQUIRE(opened.has_value());
        ids.push_back(fan_out.add(std::move(*opened)));
        auto accepted = co_await here.accept_messages();
        REQUIRE(accepted.has_value());
        streams.push_back(std::move(*accepted));
    }
    asio::awaitable<void> gather(FanOut& fan_out) {
        for (std::size_t i = 0; i < count; ++i) {
            co_await connect();
            sessions.push_back(here);
            co_await join(fan_out);
        }
    }
    asio::awaitable<void> join(FanOut& fan_out) {
        auto opened = co_await there.open_stream("news");
        REQUIRE(opened.has_value());
        ids.push_back(fan_out.add(std::move(*opened)));
        auto accepted = co_await here.accept_stream();
        REQUIRE(accepted.has_value());
        byte_streams.push_back(std::move(*accepted));
    }
    asio::awaitable<Message> next(std::size_t receiver) {
        auto [error, message] = co_await streams[receiver].async_receive(as_tuple);
        CHECK_FALSE(error);
        co_return message;
    }
    // The numbers of all messages until the end, and what that was.
    asio::awaitable<std::error_code> listen(std::size_t receiver, std::multiset<int>& numbers) {
        while (true) {
            auto [error, message] = co_await streams[receiver].async_receive(as_tuple);
            if (error) co_return error;
            numbers.insert(number_of(message));
        }
    }
    asio::awaitable<std::error_code> read(std::size_t receiver, Message& bytes) {
        std::vector<std::uint8_t> piece(16'384);
        while (true) {
            auto [error, size] =
                co_await byte_streams[receiver].async_read_some(asio::buffer(piece), as_tuple);
            if (error) co_return error;
            bytes.insert(bytes.end(), piece.begin(),
                         piece.begin() + static_cast<std::ptrdiff_t>(size));
        }
    }
    asio::awaitable<void> pause(int ms = 5) {
        asio::steady_timer timer(context, std::chrono::milliseconds(ms));
        co_await timer.async_wait(asio::use_awaitable);
    }
    // Until it is true; a second is for one that never is.
    template <class Condition>
    asio::awaitable<bool> becomes(Condition condition) {
        for (int i = 0; i < 200 && !condition(); ++i) co_await pause();
        co_return condition();
    }
    static Message numbered(int number, std::size_t size = 20'000) {
        Message message(size, static_cast<std::uint8_t>(number));
        message[1] = static_cast<std::uint8_t>(number / 256);
        return message;
    }
    static int number_of(const Message& message) { return message[0] + 256 * message[1]; }

    std::size_t count;
    std::vector<ReceiverId> ids;
    std::vector<MessageStream> streams;
    std::vector<Stream> byte_streams;
    std::vector<Session> sessions;
};

std::multiset<int> numbers_below(int count) {
    std::multiset<int> numbers;
    for (int i = 0; i < count; ++i) numbers.insert(i);
    return numbers;
}

// Sends numbered messages, each when the fan-out has taken the one before.
asio::awaitable<void> send_numbered(MessageFanOut& fan_out, int count, int& sent) {
    for (sent = 0; sent < count; ++sent) {
        const Message message = Audience::numbered(sent);
        auto [error, receivers] = co_await fan_out.async_send(message, as_tuple);
        if (error) {
            CHECK(error == asio::error::operation_aborted);
            co_return;
        }
    }
}

}  // namespace

TEST_CASE("FanOut: a message goes to all, or to those that are chosen") {
    Audience audience(5);
    MessageFanOut fan_out = audience.messages();
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        const std::vector<ReceiverId> chosen{audience.ids[4], audience.ids[1], ReceiverId{99}};
        const Message small = pattern(1'000);
        const Message some = pattern(2'000);
        const Message large = pattern(50'000);
        CHECK(co_await fan_out.async_send(small, asio::use_awaitable) == 5);
        CHECK(co_await fan_out.async_send(some, chosen, asio::use_awaitable) == 2);
        CHECK(co_await fan_out.async_send(large, asio::use_awaitable) == 5);
        for (std::size_t i = 0; i < 5; ++i) {
            std::multiset<Message> got;
            const std::size_t expected = i == 1 || i == 4 ? 3 : 2;
            for (std::size_t k = 0; k < expected; ++k) got.insert(co_await audience.next(i));
            CHECK(got.count(small) == 1);
            CHECK(got.count(some) == expected - 2);
            CHECK(got.count(large) == 1);
            const auto statistics = fan_out.statistics(audience.ids[i]);
            REQUIRE(statistics.has_value());
            CHECK(statistics->messages_sent == expected);
            CHECK(statistics->bytes_sent == 51'000 + (expected - 2) * 2'000);
        }
    };
    audience.run(work());
}

TEST_CASE("FanOut: with the policy to skip, who is behind misses the oldest, and holds nobody") {
    Audience audience(3);
    MessageFanOut fan_out =
        audience.messages({.buffer_size_max = 100'000, .laggards = LaggardPolicy::skip});
    constexpr int count = 60;
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        for (int i = 0; i < count; ++i) {
            const Message message = Audience::numbered(i);
            co_await fan_out.async_send(message, asio::use_awaitable);
            for (const std::size_t quick : {0u, 2u}) {
                CHECK(Audience::number_of(co_await audience.next(quick)) == i);
            }
        }
        const auto slow = fan_out.statistics(audience.ids[1]);
        REQUIRE(slow.has_value());
        CHECK(slow->waiting_size == 80'000);
        CHECK(slow->messages_dropped > 20);
        CHECK(slow->messages_sent + slow->messages_dropped + 4 == count);
        CHECK(fan_out.statistics(audience.ids[0])->messages_sent == count);
        // It gets what waits, when it receives.
        fan_out.finish();
        std::multiset<int> got;
        CHECK(co_await audience.listen(1, got) == asio::error::eof);
        CHECK(got.size() == slow->messages_sent + 4);
        CHECK(got.contains(0));
        CHECK(got.contains(count - 1));
    };
    audience.run(work());
}

// A writer to two, of whom the second does not receive: it waits for that one.
struct HeldWriter : Audience {
    HeldWriter() : Audience(2), fan_out(messages({.buffer_size_max = 100'000})) {}

    asio::awaitable<void> begin() {
        co_await gather(fan_out);
        asio::co_spawn(context, send_numbered(fan_out, total, sent), asio::detached);
        asio::co_spawn(context, listen(0, quick), asio::detached);
        co_await pause(200);
        CHECK(sent < total / 2);
    }

    static constexpr int total = 60;
    MessageFanOut fan_out;
    int sent = 0;
    std::multiset<int> quick;
};

TEST_CASE("FanOut: with the policy to wait, who is behind holds the writer, and misses nothing") {
    HeldWriter writer;
    std::multiset<int> slow;
    auto work = [&]() -> asio::awaitable<void> {
        co_await writer.begin();
        CHECK(writer.quick == numbers_below(writer.sent));
        asio::co_spawn(writer.context, writer.listen(1, slow), asio::detached);
        CHECK(co_await writer.becomes([&] { return slow.size() == writer.total; }));
        CHECK(writer.quick == numbers_below(writer.total));
        CHECK(slow == numbers_below(writer.total));
    };
    writer.run(work());
}

TEST_CASE("FanOut: a writer that waits goes on when the one that was behind is removed") {
    HeldWriter writer;
    auto work = [&]() -> asio::awaitable<void> {
        co_await writer.begin();
        writer.fan_out.remove(writer.ids[1]);
        CHECK(co_await writer.becomes([&] { return writer.quick.size() == writer.total; }));
    };
    writer.run(work());
}

TEST_CASE("FanOut: with the policy to drop, who is behind is reset, and the others miss nothing") {
    Audience audience(3);
    FanOut fan_out = audience.bytes(
        {.buffer_size_max = 100'000, .laggards = LaggardPolicy::drop, .drop_code = 300});
    const Message text = pattern(1'000'000);
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        Message first;
        Message third;
        asio::co_spawn(audience.context, audience.read(0, first), asio::detached);
        asio::co_spawn(audience.context, audience.read(2, third), asio::detached);
        for (std::size_t at = 0; at < text.size(); at += 20'000) {
            co_await asio::async_write(fan_out, asio::buffer(text.data() + at, 20'000),
                                       asio::use_awaitable);
            CHECK(co_await audience.becomes(
                [&] { return first.size() == at + 20'000 && third.size() == at + 20'000; }));
        }
        CHECK(fan_out.receiver_count() == 2);
        CHECK_FALSE(fan_out.statistics(audience.ids[1]).has_value());
        Message second;
        CHECK(co_await audience.read(1, second) == Failure::stream_reset);
        CHECK(audience.byte_streams[1].reset_code() == 300);
        CHECK(first == text);
        CHECK(third == text);
        fan_out.finish();
        CHECK(co_await audience.becomes([&] { return fan_out.receiver_count() == 0; }));
    };
    audience.run(work());
}

TEST_CASE("FanOut: bytes go to all who are there, as one write after another, to their end") {
    Audience audience(2);
    FanOut fan_out = audience.bytes({.buffer_size_max = 50'000});
    const Message text = pattern(400'000);
    const Message more = pattern(3'000);
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        std::map<std::size_t, Message> got;
        std::map<std::size_t, std::error_code> ends;
        const auto listen = [&](std::size_t i) {
            asio::co_spawn(audience.context, audience.read(i, got[i]),
                           [&ends, i](std::exception_ptr, std::error_code end) { ends[i] = end; });
        };
        listen(0);
        listen(1);
        CHECK(co_await asio::async_write(fan_out, asio::buffer(text), asio::use_awaitable) ==
              text.size());
        // Who comes later reads what is written later.
        co_await audience.join(fan_out);
        listen(2);
        co_await asio::async_write(fan_out, asio::buffer(more), asio::use_awaitable);
        CHECK(fan_out.statistics(audience.ids[2])->bytes_sent == more.size());
        fan_out.finish();
        CHECK(co_await audience.becomes([&] { return ends.size() == 3; }));
        Message all = text;
        all.insert(all.end(), more.begin(), more.end());
        CHECK(got[0] == all);
        CHECK(got[1] == all);
        CHECK(got[2] == more);
        for (const auto& [i, end] : ends) CHECK(end == asio::error::eof);
        CHECK(co_await audience.becomes([&] { return fan_out.receiver_count() == 0; }));
        auto [error, size] = co_await fan_out.async_write_some(asio::buffer(more), as_tuple);
        CHECK(error == Failure::stream_finished);
    };
    audience.run(work());
}

TEST_CASE("FanOut: receivers leave when their stream fails, when removed, and after finish()") {
    Audience audience(4);
    MessageFanOut fan_out = audience.messages();
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        audience.sessions[0].close();
        audience.streams[1].stop(300);
        fan_out.remove(audience.ids[2]);
        CHECK(fan_out.receiver_count() == 3);
        CHECK(co_await audience.becomes([&] { return fan_out.receiver_count() == 1; }));
        CHECK_FALSE(fan_out.statistics(audience.ids[0]).has_value());
        fan_out.remove(audience.ids[0]);
        auto [error, message] = co_await audience.streams[2].async_receive(as_tuple);
        CHECK(error == Failure::stream_reset);
        std::multiset<int> got;
        int sent = 0;
        co_await send_numbered(fan_out, 3, sent);
        fan_out.finish();
        CHECK(co_await audience.listen(3, got) == asio::error::eof);
        CHECK(got == numbers_below(3));
        CHECK(co_await audience.becomes([&] { return fan_out.receiver_count() == 0; }));
    };
    audience.run(work());
}

TEST_CASE("FanOut: a message too large for all is refused; one too large for some, dropped") {
    Audience audience(1);
    MessageFanOut fan_out = audience.messages({.buffer_size_max = 100'000});
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        co_await audience.join(fan_out, StreamKind::datagrams);
        const Message huge(100'000);
        auto [error, count] = co_await fan_out.async_send(huge, as_tuple);
        CHECK(error == Failure::message_too_large);
        const Message large = pattern(30'000);
        CHECK(co_await fan_out.async_send(large, asio::use_awaitable) == 2);
        CHECK(co_await audience.next(0) == large);
        CHECK(fan_out.statistics(audience.ids[1])->messages_dropped == 1);
        CHECK(fan_out.statistics(audience.ids[0])->messages_dropped == 0);
        const Message small = pattern(100);
        co_await fan_out.async_send(small, asio::use_awaitable);
        CHECK(co_await audience.next(1) == small);
    };
    audience.run(work());
}

TEST_CASE("FanOut: a write that waits can be cancelled, and the next one goes on") {
    Audience audience(1);
    MessageFanOut fan_out = audience.messages({.buffer_size_max = 100'000});
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        int sent = 0;
        co_await (send_numbered(fan_out, 1'000, sent) || audience.pause(100));
        CHECK(sent < 100);
        const int taken = sent;
        std::multiset<int> got;
        asio::co_spawn(audience.context, audience.listen(0, got), asio::detached);
        const Message last = Audience::numbered(777);
        CHECK(co_await fan_out.async_send(last, asio::use_awaitable) == 1);
        CHECK(co_await audience.becomes([&] { return got.contains(777); }));
        CHECK(got.size() == static_cast<std::size_t>(taken) + 1);
    };
    audience.run(work());
}

TEST_CASE("FanOut: it can be destroyed while messages wait, and a write") {
    Audience audience(2);
    auto work = [&]() -> asio::awaitable<void> {
        std::optional<MessageFanOut> fan_out(audience.messages({.buffer_size_max = 100'000}));
        co_await audience.gather(*fan_out);
        std::optional<std::error_code> outcome;
        const Message message = Audience::numbered(1);
        for (int i = 0; i < 20 && (i == 0 || outcome); ++i) {
            outcome.reset();
            fan_out->async_send(message,
                                [&](std::error_code error, std::size_t) { outcome = error; });
            co_await audience.pause();
        }
        CHECK_FALSE(outcome.has_value());
        fan_out.reset();
        CHECK(co_await audience.becomes([&] { return outcome.has_value(); }));
        CHECK(outcome == asio::error::operation_aborted);
        std::multiset<int> got;
        CHECK(co_await audience.listen(0, got) == Failure::stream_reset);
    };
    audience.run(work());
}

TEST_CASE("FanOut: it serves streams of several nodes, which may go before it") {
    Audience audience(1);
    FanOut fan_out = audience.bytes({.buffer_size_max = 100'000});
    std::optional<FanOut> other(audience.bytes());
    std::optional<Node> third(std::in_place, audience.context, audience.seed, small_buffers());
    const Message text = pattern(10'000);
    const Message more = pattern(2'000'000);
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        // A stream of the peer, and two of a third node.
        auto opened = co_await audience.here.open_stream("news");
        REQUIRE(opened.has_value());
        fan_out.add(std::move(*opened));
        auto accepted = co_await audience.there.accept_stream();
        REQUIRE(accepted.has_value());
        auto session = co_await third->connect(audience.address);
        REQUIRE(session.has_value());
        for (FanOut* each : {&fan_out, &*other}) {
            auto of_third = co_await session->open_stream("news");
            REQUIRE(of_third.has_value());
            each->add(std::move(*of_third));
            co_await asio::async_write(*each, asio::buffer(text), asio::use_awaitable);
        }
        Message near(text.size());
        Message far(text.size());
        co_await asio::async_read(*accepted, asio::buffer(near), asio::use_awaitable);
        co_await asio::async_read(audience.byte_streams[0], asio::buffer(far), asio::use_awaitable);
        CHECK(near == text);
        CHECK(far == text);
        CHECK(fan_out.receiver_count() == 3);
        third.reset();
        CHECK(fan_out.receiver_count() == 2);
        CHECK(other->receiver_count() == 0);
        other.reset();
        // A write that waits for receivers ends when their nodes are closed.
        std::size_t taken = 0;
        asio::async_write(fan_out, asio::buffer(more),
                          [&](std::error_code error, std::size_t size) {
                              CHECK_FALSE(error);
                              taken = size;
                          });
        co_await audience.pause(50);
        CHECK(taken == 0);
        co_await audience.initiator.close();
        co_await audience.responder.close();
        CHECK(co_await audience.becomes([&] { return taken == more.size(); }));
        CHECK(fan_out.receiver_count() == 0);
        // Of a session that has ended: it leaves at once.
        fan_out.add(std::move(*accepted));
        CHECK(fan_out.receiver_count() == 0);
    };
    audience.run(work());
}

}  // namespace stt::node_test
