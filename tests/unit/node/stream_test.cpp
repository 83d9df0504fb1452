#include <asio/experimental/awaitable_operators.hpp>

#include "tests/unit/node/loopback.hpp"

namespace stt::node_test {
namespace {

asio::awaitable<void> write_all(Stream& stream, const std::vector<std::uint8_t>& bytes) {
    auto [error, size] = co_await asio::async_write(stream, asio::buffer(bytes), as_tuple);
    REQUIRE_FALSE(error);
    REQUIRE(size == bytes.size());
    stream.finish();
}

asio::awaitable<void> read_all(Stream& stream, std::vector<std::uint8_t>& bytes) {
    std::array<std::uint8_t, 65'536> piece;
    while (true) {
        auto [error, size] = co_await stream.async_read_some(asio::buffer(piece), as_tuple);
        bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<long>(size));
        if (error == asio::error::eof) co_return;
        REQUIRE_FALSE(error);
    }
}

}  // namespace

TEST_CASE("a stream carries 20 MB in both directions at once, and each ends by itself") {
    Loopback loopback;
    const auto sent = pattern(20'000'000);
    std::vector<std::uint8_t> received_near, received_far;
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await loopback.open();
        co_await (write_all(loopback.near, sent) && write_all(loopback.far, sent) &&
                  read_all(loopback.near, received_near) && read_all(loopback.far, received_far));
        co_await loopback.near.async_wait_acknowledged(asio::use_awaitable);
        co_await loopback.far.async_wait_acknowledged(asio::use_awaitable);
    };
    loopback.run(work());
    CHECK(received_near == sent);
    CHECK(received_far == sent);
}

TEST_CASE("half-close: the other direction goes on after finish()") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.open();
        loopback.near.finish();
        std::array<char, 8> text{};
        auto [error, size] = co_await loopback.far.async_read_some(asio::buffer(text), as_tuple);
        CHECK(error == asio::error::eof);
        CHECK(size == 0);
        co_await asio::async_write(loopback.far, asio::buffer("answer", 6), asio::use_awaitable);
        co_await asio::async_read(loopback.near, asio::buffer(text.data(), 6), asio::use_awaitable);
        CHECK(std::string_view(text.data(), 6) == "answer");
        auto [write_error, written] =
            co_await loopback.near.async_write_some(asio::buffer("more", 4), as_tuple);
        CHECK(write_error == Failure::stream_finished);
    };
    loopback.run(work());
}

TEST_CASE("reset() reaches the reader with its code") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.open();
        loopback.near.reset(300);
        char byte = 0;
        auto [error, size] =
            co_await loopback.far.async_read_some(asio::buffer(&byte, 1), as_tuple);
        CHECK(error == Failure::stream_reset);
        CHECK(loopback.far.reset_code() == 300);
    };
    loopback.run(work());
}

TEST_CASE("stop() reaches a writer that waits for room, with its code") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.open();
        loopback.far.stop(301);
        // More than all buffers hold: the write cannot end before the stop arrives.
        const auto bytes = pattern(30'000'000);
        auto [error, size] =
            co_await asio::async_write(loopback.near, asio::buffer(bytes), as_tuple);
        CHECK(error == Failure::stream_stopped);
        CHECK(loopback.near.reset_code() == 301);
    };
    loopback.run(work());
}

TEST_CASE("a reader that does not read holds the writer back") {
    NodeConfig config;
    config.stream_window_max = 1u << 20;
    config.send_buffer_max = 1u << 20;
    Loopback loopback(config);
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await loopback.open();
        const auto bytes = pattern(8'000'000);
        asio::steady_timer timer(loopback.context, std::chrono::milliseconds(300));
        auto outcome = co_await (asio::async_write(loopback.near, asio::buffer(bytes), as_tuple) ||
                                 timer.async_wait(asio::use_awaitable));
        CHECK_MESSAGE(outcome.index() == 1, "the write ended although nobody read");
    };
    loopback.run(work());
}

TEST_CASE("what was acknowledged can be read after the peer closed the session") {
    Loopback loopback;
    // Within the initial credit: nobody reads before the session is closed.
    const auto sent = pattern(50'000);
    std::vector<std::uint8_t> received;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.open();
        co_await write_all(loopback.near, sent);
        co_await loopback.near.async_wait_acknowledged(asio::use_awaitable);
        loopback.here.close(256, "done");
        const std::error_code reason = co_await loopback.there.wait_closed();
        CHECK(reason == Failure::session_closed_by_peer);
        CHECK(loopback.there.close_reason().code == 256);
        CHECK(loopback.there.close_reason().text == "done");
        co_await read_all(loopback.far, received);
    };
    loopback.run(work());
    CHECK(received == sent);
}

TEST_CASE("a stream that nobody accepted can be accepted and read after the session ended") {
    Loopback loopback;
    std::vector<std::uint8_t> received;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.connect();
        auto opened = co_await loopback.here.open_stream("late");
        const std::vector<std::uint8_t> sent = pattern(1'000);
        co_await write_all(*opened, sent);
        co_await opened->async_wait_acknowledged(asio::use_awaitable);
        loopback.here.close();
        co_await loopback.there.wait_closed();
        auto accepted = co_await loopback.there.accept_stream();
        REQUIRE(accepted.has_value());
        CHECK(accepted->endpoint() == "late");
        co_await read_all(*accepted, received);
        auto none = co_await loopback.there.accept_stream();
        CHECK(none.error() == Failure::session_closed_by_peer);
    };
    loopback.run(work());
    CHECK(received == pattern(1'000));
}

TEST_CASE("reading and writing can be cancelled, and go on afterwards") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await loopback.open();
        char byte = 0;
        asio::steady_timer timer(loopback.context, std::chrono::milliseconds(20));
        auto outcome = co_await (loopback.far.async_read_some(asio::buffer(&byte, 1), as_tuple) ||
                                 timer.async_wait(asio::use_awaitable));
        CHECK(outcome.index() == 1);
        co_await asio::async_write(loopback.near, asio::buffer("x", 1), asio::use_awaitable);
        co_await asio::async_read(loopback.far, asio::buffer(&byte, 1), asio::use_awaitable);
        CHECK(byte == 'x');
    };
    loopback.run(work());
}

TEST_CASE("a stream that is destroyed unfinished is reset and stopped") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.open();
        loopback.near = Stream();
        char byte = 0;
        auto [error, size] =
            co_await loopback.far.async_read_some(asio::buffer(&byte, 1), as_tuple);
        CHECK(error == Failure::stream_reset);
        const auto bytes = pattern(30'000'000);
        auto [write_error, written] =
            co_await asio::async_write(loopback.far, asio::buffer(bytes), as_tuple);
        CHECK(write_error == Failure::stream_stopped);
    };
    loopback.run(work());
}

TEST_CASE("what was finished is delivered although the stream is destroyed") {
    Loopback loopback;
    const auto sent = pattern(500'000);
    std::vector<std::uint8_t> received;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.open();
        co_await write_all(loopback.near, sent);
        loopback.near = Stream();
        co_await read_all(loopback.far, received);
    };
    loopback.run(work());
    CHECK(received == sent);
}

TEST_CASE("waiting for acknowledgement fails when the peer wanted no more") {
    Loopback loopback;
    auto work = [&]() -> asio::awaitable<void> {
        co_await loopback.open();
        const auto bytes = pattern(40'000);
        co_await asio::async_write(loopback.near, asio::buffer(bytes), asio::use_awaitable);
        loopback.far = Stream();
        char byte = 0;
        co_await loopback.near.async_read_some(asio::buffer(&byte, 1), as_tuple);
        loopback.near.finish();
        auto [error, size] = co_await loopback.near.async_wait_acknowledged(as_tuple);
        CHECK(error == Failure::stream_stopped);
    };
    loopback.run(work());
}

}  // namespace stt::node_test
