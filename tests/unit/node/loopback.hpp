// Two nodes of one seed in one loop, for tests of the public interface.
#pragma once

#include <doctest/doctest.h>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <exception>
#include <stt/node.hpp>
#include <vector>

namespace stt::node_test {

inline constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);

// Not written where they are used: g++ 12 takes no initialiser list into a coroutine's frame.
inline Destination at_udp(const Address& address) {
    Destination destination;
    destination.udp.push_back(address);
    return destination;
}
inline Destination at_websocket(const Address& address, std::string host = {},
                                bool is_secure = false) {
    Destination destination;
    destination.websocket.push_back({address, std::move(host), is_secure});
    return destination;
}

inline asio::awaitable<void> pause(asio::io_context& context, Duration time) {
    asio::steady_timer timer(context, time);
    co_await timer.async_wait(asio::use_awaitable);
}

// Writes all of `bytes` and finishes, while the caller goes on. Both outlive that.
inline void write_meanwhile(asio::io_context& context, Stream& stream,
                            const std::vector<std::uint8_t>& bytes) {
    asio::co_spawn(
        context,
        [](Stream& to, const std::vector<std::uint8_t>& all) -> asio::awaitable<void> {
            co_await asio::async_write(to, asio::buffer(all), as_tuple);
            to.finish();
        }(stream, bytes),
        asio::detached);
}

struct Loopback {
    explicit Loopback(NodeConfig config = {}, Address listen_on = Address::ipv4({127, 0, 0, 1}, 0))
        : responder(context, seed, config), initiator(context, seed, config) {
        const auto bound = responder.listen(listen_on);
        REQUIRE(bound.has_value());
        address = *bound;
    }

    // Runs a coroutine to its end. A minute is for one that hangs, under sanitizers too.
    void run(asio::awaitable<void> work) {
        bool is_done = false;
        std::exception_ptr thrown;
        asio::co_spawn(context, std::move(work), [&](std::exception_ptr exception) {
            thrown = exception;
            is_done = true;
        });
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!is_done && std::chrono::steady_clock::now() < deadline) {
            context.run_one_for(std::chrono::milliseconds(100));
        }
        if (thrown) std::rethrow_exception(thrown);
        REQUIRE_MESSAGE(is_done, "the coroutine did not end within a minute");
    }

    // A session, seen from both sides; by whatever `destination` gives.
    asio::awaitable<void> connect() { return meet(at_udp(address)); }
    asio::awaitable<void> meet(Destination destination) {
        auto connected = co_await initiator.connect(std::move(destination));
        REQUIRE(connected.has_value());
        auto accepted = co_await responder.accept();
        REQUIRE(accepted.has_value());
        here = *connected;
        there = *accepted;
    }

    // A stream that the initiator opened, with a byte in it so that the peer knows it.
    asio::awaitable<void> open() {
        co_await connect();
        auto opened = co_await here.open_stream("test");
        REQUIRE(opened.has_value());
        near = std::move(*opened);
        const char byte = '!';
        co_await asio::async_write(near, asio::buffer(&byte, 1), asio::use_awaitable);
        auto accepted = co_await there.accept_stream();
        REQUIRE(accepted.has_value());
        far = std::move(*accepted);
        char received = 0;
        co_await asio::async_read(far, asio::buffer(&received, 1), asio::use_awaitable);
        REQUIRE(received == '!');
    }

    asio::io_context context{1};
    Seed seed = random_seed();
    Node responder;
    Node initiator;
    Address address;
    Session here;
    Session there;
    Stream near;
    Stream far;
};

// Bytes that depend on their position, so that a gap or a repeat shows.
inline std::vector<std::uint8_t> pattern(std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::uint8_t>(i * 31 + (i >> 8) * 17 + (i >> 16) * 5);
    }
    return bytes;
}

}  // namespace stt::node_test
