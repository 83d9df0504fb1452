// One stream of one session between two processes: rate, processor time of both for each GB, and
// how often they ask for memory.
//
//   bulk_bench [--transport udp|websocket] [--congestion bbr|cubic|new_reno|background]
//              [--mb MB | --seconds S]
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <optional>
#include <stt/node.hpp>
#include <vector>

#include "bench/counted_memory.hpp"
#include "bench/harness/arguments.hpp"
#include "bench/harness/bulk_meter.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/two_ends.hpp"

namespace {

using namespace stt::bench;
constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::size_t allocations_note = 0;  // of Meeting::notes: how many the server made so far

stt::Seed bench_seed() {
    const std::array<std::uint8_t, 32> bytes{7};
    return stt::Seed(bytes);
}

stt::NodeConfig config_of(const Arguments& arguments) {
    const std::string name =
        arguments.choice("congestion", {"bbr", "cubic", "new_reno", "background"});
    stt::NodeConfig config;
    if (name == "cubic") config.congestion = stt::CongestionAlgorithm::cubic;
    if (name == "new_reno") config.congestion = stt::CongestionAlgorithm::new_reno;
    if (name == "background") config.congestion = stt::CongestionAlgorithm::background;
    return config;
}

struct Setting {
    Place place;
    bool is_websocket;
    stt::NodeConfig config;
};

asio::awaitable<void> drain(stt::Session session, stt::Stream stream, Meeting& meeting) {
    std::vector<std::uint8_t> buffer(bulk_piece_size);
    for (;;) {
        auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), as_tuple);
        if (error) break;
        meeting.count_received(size);
        meeting.notes[allocations_note].store(allocations_of(0), std::memory_order_relaxed);
    }
    co_await session.wait_closed();
}

// The receiving process: ends with its first session.
void serve(Meeting& meeting, const Setting& setting) {
    asio::io_context context(1);
    stt::Node node(context, bench_seed(), setting.config);
    node.handle("bulk", [&](stt::Session session, stt::Stream stream) -> asio::awaitable<void> {
        co_await drain(std::move(session), std::move(stream), meeting);
        context.stop();
    });
    const auto here = *stt::Address::parse(setting.place.address + ":0");
    const auto bound = setting.is_websocket ? node.listen_websocket(here) : node.listen(here);
    if (!bound) give_up("cannot listen: " + bound.error().message());
    meeting.listen_at(bound->port());
    context.run();
}

// Allocations of both processes, and frames that moved, so far.
struct Tally {
    double client_allocations = 0;
    double server_allocations = 0;
    double frames = 0;

    static Tally now(Meeting& meeting, const stt::Session& session) {
        const stt::SessionStatistics statistics = session.statistics();
        return {static_cast<double>(allocations_of(0)),
                static_cast<double>(meeting.notes[allocations_note].load()),
                static_cast<double>(statistics.frames_sent + statistics.frames_received)};
    }
};

void report(JsonLine& line, const Tally& begin, const Tally& end) {
    const double frames = end.frames - begin.frames;
    if (frames <= 0) return;
    line.add("client_allocations_per_frame",
             (end.client_allocations - begin.client_allocations) / frames)
        .add("server_allocations_per_frame",
             (end.server_allocations - begin.server_allocations) / frames);
}

asio::awaitable<void> wait_until_read(const BulkMeter& meter) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    const auto end = Clock::now() + std::chrono::minutes(1);
    while (!meter.is_over()) {
        if (Clock::now() > end) give_up("the server has not read everything after a minute");
        timer.expires_after(std::chrono::milliseconds(1));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> send(stt::Node& node, stt::Destination server, TwoEnds& ends,
                           BulkMeter& meter) {
    auto session = co_await node.connect(std::move(server));
    if (!session) give_up("cannot connect: " + session.error().message());
    auto stream = co_await session->open_stream("bulk");
    if (!stream) give_up("no stream: " + stream.error().message());
    const std::vector<std::uint8_t> piece(bulk_piece_size, 0x5a);
    std::uint64_t sent = 0;
    std::optional<Tally> steady;  // once a quarter is through
    meter.start();
    while (meter.wants_more(sent)) {
        const std::size_t size = static_cast<std::size_t>(
            std::min<std::uint64_t>(piece.size(), meter.wanted_size() - sent));
        auto [error, count] =
            co_await asio::async_write(*stream, asio::buffer(piece, size), as_tuple);
        if (error) give_up("cannot write: " + error.message());
        sent += count;
        if (!steady && sent >= meter.wanted_size() / 4) {
            steady = Tally::now(ends.meeting(), *session);
        }
    }
    co_await wait_until_read(meter);
    JsonLine line;
    meter.report(line);
    if (steady) report(line, *steady, Tally::now(ends.meeting(), *session));
    line.print();
    session->close();
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, Ends::two, {"transport", "congestion", "mb", "seconds"});
    const Setting setting{Place::of(arguments),
                          arguments.choice("transport", {"udp", "websocket"}) == "websocket",
                          config_of(arguments)};
    TwoEnds ends(setting.place, [&](Meeting& meeting) { serve(meeting, setting); });
    BulkMeter meter(arguments, ends);
    asio::io_context context(1);
    stt::Node node(context, bench_seed(), setting.config);
    const auto there =
        *stt::Address::parse(setting.place.address + ":" + std::to_string(ends.meeting().port()));
    stt::Destination server;
    if (setting.is_websocket) {
        server.websocket.push_back({there, {}, false});
    } else {
        server.udp.push_back(there);
    }
    asio::co_spawn(context, send(node, server, ends, meter), [&](std::exception_ptr) {
        asio::co_spawn(context, node.close(), [&](std::exception_ptr) { context.stop(); });
    });
    context.run();
}
