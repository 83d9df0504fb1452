// What streams cost, without cryptography and network: two ends of one session's streams back to
// back in memory, both in one thread.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "bench/counted_memory.hpp"
#include "core/stream/streams.hpp"

namespace {

using namespace stt;

constexpr Duration rtt = std::chrono::milliseconds(1);
const Instant now(std::chrono::seconds(1));

void require(bool is_good, const char* what) {
    if (is_good) return;
    std::fprintf(stderr, "stream_bench: %s\n", what);
    std::exit(1);
}

stream::StreamsConfig config_of(bool is_initiator) {
    stream::StreamsConfig config;
    config.is_initiator = is_initiator;
    return config;
}

struct Pair {
    stream::Streams one{config_of(true)};
    stream::Streams other{config_of(false)};
    std::vector<std::uint8_t> payload = std::vector<std::uint8_t>(1'400);

    // Everything that one end has to send goes over and is acknowledged.
    bool carry(stream::Streams& from, stream::Streams& to) {
        bool has_sent = false;
        while (const auto candidate = from.next_candidate()) {
            const auto planned = from.plan(*candidate, payload.size());
            require(planned.has_value(), "nothing fits");
            const MutableBytes bytes = MutableBytes(payload).first(planned->payload_size);
            from.fill(*planned, bytes);
            if (planned->type == wire::FrameType::data) {
                const auto data = wire::parse_data(bytes, planned->flags);
                require(
                    to.handle_data(now, rtt, planned->key.id, planned->flags, *data).has_value(),
                    "DATA was refused");
            } else {
                const auto messages = wire::StreamControlMessages::parse(bytes);
                require(to.handle_stream_control(now, rtt, planned->key.id, *messages).has_value(),
                        "STREAM_CONTROL was refused");
            }
            from.on_acknowledged(*planned);
            has_sent = true;
        }
        if (const auto limit = from.take_flow_credit()) to.handle_flow_credit(*limit);
        if (const auto limit = from.take_stream_limit()) to.handle_stream_limit(*limit);
        from.take_closed_ids();
        return has_sent;
    }
    void carry() {
        while (carry(one, other) || carry(other, one)) {
        }
        while (one.poll_event()) {
        }
        while (other.poll_event()) {
        }
    }
    void churn() {
        const auto key = one.open({.endpoint = "bench"});
        require(key.has_value(), "no stream can be opened");
        static constexpr std::uint8_t bytes[100] = {};
        require(one.write(*key, bytes).has_value(), "write");
        one.finish(*key);
        carry();
        std::uint8_t output[200];
        require(other.read(now, rtt, *key, output)->size == sizeof bytes, "read");
        other.finish(*key);
        other.release(now, rtt, *key);
        one.release(now, rtt, *key);
        carry();
    }
};

// 100,000 streams opened and closed one after another, beside as many that stay open as the
// argument says: the rate by processor time of the first and the last tenth, and what is held at
// the end.
void open_and_close(benchmark::State& state) {
    constexpr int total = 100'000;
    for (auto _ : state) {
        Pair pair;
        // The limit is the initial one: streams that stay open are this end's and the peer's.
        for (int i = 0; i < state.range(0); ++i) {
            require((i % 2 == 0 ? pair.one : pair.other).open({.endpoint = "open"}).has_value(),
                    "no stream can be opened");
        }
        pair.carry();
        pair.churn();
        const std::size_t held_before = bench::memory_held_by(0);
        const auto tenth = [&] {
            const std::clock_t begin = std::clock();
            for (int i = 0; i < total / 10; ++i) pair.churn();
            return double{total / 10} * CLOCKS_PER_SEC / static_cast<double>(std::clock() - begin);
        };
        state.counters["first_tenth_per_s"] = tenth();
        for (int i = 0; i < 8; ++i) tenth();
        state.counters["last_tenth_per_s"] = tenth();
        state.counters["bytes_gained"] =
            static_cast<double>(bench::memory_held_by(0)) - static_cast<double>(held_before);
        state.counters["streams_left"] = static_cast<double>(pair.one.state_count());
    }
}
BENCHMARK(open_and_close)->Arg(0)->Arg(200)->Iterations(1)->Unit(benchmark::kMillisecond);

// Streams that each have bytes to send: what choosing and laying out one frame costs.
void schedule(benchmark::State& state) {
    Pair pair;
    std::vector<stream::StreamKey> keys;
    pair.one.handle_stream_limit(static_cast<std::uint64_t>(state.range(0)));
    for (int i = 0; i < state.range(0); ++i) keys.push_back(*pair.one.open({.endpoint = "bench"}));
    pair.one.handle_flow_credit(std::uint64_t{1} << 40);
    const auto acknowledge_all = [&] {
        while (const auto candidate = pair.one.next_candidate()) {
            pair.one.on_acknowledged(*pair.one.plan(*candidate, 1'400));
        }
    };
    acknowledge_all();
    const std::vector<std::uint8_t> bytes(1'000);
    std::size_t at = 0;
    for (auto _ : state) {
        require(pair.one.write(keys[at], bytes).has_value(), "write");
        at = (at + 1) % keys.size();
        const auto candidate = pair.one.next_candidate();
        if (!candidate) {
            // The credit of all streams is used up.
            state.SkipWithError("no credit");
            break;
        }
        pair.one.on_acknowledged(*pair.one.plan(*candidate, 1'400));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(schedule)->Arg(10)->Arg(1'000)->Arg(10'000)->Iterations(600);

}  // namespace
