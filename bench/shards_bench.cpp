// Many sessions between the threads of two processes, into a node group: rate of all, processor
// time of both processes for each GB, and what the group's threads had to forward.
//
//   shards_bench [--threads N] [--client-threads N] [--sessions N] [--transport udp|websocket]
//                [--steering on|off] [--seconds S]
#include <algorithm>
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <future>
#include <stt/node_group.hpp>
#include <thread>
#include <vector>

#include "bench/harness/arguments.hpp"
#include "bench/harness/bulk_meter.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/two_ends.hpp"
#include "node/group_backend.hpp"

namespace {

using namespace stt::bench;
constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);
// Of Meeting::notes.
constexpr std::size_t forwarded_note = 0;
constexpr std::size_t dropped_note = 1;
constexpr std::size_t busiest_note = 2;

stt::Seed bench_seed() {
    const std::array<std::uint8_t, 32> bytes{7};
    return stt::Seed(bytes);
}

struct Setting {
    Place place;
    bool is_websocket;
    bool is_steered;
    std::size_t threads;
    std::size_t client_threads;
    std::size_t sessions;
};

asio::awaitable<void> drain(stt::Stream stream, Meeting& meeting) {
    std::vector<std::uint8_t> buffer(bulk_piece_size);
    for (;;) {
        auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), as_tuple);
        if (error) break;
        meeting.count_received(size);
    }
}

// Ends with its parent.
void serve(Meeting& meeting, const Setting& setting) {
    stt::NodeGroupConfig config;
    config.thread_count = setting.threads;
    stt::detail::GroupBackend group(config, setting.is_steered);
    if (!group.add_seed(bench_seed(), std::nullopt)) give_up("no seed");
    group.on_all_nodes([&meeting](stt::detail::NodeBackend& node) {
        node.handle_endpoint("bulk",
                             stt::StreamHandler([&meeting](stt::Session, stt::Stream stream) {
                                 return drain(std::move(stream), meeting);
                             }));
    });
    const auto here = *stt::Address::parse(setting.place.address + ":0");
    const auto bound = setting.is_websocket ? group.listen_websocket(here, {}) : group.listen(here);
    if (!bound) give_up("cannot listen: " + bound.error().message());
    meeting.listen_at(bound->port());
    for (;;) {
        std::uint64_t forwarded = 0, dropped = 0, busiest = 0;
        for (const auto& thread : group.statistics().threads) {
            forwarded += thread.datagrams_forwarded + thread.messages_forwarded;
            dropped += thread.drops_full;
            busiest = std::max(busiest, thread.sessions);
        }
        meeting.notes[forwarded_note] = forwarded;
        meeting.notes[dropped_note] = dropped;
        meeting.notes[busiest_note] = busiest;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

// A node of the client, with a thread of its own.
class Client {
public:
    Client(const Setting& setting, std::size_t sessions, std::uint16_t port, BulkMeter& meter)
        : meter_(meter), node_(context_, bench_seed()) {
        const auto there = *stt::Address::parse(setting.place.address + ":" + std::to_string(port));
        stt::Destination server;
        if (setting.is_websocket) {
            server.websocket.push_back({there, {}, false});
        } else {
            server.udp.push_back(there);
        }
        for (std::size_t i = 0; i < sessions; ++i) {
            asio::co_spawn(context_, open(server), asio::detached);
        }
        while (streams_.size() < sessions) context_.run_one();
    }
    void start() {
        for (stt::Stream& stream : streams_) {
            asio::co_spawn(context_, send(stream), asio::detached);
        }
        thread_ = std::thread([this] { context_.run(); });
    }
    void stop() {
        context_.stop();
        thread_.join();
    }

private:
    asio::awaitable<void> open(stt::Destination server) {
        auto session = co_await node_.connect(std::move(server));
        if (!session) give_up("cannot connect: " + session.error().message());
        auto stream = co_await session->open_stream("bulk");
        if (!stream) give_up("no stream: " + stream.error().message());
        streams_.push_back(std::move(*stream));
    }
    asio::awaitable<void> send(stt::Stream& stream) {
        const std::vector<std::uint8_t> piece(bulk_piece_size, 0x5a);
        for (std::uint64_t sent = 0; meter_.wants_more(sent);) {
            auto [error, count] = co_await asio::async_write(stream, asio::buffer(piece), as_tuple);
            if (error) co_return;
            sent += count;
        }
    }

    BulkMeter& meter_;
    asio::io_context context_{1};
    stt::Node node_;
    std::vector<stt::Stream> streams_;
    std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(
        argc, argv, Ends::two,
        {"threads", "client-threads", "sessions", "transport", "steering", "seconds"});
    const Setting setting{Place::of(arguments),
                          arguments.choice("transport", {"udp", "websocket"}) == "websocket",
                          arguments.choice("steering", {"on", "off"}) == "on",
                          static_cast<std::size_t>(arguments.number("threads", 2)),
                          static_cast<std::size_t>(arguments.number("client-threads", 1)),
                          static_cast<std::size_t>(arguments.number("sessions", 16))};
    if (!arguments.has("seconds")) arguments.fail("--seconds is missing");
    TwoEnds ends(setting.place, [&](Meeting& meeting) { serve(meeting, setting); });
    BulkMeter meter(arguments, ends);
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < setting.client_threads; ++i) {
        const std::size_t sessions = (setting.sessions + i) / setting.client_threads;
        clients.push_back(
            std::make_unique<Client>(setting, sessions, ends.meeting().port(), meter));
    }
    meter.start();
    for (const auto& client : clients) client->start();
    meter.wait();
    JsonLine line;
    meter.report(line);
    for (const auto& client : clients) client->stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const auto note = [&](std::size_t which) {
        return static_cast<double>(ends.meeting().notes[which].load());
    };
    line.add("sessions_of_busiest_thread", note(busiest_note))
        .add("forwarded", note(forwarded_note))
        .add("dropped", note(dropped_note));
    line.print();
}
