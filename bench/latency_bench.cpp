// Requests and answers in one session between two processes on loopback, one at a time.
//
//   latency_bench [--size BYTES] [--count N] [--seconds S] [--wait epoll|spin] [--beside idle|bulk]
//
// With --beside bulk another stream of the session is never out of bytes to send meanwhile; the
// requests' stream goes before it by its priority.
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <stt/node.hpp>
#include <vector>

#include "bench/harness/arguments.hpp"
#include "bench/harness/bulk_meter.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/round_trips.hpp"
#include "bench/harness/two_ends.hpp"

namespace {

using namespace stt::bench;
constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);

struct Task {
    std::size_t message_size;
    Waiting waiting;
    bool has_bulk;
};

stt::Seed bench_seed() {
    const std::array<std::uint8_t, 32> bytes{7};
    return stt::Seed(bytes);
}

stt::NodeConfig config_of(const Task& task) {
    stt::NodeConfig config;
    config.polls_busily = task.waiting == Waiting::spinning;
    return config;
}

asio::awaitable<void> echo(stt::Stream stream, std::size_t message_size) {
    std::vector<std::uint8_t> message(message_size);
    for (;;) {
        const auto [error, size] =
            co_await asio::async_read(stream, asio::buffer(message), as_tuple);
        if (error) co_return;
        const auto [failure, written] =
            co_await asio::async_write(stream, asio::buffer(message), as_tuple);
        if (failure) co_return;
    }
}

asio::awaitable<void> drain(stt::Stream stream, Meeting& meeting) {
    std::vector<std::uint8_t> buffer(bulk_piece_size);
    for (;;) {
        const auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), as_tuple);
        if (error) co_return;
        meeting.count_received(size);
    }
}

void serve(Meeting& meeting, const Task& task, const Place& place) {
    asio::io_context context(1);
    stt::Node node(context, bench_seed(), config_of(task));
    node.handle("echo", [&](stt::Session session, stt::Stream stream) -> asio::awaitable<void> {
        co_await echo(std::move(stream), task.message_size);
        co_await session.wait_closed();
        context.stop();
    });
    node.handle("bulk", [&](stt::Session, stt::Stream stream) {
        return drain(std::move(stream), meeting);
    });
    const auto bound = node.listen(*stt::Address::parse(place.address + ":0"));
    if (!bound) give_up("cannot listen");
    meeting.listen_at(bound->port());
    context.run();
}

asio::awaitable<void> send_without_end(stt::Session session, bool& is_over) {
    auto stream = co_await session.open_stream("bulk");
    if (!stream) co_return;
    const std::vector<std::uint8_t> piece(bulk_piece_size, 0x5a);
    while (!is_over) {
        const auto [error, size] =
            co_await asio::async_write(*stream, asio::buffer(piece), as_tuple);
        if (error) co_return;
    }
}

asio::awaitable<void> ask(stt::Node& node, const stt::Address& server, const Task& task,
                          RoundTrips& round_trips, bool& is_over) {
    auto session = co_await node.connect(server);
    if (!session) give_up(session.error().message());
    auto stream = co_await session->open_stream("echo", {.priority = 0});
    if (!stream) give_up(stream.error().message());
    if (task.has_bulk) {
        asio::co_spawn(co_await asio::this_coro::executor, send_without_end(*session, is_over),
                       asio::detached);
    }
    std::vector<std::uint8_t> message(task.message_size, 0x5a);
    while (!round_trips.is_over()) {
        round_trips.ask();
        const auto [error, written] =
            co_await asio::async_write(*stream, asio::buffer(message), as_tuple);
        if (error) give_up(error.message());
        const auto [failure, size] =
            co_await asio::async_read(*stream, asio::buffer(message), as_tuple);
        if (failure) give_up(failure.message());
        round_trips.answered();
    }
    is_over = true;
    session->close();
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, Ends::two,
                              {"size", "count", "seconds", "wait", "beside"});
    const Task task{arguments.number("size", 64), waiting_of(arguments),
                    arguments.choice("beside", {"idle", "bulk"}) == "bulk"};
    const Place place = Place::of(arguments);
    TwoEnds ends(place, [&](Meeting& meeting) { serve(meeting, task, place); });
    RoundTrips round_trips(arguments);
    bool is_over = false;
    asio::io_context context(1);
    stt::Node node(context, bench_seed(), config_of(task));
    const auto server =
        stt::Address::parse(place.address + ":" + std::to_string(ends.meeting().port()));
    asio::co_spawn(
        context, ask(node, *server, task, round_trips, is_over), [&](std::exception_ptr) {
            asio::co_spawn(context, node.close(), [&](std::exception_ptr) { context.stop(); });
        });
    const auto begin = Clock::now();
    context.run();
    JsonLine line;
    round_trips.report(line);
    if (task.has_bulk) report_bulk(line, ends.meeting(), begin);
    line.print();
}
