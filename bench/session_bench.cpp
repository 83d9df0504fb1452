// Whole sessions over UDP on loopback, by the public interface: what a handshake and a round
// trip cost. Both nodes run in one thread, so each figure is the work of both sides.
#include <benchmark/benchmark.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <stt/node.hpp>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const char* what, std::error_code error) {
    std::fprintf(stderr, "session_bench: %s: %s\n", what, error.message().c_str());
    std::exit(1);
}

stt::NodeConfig config() {
    stt::NodeConfig config;
    config.session_count_max = 1u << 20;
    return config;
}

// A responder and an initiator of one seed in one loop.
struct Loopback {
    Loopback() : responder(context, seed, config()), initiator(context, seed, config()) {
        const auto bound = responder.listen(stt::Address::ipv4({127, 0, 0, 1}, 0));
        if (!bound) give_up("listen", bound.error());
        address = *bound;
    }

    // Runs until the coroutine has ended.
    void run(asio::awaitable<void> work) {
        bool is_done = false;
        asio::co_spawn(context, std::move(work),
                       [&is_done](std::exception_ptr) { is_done = true; });
        while (!is_done) context.run_one();
    }

    asio::io_context context{1};
    stt::Seed seed = stt::random_seed();
    stt::Node responder;
    stt::Node initiator;
    stt::Address address;
};

asio::awaitable<void> connect_once(Loopback& loopback, double& seconds) {
    const auto start = Clock::now();
    auto session = co_await loopback.initiator.connect(loopback.address);
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (!session) give_up("connect", session.error());
    auto accepted = co_await loopback.responder.accept();
    if (!accepted) give_up("accept", accepted.error());
    session->close();
    co_await accepted->wait_closed();
}

// From the call of connect() until the session can be used.
void handshake(benchmark::State& state) {
    Loopback loopback;
    for (auto _ : state) {
        double seconds = 0;
        loopback.run(connect_once(loopback, seconds));
        state.SetIterationTime(seconds);
    }
}
BENCHMARK(handshake)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(500);

asio::awaitable<void> open_pair(Loopback& loopback, stt::Session& session) {
    auto connected = co_await loopback.initiator.connect(loopback.address);
    if (!connected) give_up("connect", connected.error());
    session = *connected;
}

asio::awaitable<void> ping_once(stt::Session& session, double& seconds) {
    const auto start = Clock::now();
    const auto round_trip = co_await session.ping();
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (!round_trip) give_up("ping", round_trip.error());
}

// A PING and its PONG in a session that is idle.
void ping(benchmark::State& state) {
    Loopback loopback;
    stt::Session session;
    loopback.run(open_pair(loopback, session));
    for (auto _ : state) {
        double seconds = 0;
        loopback.run(ping_once(session, seconds));
        state.SetIterationTime(seconds);
    }
}
BENCHMARK(ping)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(2000);

}  // namespace
