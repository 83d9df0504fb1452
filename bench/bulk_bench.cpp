// One stream of one session between two processes on loopback, by UDP and by WebSocket, in turns:
// rate, and processor time of both processes for each GB.
//
//   bulk_bench [rounds [MB]]     default: 5 rounds of 2000 MB
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stt/node.hpp>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::size_t piece_size = 1u << 20;

stt::Seed bench_seed() {
    const std::array<std::uint8_t, 32> bytes{7};
    return stt::Seed(bytes);
}

double processor_time(int who) {
    rusage usage{};
    ::getrusage(who, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Ports {
    std::uint16_t udp = 0;
    std::uint16_t websocket = 0;
};

const stt::Address loopback = stt::Address::ipv4({127, 0, 0, 1}, 0);

asio::awaitable<void> drain(stt::Session session, stt::Stream stream) {
    std::vector<std::uint8_t> buffer(piece_size);
    for (;;) {
        auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), as_tuple);
        if (error) break;
    }
    // So that the sender knows that all was read.
    stream.finish();
    co_await session.wait_closed();
}

// The receiving process: ends with its first session.
[[noreturn]] void serve(int pipe) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    asio::io_context context(1);
    stt::Node node(context, bench_seed());
    node.handle("bulk", [&](stt::Session session, stt::Stream stream) -> asio::awaitable<void> {
        co_await drain(std::move(session), std::move(stream));
        context.stop();
    });
    const auto udp = node.listen(loopback);
    const auto websocket = node.listen_websocket(loopback);
    const Ports ports{udp ? udp->port() : std::uint16_t{0},
                      websocket ? websocket->port() : std::uint16_t{0}};
    if (::write(pipe, &ports, sizeof ports) != sizeof ports) std::_Exit(1);
    context.run();
    std::_Exit(0);
}

// Seconds from the first byte until the receiver has read the last; negative: it failed.
asio::awaitable<void> send(stt::Node& node, const stt::Destination& there, std::size_t size,
                           double& seconds) {
    auto session = co_await node.connect(there);
    if (!session) {
        std::fprintf(stderr, "bulk_bench: %s\n", session.error().message().c_str());
        co_return;
    }
    auto stream = co_await session->open_stream("bulk");
    if (!stream) co_return;
    const std::vector<std::uint8_t> piece(piece_size, 0x5a);
    const auto start = Clock::now();
    for (std::size_t sent = 0; sent < size; sent += piece_size) {
        auto [error, count] = co_await asio::async_write(*stream, asio::buffer(piece), as_tuple);
        if (error) co_return;
    }
    stream->finish();
    std::array<std::uint8_t, 1> end;
    co_await stream->async_read_some(asio::buffer(end), as_tuple);
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
    session->close();
}

struct Outcome {
    double gbit = 0;
    double processor = 0;  // seconds for each GB, both processes
};

bool measure(bool by_websocket, std::size_t size, Outcome& outcome) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) return false;
    const double children_before = processor_time(RUSAGE_CHILDREN);
    const pid_t server = ::fork();
    if (server < 0) return false;
    if (server == 0) serve(pipe[1]);
    Ports ports;
    double seconds = -1;
    const double own_before = processor_time(RUSAGE_SELF);
    if (::read(pipe[0], &ports, sizeof ports) == sizeof ports) {
        asio::io_context context(1);
        stt::Node node(context, bench_seed());
        stt::Destination there;
        if (by_websocket) {
            there.websocket.push_back({loopback.with_port(ports.websocket), {}, false});
        } else {
            there.udp.push_back(loopback.with_port(ports.udp));
        }
        asio::co_spawn(context, send(node, there, size, seconds), [&](std::exception_ptr) {
            asio::co_spawn(context, node.close(), [&](std::exception_ptr) { context.stop(); });
        });
        context.run();
    }
    if (seconds <= 0) ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
    ::close(pipe[0]);
    ::close(pipe[1]);
    const double used = processor_time(RUSAGE_SELF) - own_before + processor_time(RUSAGE_CHILDREN) -
                        children_before;
    outcome = {static_cast<double>(size) * 8 / seconds / 1e9,
               used / static_cast<double>(size) * 1e9};
    return seconds > 0;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t rounds = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 5;
    const std::size_t size = (argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2'000) << 20;
    std::array<std::vector<double>, 2> rates;
    std::array<std::vector<double>, 2> costs;
    std::vector<double> ratios;
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const std::size_t kind : {0u, 1u}) {
            Outcome outcome;
            if (!measure(kind == 1, size, outcome)) return 1;
            rates[kind].push_back(outcome.gbit);
            costs[kind].push_back(outcome.processor);
        }
        ratios.push_back(rates[1].back() / rates[0].back());
    }
    const auto print = [&](const char* name, std::size_t kind) {
        const auto [low, high] = std::minmax_element(rates[kind].begin(), rates[kind].end());
        std::printf("%-10s %5.2f Gbit/s (%.2f-%.2f)  %.2f s of processor for each GB\n", name,
                    median(rates[kind]), *low, *high, median(costs[kind]));
    };
    print("udp", 0);
    print("websocket", 1);
    const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf("websocket / udp, round by round: %.2f (%.2f-%.2f)\n", median(ratios), *low, *high);
}
