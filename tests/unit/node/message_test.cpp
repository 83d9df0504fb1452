#include <asio/experimental/awaitable_operators.hpp>
#include <set>

#include "tests/unit/node/loopback.hpp"

namespace stt::node_test {
namespace {

using Message = std::vector<std::uint8_t>;

// A pair of ends of one stream of messages, over a session of their own.
struct Messages : Loopback {
    using Loopback::Loopback;

    asio::awaitable<void> open(StreamKind kind, MessageOptions options = {}) {
        co_await connect();
        auto opened = co_await here.open_messages("test", kind, options);
        REQUIRE(opened.has_value());
        sender = std::move(*opened);
        auto accepted = co_await there.accept_messages();
        REQUIRE(accepted.has_value());
        receiver = std::move(*accepted);
        CHECK(receiver.kind() == kind);
        CHECK(receiver.endpoint() == "test");
    }

    MessageStream sender;
    MessageStream receiver;
};

// All messages until the end.
asio::awaitable<void> receive_all(MessageStream& stream, std::vector<Message>& messages) {
    while (true) {
        auto [error, message] = co_await stream.async_receive(as_tuple);
        if (error == asio::error::eof) co_return;
        REQUIRE_FALSE(error);
        messages.push_back(std::move(message));
    }
}

asio::awaitable<void> send_all(MessageStream& stream, const std::vector<Message>& messages) {
    for (const Message& message : messages) {
        auto [error, size] = co_await stream.async_send(message, as_tuple);
        REQUIRE_FALSE(error);
        REQUIRE(size == message.size());
    }
    stream.finish();
}

std::multiset<Message> as_set(const std::vector<Message>& messages) {
    return {messages.begin(), messages.end()};
}

}  // namespace

TEST_CASE("protocol §7.2: MESSAGES carries whole messages of every size in both directions") {
    Messages messages;
    std::vector<Message> sent;
    for (const std::size_t size : {0u, 1u, 100u, 1'200u, 60'000u, 300'000u, 1'048'573u}) {
        sent.push_back(pattern(size));
    }
    std::vector<Message> received, answered;
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await messages.open(StreamKind::messages);
        co_await (send_all(messages.sender, sent) && send_all(messages.receiver, sent) &&
                  receive_all(messages.receiver, received) &&
                  receive_all(messages.sender, answered));
        co_await messages.sender.async_wait_acknowledged(asio::use_awaitable);
    };
    messages.run(work());
    CHECK(as_set(received) == as_set(sent));
    CHECK(as_set(answered) == as_set(sent));
    const StreamStatistics statistics = messages.sender.statistics();
    CHECK(statistics.messages_written == sent.size());
    CHECK(statistics.messages_acknowledged == sent.size());
    CHECK(statistics.messages_read == sent.size());
}

TEST_CASE("protocol §9.3: a message over 1,048,573 bytes is an error") {
    Messages messages;
    auto work = [&]() -> asio::awaitable<void> {
        co_await messages.open(StreamKind::messages);
        const Message message = pattern(1'048'574);
        auto [error, size] = co_await messages.sender.async_send(message, as_tuple);
        CHECK(error == Failure::message_too_large);
    };
    messages.run(work());
}

TEST_CASE("a receiver that does not receive holds the sender of messages back") {
    Messages messages;
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await messages.open(StreamKind::messages);
        const Message message = pattern(500'000);
        asio::steady_timer timer(messages.context);
        bool is_held_back = false;
        for (int i = 0; i < 200 && !is_held_back; ++i) {
            timer.expires_after(std::chrono::milliseconds(200));
            auto outcome = co_await (messages.sender.async_send(message, as_tuple) ||
                                     timer.async_wait(asio::use_awaitable));
            is_held_back = outcome.index() == 1;
        }
        CHECK_MESSAGE(is_held_back, "the messages went although nobody received");
        CHECK(messages.there.statistics().bytes_received < 70'000'000);
    };
    messages.run(work());
}

TEST_CASE(
    "protocol §7.2: DATAGRAMS carries messages that fit in a frame, and refuses larger ones") {
    Messages messages;
    auto work = [&]() -> asio::awaitable<void> {
        co_await messages.open(StreamKind::datagrams);
        for (int i = 0; i < 100; ++i) {
            const Message message = pattern(static_cast<std::size_t>(i) * 10);
            auto [error, size] = co_await messages.sender.async_send(message, as_tuple);
            CHECK_FALSE(error);
            auto [receive_error, received] = co_await messages.receiver.async_receive(as_tuple);
            CHECK_FALSE(receive_error);
            CHECK(received == message);
        }
        const Message large = pattern(20'000);
        auto [error, size] = co_await messages.sender.async_send(large, as_tuple);
        CHECK(error == Failure::message_too_large);
        messages.sender.finish();
        auto [end, none] = co_await messages.receiver.async_receive(as_tuple);
        CHECK(end == asio::error::eof);
    };
    messages.run(work());
}

TEST_CASE("protocol §7.2: EXPIRING delivers messages in time") {
    Messages messages;
    std::vector<Message> sent, received;
    for (std::size_t i = 0; i < 50; ++i) sent.push_back(pattern(i * 500));
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await messages.open(StreamKind::expiring, {.deadline = std::chrono::seconds(30)});
        co_await (send_all(messages.sender, sent) && receive_all(messages.receiver, received));
    };
    messages.run(work());
    CHECK(as_set(received) == as_set(sent));
}

TEST_CASE("a message whose deadline passes while it waits for room is not sent") {
    NodeConfig config;
    config.send_buffer_max = 1u << 20;
    Messages messages(config);
    std::vector<Message> received;
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await messages.open(StreamKind::expiring, {.deadline = std::chrono::milliseconds(50)});
        // Nobody receives: soon there is no credit, and no room.
        int expired = 0;
        for (int i = 0; i < 20 && expired == 0; ++i) {
            auto [error, size] = co_await messages.sender.async_send(pattern(900'000), as_tuple);
            expired += error == Failure::message_expired ? 1 : 0;
        }
        CHECK(messages.sender.statistics().messages_expired + static_cast<unsigned>(expired) > 0);
        // What expires makes room: the stream is of use again.
        messages.sender.finish();
        co_await (receive_all(messages.receiver, received) &&
                  messages.sender.async_wait_acknowledged(asio::use_awaitable));
    };
    messages.run(work());
    CHECK(received.size() < 20);
}

TEST_CASE("options that a kind of stream cannot have are errors") {
    Messages messages;
    auto work = [&]() -> asio::awaitable<void> {
        co_await messages.connect();
        Session& here = messages.here;
        auto of_bytes = co_await here.open_messages("x", StreamKind::bytes);
        CHECK(of_bytes.error() == Failure::stream_options);
        MessageOptions options;
        options.priority = 8;
        auto high = co_await here.open_messages("x", StreamKind::messages, options);
        CHECK(high.error() == Failure::stream_options);
        auto no_deadline = co_await here.open_messages("x", StreamKind::expiring);
        CHECK(no_deadline.error() == Failure::stream_options);
        StreamOptions priority;
        priority.priority = 8;
        CHECK((co_await here.open_stream("x", priority)).error() == Failure::stream_options);
    };
    messages.run(work());
}

TEST_CASE("streams of bytes and of messages are accepted each by its own call") {
    Messages messages;
    auto work = [&]() -> asio::awaitable<void> {
        co_await messages.connect();
        auto first = co_await messages.here.open_messages("messages", StreamKind::messages);
        auto second = co_await messages.here.open_stream("bytes");
        auto bytes = co_await messages.there.accept_stream();
        REQUIRE(bytes.has_value());
        CHECK(bytes->endpoint() == "bytes");
        auto of_messages = co_await messages.there.accept_messages();
        REQUIRE(of_messages.has_value());
        CHECK(of_messages->endpoint() == "messages");
    };
    messages.run(work());
}

TEST_CASE("a handler serves its kind alone; a stream of the other is refused with 7") {
    Messages messages;
    messages.responder.handle_messages(
        "count", [](Session, MessageStream stream) -> asio::awaitable<void> {
            while (true) {
                auto [error, message] = co_await stream.async_receive(as_tuple);
                if (error) break;
                const std::string size = std::to_string(message.size());
                co_await stream.async_send(bytes_of(size), asio::use_awaitable);
            }
            stream.finish();
            co_await stream.async_wait_acknowledged(as_tuple);
        });
    auto work = [&]() -> asio::awaitable<void> {
        co_await messages.connect();
        auto stream = co_await messages.here.open_messages("count", StreamKind::messages);
        const Message sent = pattern(70'000);
        co_await stream->async_send(sent, asio::use_awaitable);
        auto [error, answer] = co_await stream->async_receive(as_tuple);
        CHECK(text_of(answer) == "70000");
        auto wrong = co_await messages.here.open_stream("count");
        char byte = 0;
        auto [reset, size] = co_await wrong->async_read_some(asio::buffer(&byte, 1), as_tuple);
        CHECK(reset == Failure::stream_reset);
        CHECK(wrong->reset_code() == 7);
    };
    messages.run(work());
}

TEST_CASE("messages that came can be received after the peer closed the session") {
    Messages messages;
    std::vector<Message> received;
    auto work = [&]() -> asio::awaitable<void> {
        co_await messages.open(StreamKind::messages);
        const std::vector<Message> sent(3, pattern(1'000));
        co_await send_all(messages.sender, sent);
        co_await messages.sender.async_wait_acknowledged(asio::use_awaitable);
        messages.here.close();
        co_await messages.there.wait_closed();
        co_await receive_all(messages.receiver, received);
    };
    messages.run(work());
    CHECK(received.size() == 3);
}

TEST_CASE("protocol §8.1, PRIORITY: the first goes before the rest") {
    Messages messages;
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await messages.connect();
        StreamOptions last, first;
        last.priority = 7;
        first.priority = 0;
        auto bulk = co_await messages.here.open_stream("bulk", last);
        auto quick = co_await messages.here.open_stream("quick", first);
        const auto bytes = pattern(3'000'000);
        co_await asio::async_write(*bulk, asio::buffer(bytes.data(), 2'000'000),
                                   asio::use_awaitable);
        co_await asio::async_write(*quick, asio::buffer(bytes.data(), 50'000), asio::use_awaitable);
        co_await quick->async_wait_acknowledged(asio::use_awaitable);
        // Nobody reads: what of the bulk arrived is what its own credit allows.
        CHECK(bulk->statistics().bytes_written == 2'000'000);
        CHECK(quick->statistics().bytes_acknowledged == 50'000);
        quick->set_priority(7);
        bulk->set_priority(0);
    };
    messages.run(work());
}

}  // namespace stt::node_test
