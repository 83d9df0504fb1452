// When the ends of operations run. include/stt/turn.hpp.
#include <algorithm>
#include <array>
#include <asio/bind_executor.hpp>
#include <asio/strand.hpp>
#include <limits>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/unit/node/loopback.hpp"

namespace stt::node_test {
namespace {

asio::awaitable<void> echo(Stream& stream) {
    std::array<char, 64> buffer;
    for (;;) {
        const auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), as_tuple);
        if (error) co_return;
        co_await asio::async_write(stream, asio::buffer(buffer, size), as_tuple);
    }
}

void write_byte(Stream& stream) {
    static constexpr char byte = '.';
    asio::async_write(stream, asio::buffer(&byte, 1), asio::detached);
}

asio::awaitable<void> pass_byte(Loopback& loopback) {
    char received = 0;
    write_byte(loopback.near);
    co_await asio::async_read(loopback.far, asio::buffer(&received, 1), asio::use_awaitable);
}

}  // namespace

TEST_CASE("an answer leaves in the turn of what it answers") {
    Loopback loopback;
    loopback.run(loopback.open());
    asio::co_spawn(loopback.context, echo(loopback.far), asio::detached);
    // In groups, of which the quickest counts: beside handlers of datagrams there are timers, more
    // on a machine that is busy.
    constexpr int exchange_count = 10;
    auto exchanges = [&](bool& is_over) -> asio::awaitable<void> {
        char byte = '.';
        for (int i = 0; i < exchange_count; ++i) {
            co_await asio::async_write(loopback.near, asio::buffer(&byte, 1), asio::use_awaitable);
            co_await asio::async_read(loopback.near, asio::buffer(&byte, 1), asio::use_awaitable);
        }
        is_over = true;
    };
    int fewest = std::numeric_limits<int>::max();
    for (int group = 0; group < 30; ++group) {
        bool is_over = false;
        asio::co_spawn(loopback.context, exchanges(is_over), asio::detached);
        int handler_count = 0;
        while (!is_over) handler_count += static_cast<int>(loopback.context.run_one());
        fewest = std::min(fewest, handler_count);
    }
    // Of each exchange two: each side is told of a datagram. Posted one by one it would be eight.
    CAPTURE(fewest);
    CHECK(fewest < 6 * exchange_count);
}

TEST_CASE("what is written without a pause leaves in full datagrams") {
    const Seed seed = random_seed();
    asio::io_context there(1);
    Node responder(there, seed);
    responder.handle("test", [](Session session, Stream stream) -> asio::awaitable<void> {
        std::vector<char> buffer(1 << 20);
        while (!std::get<0>(co_await stream.async_read_some(asio::buffer(buffer), as_tuple))) {
        }
        co_await session.wait_closed();
    });
    const auto address = responder.listen(Address::ipv4({127, 0, 0, 1}, 0));
    REQUIRE(address.has_value());
    // A thread of its own: it reads while the other writes.
    std::jthread thread([&] { there.run(); });

    // Some more than 45 datagrams: alone, each piece would end with one that is nearly empty.
    constexpr std::size_t piece_size = 64'600;
    constexpr std::size_t piece_count = 1'024;
    std::uint64_t datagrams = 0;
    std::uint64_t full = 0;
    auto write = [&](Node& node) -> asio::awaitable<void> {
        auto session = co_await node.connect(*address);
        REQUIRE(session.has_value());
        auto stream = co_await session->open_stream("test");
        REQUIRE(stream.has_value());
        const std::vector<char> piece(piece_size);
        SessionStatistics before;
        for (std::size_t i = 0; i < piece_count; ++i) {
            // By then the path's datagrams have their size.
            if (i == piece_count / 4) before = session->statistics();
            co_await asio::async_write(*stream, asio::buffer(piece), asio::use_awaitable);
        }
        const SessionStatistics after = session->statistics();
        datagrams = after.datagrams_sent - before.datagrams_sent;
        full = (after.bytes_sent - before.bytes_sent) / after.datagram_size;
        session->close();
    };
    asio::io_context here(1);
    Node initiator(here, seed);
    asio::co_spawn(here, write(initiator), [&](std::exception_ptr) { here.stop(); });
    here.run();
    there.stop();
    CHECK(full > piece_count);
    CHECK(datagrams <= full + piece_count / 8);
}

TEST_CASE("a node that was in full flow sleeps again when nothing comes") {
    Loopback loopback;
    loopback.run(loopback.open());
    const auto bytes = pattern(8'000'000);
    write_meanwhile(loopback.context, loopback.near, bytes);
    auto read_all = [&]() -> asio::awaitable<void> {
        std::vector<std::uint8_t> received(bytes.size());
        co_await asio::async_read(loopback.far, asio::buffer(received), asio::use_awaitable);
    };
    loopback.run(read_all());
    loopback.context.run_for(std::chrono::milliseconds(100));
    // What is left are timers; a node that asked again without end would run tens of thousands.
    CHECK(loopback.context.run_for(std::chrono::milliseconds(300)) < 300);
}

TEST_CASE("a node that polls busily never sleeps while it has a session, and then does") {
    NodeConfig config;
    config.polls_busily = true;
    Loopback loopback(config);
    const auto is_asleep = [&] {
        loopback.context.restart();
        for (int i = 0; i < 1'000; ++i) {
            if (loopback.context.poll_one() == 0) return true;
        }
        return false;
    };
    CHECK(is_asleep());
    loopback.run(loopback.open());
    CHECK_FALSE(is_asleep());
    loopback.run(pass_byte(loopback));
    loopback.here.close();
    loopback.context.restart();
    loopback.context.run_for(std::chrono::milliseconds(500));
    CHECK(is_asleep());
}

TEST_CASE("a node that polls busily keeps its deadlines, and those that are left when it sleeps") {
    NodeConfig config;
    config.polls_busily = true;
    config.handshake_timeout = std::chrono::milliseconds(400);
    Loopback loopback(config);
    loopback.run(loopback.open());
    // Nobody answers: the acknowledgement is late by its deadline. Spec protocol §10.2.
    auto write_alone = [&]() -> asio::awaitable<void> {
        const char byte = '.';
        co_await asio::async_write(loopback.near, asio::buffer(&byte, 1), asio::use_awaitable);
        co_await loopback.near.async_wait_acknowledged(asio::use_awaitable);
    };
    loopback.run(write_alone());
    // An attempt that nobody answers is given up, whether there is a session meanwhile or not.
    auto try_in_vain = [&]() -> asio::awaitable<void> {
        const auto none = Address::ipv4({127, 0, 0, 1}, 9);
        bool is_over = false;
        asio::co_spawn(
            loopback.context,
            [&]() -> asio::awaitable<void> {
                const auto session = co_await loopback.initiator.connect(none);
                CHECK_FALSE(session.has_value());
                is_over = true;
            },
            asio::detached);
        co_await pause(loopback.context, std::chrono::milliseconds(20));
        loopback.here.close();
        loopback.near = {};
        while (!is_over) co_await pause(loopback.context, std::chrono::milliseconds(20));
    };
    loopback.run(try_in_vain());
}

TEST_CASE("a handler may destroy the node that it is told by") {
    Loopback loopback;
    loopback.run(loopback.open());
    for (int i = 0; i < 3; ++i) {
        auto other = std::make_unique<Node>(loopback.context, loopback.seed);
        auto work = [&]() -> asio::awaitable<void> {
            auto session = co_await other->connect(loopback.address);
            REQUIRE(session.has_value());
            auto stream = co_await session->open_stream("test");
            REQUIRE(stream.has_value());
            if (i == 1) *stream = {};
            if (i == 2) *session = {};
            other.reset();
            co_await pause(loopback.context, std::chrono::milliseconds(5));
        };
        loopback.run(work());
        CHECK(other == nullptr);
    }
    // The other node of that io_context goes on.
    loopback.run(pass_byte(loopback));
}

TEST_CASE("what a handler throws leaves the io_context, and the node goes on") {
    Loopback loopback;
    loopback.run(loopback.open());
    char received = 0;
    loopback.far.async_read_some(asio::buffer(&received, 1), [](std::error_code, std::size_t) {
        throw std::runtime_error("thrown by the application");
    });
    write_byte(loopback.near);
    CHECK_THROWS_WITH_AS(
        [&] {
            while (true) loopback.context.run_one();
        }(),
        "thrown by the application", std::runtime_error);
    loopback.run(pass_byte(loopback));
}

TEST_CASE("a handler that belongs to a strand runs in it") {
    Loopback loopback;
    loopback.run(loopback.open());
    auto strand = asio::make_strand(loopback.context);
    bool has_run = false;
    char received = 0;
    loopback.far.async_read_some(
        asio::buffer(&received, 1),
        asio::bind_executor(strand, [&](std::error_code error, std::size_t) {
            CHECK_FALSE(error);
            CHECK(strand.running_in_this_thread());
            has_run = true;
        }));
    write_byte(loopback.near);
    while (!has_run) loopback.context.run_one();
}

TEST_CASE("what ends where no node is at work is told in the next turn, or without one") {
    class Told : public detail::Turn::Task {
    public:
        explicit Told(int& count) noexcept : count_(count) {}
        void run(std::unique_ptr<Task>) override { ++count_; }

    private:
        int& count_;
    };
    asio::io_context context(1);
    detail::Turn* const turn = detail::Turn::of(context.get_executor());
    REQUIRE(turn != nullptr);
    CHECK_FALSE(turn->is_here());
    int count = 0;
    const auto add = [&] {
        CHECK(turn->is_here());
        turn->add(std::unique_ptr<detail::Turn::Task>(new (turn) Told(count)));
        turn->add(std::unique_ptr<detail::Turn::Task>(new (turn) Told(count)));
        CHECK(count == 0);
    };
    SUBCASE("by a turn that was posted before it ended") {
        asio::post(context, add);
        asio::post(context, [&] {
            detail::Turn::Opening opening(context);
            CHECK(opening.has_tasks());
            opening.run_tasks();
            CHECK(count == 2);
        });
    }
    SUBCASE("by none") {
        asio::post(context, add);
    }
    context.run();
    CHECK(count == 2);
}

TEST_CASE("nothing more of a turn runs once the io_context is stopped") {
    Loopback loopback;
    loopback.run(loopback.open());
    int ended = 0;
    const auto end = [&](std::error_code, std::size_t) {
        ++ended;
        loopback.context.stop();
    };
    Stream other;
    auto open_other = [&]() -> asio::awaitable<void> {
        auto opened = co_await loopback.here.open_stream("test");
        REQUIRE(opened.has_value());
        other = std::move(*opened);
    };
    loopback.run(open_other());
    char received = 0;
    char also_received = 0;
    loopback.near.async_read_some(asio::buffer(&received, 1), end);
    other.async_read_some(asio::buffer(&also_received, 1), end);
    loopback.here.close();
    while (!loopback.context.stopped()) loopback.context.run_one();
    CHECK(ended == 1);
    loopback.context.restart();
    while (ended == 1) loopback.context.run_one();
    CHECK(ended == 2);
}

}  // namespace stt::node_test
