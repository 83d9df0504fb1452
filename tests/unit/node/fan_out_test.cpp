#include <set>
#include <stt/fan_out.hpp>

#include "tests/unit/node/loopback.hpp"

namespace stt::node_test {
namespace {

using Message = std::vector<std::uint8_t>;

// Several nodes that are connected to one, which has a stream of messages to each.
struct Audience : Loopback {
    explicit Audience(std::size_t count_given) : count(count_given) {}

    asio::awaitable<void> gather(FanOut& fan_out) {
        for (std::size_t i = 0; i < count; ++i) {
            co_await connect();
            auto opened = co_await there.open_messages("news", StreamKind::messages);
            REQUIRE(opened.has_value());
            ids.push_back(fan_out.add(std::move(*opened)));
            auto accepted = co_await here.accept_messages();
            REQUIRE(accepted.has_value());
            streams.push_back(std::move(*accepted));
            sessions.push_back(here);
        }
    }
    asio::awaitable<Message> next(std::size_t receiver) {
        auto [error, message] = co_await streams[receiver].async_receive(as_tuple);
        CHECK_FALSE(error);
        co_return message;
    }
    asio::awaitable<void> pause() {
        asio::steady_timer timer(context, std::chrono::milliseconds(5));
        co_await timer.async_wait(asio::use_awaitable);
    }

    std::size_t count;
    std::vector<ReceiverId> ids;
    std::vector<MessageStream> streams;
    std::vector<Session> sessions;
};

}  // namespace

TEST_CASE("FanOut: a message goes to all, or to those that are chosen") {
    Audience audience(5);
    FanOut fan_out;
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        CHECK(fan_out.send(pattern(1'000)) == 5);
        const std::vector<ReceiverId> chosen{audience.ids[1], audience.ids[4]};
        CHECK(fan_out.send(pattern(2'000), chosen) == 2);
        CHECK(fan_out.send(pattern(70'000)) == 5);
        for (std::size_t i = 0; i < 5; ++i) {
            std::multiset<std::size_t> sizes;
            const std::size_t expected = i == 1 || i == 4 ? 3 : 2;
            for (std::size_t k = 0; k < expected; ++k) {
                sizes.insert((co_await audience.next(i)).size());
            }
            CHECK(sizes.count(1'000) == 1);
            CHECK(sizes.count(2'000) == expected - 2);
            CHECK(sizes.count(70'000) == 1);
        }
    };
    audience.run(work());
}

TEST_CASE("FanOut: who does not receive misses the oldest, and holds nobody back") {
    Audience audience(3);
    FanOutOptions options;
    options.waiting_count_max = 4;
    FanOut fan_out(options);
    constexpr int count = 300;
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        for (int i = 0; i < count; ++i) {
            Message message(50'000, static_cast<std::uint8_t>(i));
            message[1] = static_cast<std::uint8_t>(i / 256);
            fan_out.send(std::move(message));
            for (const std::size_t quick : {0u, 2u}) {
                CHECK((co_await audience.next(quick))[0] == static_cast<std::uint8_t>(i));
            }
        }
        const auto slow = fan_out.statistics(audience.ids[1]);
        REQUIRE(slow.has_value());
        CHECK(slow->waiting == 4);
        CHECK(slow->messages_dropped > 100);
        CHECK(fan_out.statistics(audience.ids[0])->messages_sent == count);
        // It gets what waits, when it receives.
        fan_out.finish();
        bool has_last = false;
        while (true) {
            auto [error, message] = co_await audience.streams[1].async_receive(as_tuple);
            if (error) break;
            has_last = has_last || (message[0] == (count - 1) % 256 && message[1] == 1);
        }
        CHECK(has_last);
    };
    audience.run(work());
}

TEST_CASE("FanOut: receivers leave when their stream fails, when removed, and after finish()") {
    Audience audience(4);
    FanOut fan_out;
    auto work = [&]() -> asio::awaitable<void> {
        co_await audience.gather(fan_out);
        audience.sessions[0].close();
        audience.streams[1].stop(300);
        fan_out.remove(audience.ids[2]);
        CHECK(fan_out.receiver_count() == 3);
        for (int i = 0; i < 200 && fan_out.receiver_count() > 1; ++i) {
            fan_out.send(pattern(10));
            co_await audience.pause();
        }
        CHECK(fan_out.receiver_count() == 1);
        CHECK_FALSE(fan_out.statistics(audience.ids[0]).has_value());
        auto [error, message] = co_await audience.streams[2].async_receive(as_tuple);
        CHECK(error == Failure::stream_reset);
        fan_out.finish();
        while (true) {
            auto [end, received] = co_await audience.streams[3].async_receive(as_tuple);
            if (end == asio::error::eof) break;
            REQUIRE_FALSE(end);
        }
        for (int i = 0; i < 200 && fan_out.receiver_count() > 0; ++i) co_await audience.pause();
        CHECK(fan_out.receiver_count() == 0);
    };
    audience.run(work());
}

TEST_CASE("FanOut: it can be destroyed while messages wait") {
    Audience audience(2);
    auto work = [&]() -> asio::awaitable<void> {
        {
            FanOut fan_out;
            co_await audience.gather(fan_out);
            for (int i = 0; i < 100; ++i) fan_out.send(pattern(500'000));
            co_await audience.pause();
        }
        while (true) {
            auto [error, message] = co_await audience.streams[0].async_receive(as_tuple);
            if (error) {
                CHECK(error == Failure::stream_reset);
                break;
            }
        }
    };
    audience.run(work());
}

}  // namespace stt::node_test
