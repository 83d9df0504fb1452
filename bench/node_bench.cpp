// Many sessions of two nodes, or many streams of one session, between two processes on loopback:
// what all carry together, how evenly, and what each costs the server in memory.
//
//   node_bench [--sessions N] [--streams N] [--active N] [--seconds S]
//
// Streams is of each session. With --active N as many are at work at a time: each takes the next
// stream, hands it 16 KiB and waits until they are acknowledged; so all streams carry bytes, and
// the path is asked for what it can hold. 0, the default: every stream is never out of bytes, and
// it is told how evenly they were served.
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <numeric>
#include <stt/node.hpp>
#include <vector>

#include "bench/counted_memory.hpp"
#include "bench/harness/arguments.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/two_ends.hpp"

namespace {

using namespace stt::bench;
using std::chrono::milliseconds;
constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);
// Sessions that are connected at one time: within the half-open handshakes a node allows.
constexpr std::size_t connects_at_once = 64;
constexpr std::size_t piece_size = 64 * 1'024;
constexpr std::size_t turn_size = 16 * 1'024;
// Before the measurement buffers fill, and each session finds its rate: it takes a few bursts, or a
// turn, of every stream, and this time at least and at most.
constexpr std::size_t settling_size = 8 * piece_size;
constexpr std::chrono::seconds settling_time_min{1};
constexpr std::chrono::seconds settling_time_max{10};
// Of the sender, for all streams: what waits to be acknowledged.
constexpr std::size_t send_buffers_size = 256u << 20;

// Of Meeting::notes.
struct Note {
    enum : std::size_t { phase, is_judged, fairness, memory_held, allocations, stream_count };
};
enum Phase : std::uint64_t { starting, measuring, over };

struct Load {
    std::size_t sessions;
    std::size_t streams;
    std::size_t active;
    std::chrono::duration<double> seconds;

    std::size_t stream_count() const noexcept { return sessions * streams; }
};

stt::Seed bench_seed() {
    const std::array<std::uint8_t, 32> bytes{7};
    return stt::Seed(bytes);
}

stt::NodeConfig config_of(const Load& load) {
    stt::NodeConfig config;
    config.keep_alive = std::chrono::hours(1);
    config.idle_timeout = std::chrono::hours(2);
    config.handshake_rate = {0, 1};
    config.handshake_rate_of_source = {0, 1};
    config.peer_stream_limit = std::max(config.peer_stream_limit, load.streams + 1);
    config.send_buffer_max =
        std::clamp(send_buffers_size / load.stream_count(), piece_size, config.send_buffer_max);
    return config;
}

// Jain's index: 1 when all got the same, 1/n when one got everything.
double fairness_of(const std::vector<double>& shares) {
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    const double squares = std::inner_product(shares.begin(), shares.end(), shares.begin(), 0.0);
    return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 0;
}

class Server {
public:
    Server(Meeting& meeting, const Load& load) : meeting_(meeting) {
        shares_.reserve(load.stream_count());
    }

    asio::awaitable<void> drain(stt::Stream stream) {
        const std::size_t number = shares_.size();
        shares_.push_back(0);
        meeting_.notes[Note::stream_count].store(shares_.size());
        for (;;) {
            const auto [error, size] =
                co_await stream.async_read_some(asio::buffer(buffer_), as_tuple);
            if (error) co_return;
            meeting_.count_received(size);
            follow(meeting_.notes[Note::phase].load(std::memory_order_relaxed));
            if (seen_ == measuring) shares_[number] += static_cast<double>(size);
        }
    }

    asio::awaitable<void> tell_memory() {
        asio::steady_timer timer(co_await asio::this_coro::executor);
        for (;;) {
            meeting_.notes[Note::memory_held].store(memory_held_by(0));
            meeting_.notes[Note::allocations].store(allocations_of(0));
            timer.expires_after(milliseconds(20));
            co_await timer.async_wait(asio::use_awaitable);
        }
    }

private:
    void follow(std::uint64_t now) {
        if (now == seen_) return;
        seen_ = now;
        if (now != over) return;
        meeting_.notes[Note::fairness].store(
            static_cast<std::uint64_t>(fairness_of(shares_) * 1e6));
        meeting_.notes[Note::is_judged].store(1);
    }

    Meeting& meeting_;
    std::uint64_t seen_ = starting;
    std::vector<double> shares_;
    // One for all: nobody looks at what is in it.
    std::array<std::uint8_t, piece_size> buffer_;
};

void serve(Meeting& meeting, const Load& load) {
    asio::io_context context(1);
    stt::Node node(context, bench_seed(), config_of(load));
    Server server(meeting, load);
    node.handle("sink",
                [&](stt::Session, stt::Stream stream) { return server.drain(std::move(stream)); });
    const auto bound = node.listen(stt::Address::ipv4({127, 0, 0, 1}, 0));
    if (!bound) give_up("cannot listen: " + bound.error().message());
    asio::co_spawn(context, server.tell_memory(), asio::detached);
    meeting.listen_at(bound->port());
    context.run();
}

class Client {
public:
    Client(asio::io_context& context, TwoEnds& ends, const Load& load)
        : context_(context),
          node_(context, bench_seed(), config_of(load)),
          timer_(context),
          ends_(ends),
          load_(load) {}

    asio::awaitable<void> run() {
        JsonLine line;
        const auto before = co_await held_by_server();
        const auto start = Clock::now();
        for (std::size_t i = 0; i < connects_at_once; ++i) {
            asio::co_spawn(context_, connect_some(), asio::detached);
        }
        while (sessions_.size() < load_.sessions) co_await pause(milliseconds(1));
        const std::chrono::duration<double> connected = Clock::now() - start;
        const auto idle = co_await held_by_server();
        line.add("connects_per_second", static_cast<double>(load_.sessions) / connected.count())
            .add("idle_bytes_each",
                 static_cast<double>(idle - before) / static_cast<double>(load_.sessions));
        co_await open_streams();
        begin_to_send();
        co_await measure(line);
        const auto working = co_await held_by_server();
        line.add("working_bytes_each",
                 static_cast<double>(working - before) / static_cast<double>(load_.stream_count()));
        line.print();
        context_.stop();
    }

private:
    asio::awaitable<void> pause(Clock::duration time) {
        timer_.expires_after(time);
        co_await timer_.async_wait(asio::use_awaitable);
    }

    // A while after what was done last, as the server tells it now and then.
    asio::awaitable<std::uint64_t> held_by_server() {
        co_await pause(milliseconds(300));
        co_return ends_.meeting().notes[Note::memory_held].load();
    }

    asio::awaitable<void> connect_some() {
        const auto server = stt::Address::ipv4({127, 0, 0, 1}, ends_.meeting().port());
        while (started_ < load_.sessions) {
            ++started_;
            auto session = co_await node_.connect(server);
            if (!session) give_up("cannot connect: " + session.error().message());
            sessions_.push_back(*session);
        }
    }

    asio::awaitable<void> open_streams() {
        for (stt::Session& session : sessions_) {
            for (std::size_t i = 0; i < load_.streams; ++i) {
                auto stream = co_await session.open_stream("sink");
                if (!stream) give_up("no stream: " + stream.error().message());
                streams_.push_back(std::move(*stream));
            }
        }
        while (ends_.meeting().notes[Note::stream_count].load() < load_.stream_count()) {
            co_await pause(milliseconds(1));
        }
    }

    void begin_to_send() {
        for (std::size_t i = 0; load_.active == 0 && i < streams_.size(); ++i) {
            asio::co_spawn(context_, send_on(streams_[i]), asio::detached);
        }
        for (std::size_t i = 0; i < std::min(load_.active, streams_.size()); ++i) {
            asio::co_spawn(context_, send_in_turns(), asio::detached);
        }
    }

    asio::awaitable<void> send_on(stt::Stream& stream) {
        for (;;) {
            const auto [error, size] =
                co_await asio::async_write(stream, asio::buffer(piece_), as_tuple);
            if (error) give_up("cannot write: " + error.message());
        }
    }

    asio::awaitable<void> send_in_turns() {
        for (;;) {
            stt::Stream stream = std::move(streams_[next_]);
            const std::size_t number = std::exchange(next_, (next_ + 1) % streams_.size());
            if (!stream.is_open()) continue;  // at work
            const auto [error, size] =
                co_await asio::async_write(stream, asio::buffer(piece_, turn_size), as_tuple);
            if (error) give_up("cannot write: " + error.message());
            const auto [failure, none] = co_await stream.async_wait_acknowledged(as_tuple);
            if (failure) give_up("cannot write: " + failure.message());
            streams_[number] = std::move(stream);
        }
    }

    asio::awaitable<void> settle() {
        const std::size_t size = load_.active > 0 ? turn_size : settling_size;
        const std::uint64_t wanted = ends_.meeting().received() + size * load_.stream_count();
        const auto end = Clock::now() + settling_time_max;
        co_await pause(settling_time_min);
        while (ends_.meeting().received() < wanted && Clock::now() < end) {
            co_await pause(milliseconds(1));
        }
    }

    asio::awaitable<void> measure(JsonLine& line) {
        co_await settle();
        Meeting& meeting = ends_.meeting();
        const ProcessorTime processor = ends_.processor_time();
        const std::uint64_t received = meeting.received();
        const std::uint64_t allocated = meeting.notes[Note::allocations].load();
        const auto start = Clock::now();
        meeting.notes[Note::phase].store(measuring);
        co_await pause(std::chrono::duration_cast<Clock::duration>(load_.seconds));
        const double size = static_cast<double>(meeting.received() - received);
        const std::chrono::duration<double> taken = Clock::now() - start;
        const double used = (ends_.processor_time() - processor).total();
        const auto allocated_since =
            static_cast<double>(meeting.notes[Note::allocations].load() - allocated);
        meeting.notes[Note::phase].store(over);
        while (meeting.notes[Note::is_judged].load() == 0) co_await pause(milliseconds(1));
        line.add("gbit_per_second", size * 8e-9 / taken.count())
            .add("cpu_seconds_per_gb", used / (size * 1e-9))
            .add("server_allocations_per_1400_bytes", allocated_since / (size / 1'400));
        if (load_.active > 0) co_return;
        line.add("fairness", static_cast<double>(meeting.notes[Note::fairness].load()) / 1e6);
    }

    asio::io_context& context_;
    stt::Node node_;
    asio::steady_timer timer_;
    TwoEnds& ends_;
    Load load_;
    std::size_t started_ = 0;
    std::vector<stt::Session> sessions_;
    std::vector<stt::Stream> streams_;
    std::size_t next_ = 0;
    std::vector<std::uint8_t> piece_ = std::vector<std::uint8_t>(piece_size, 0x5a);
};

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, Ends::two, {"sessions", "streams", "active", "seconds"});
    const Load load{arguments.number("sessions", 1), arguments.number("streams", 1),
                    arguments.number("active", 0),
                    std::chrono::duration<double>(arguments.real("seconds", 2))};
    if (load.stream_count() == 0) arguments.fail("none of them");
    TwoEnds ends(Place::of(arguments), [&](Meeting& meeting) { serve(meeting, load); });
    asio::io_context context(1);
    Client client(context, ends, load);
    asio::co_spawn(context, client.run(), [](std::exception_ptr) {});
    context.run();
    // Not one by one: thousands of sessions would be closed for nothing.
    std::_Exit(0);
}
