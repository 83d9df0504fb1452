// WebSocket without sockets, on one core:
//
//   build/bench/websocket_bench --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//
// What to compare: the `bytes_per_second` of the medians, counted in bytes of payload. Framing is
// header, copy and mask into the output of a channel; parsing is what a receiver does until the
// application has the message. `write_read` is a message's whole way between two channels.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "core/websocket/channel.hpp"
#include "core/websocket/masking.hpp"

namespace {

using namespace stt;
using namespace stt::websocket;

// What is measured is not the operating system's generator, which gives 64 keys a call.
class CountingRandom final : public stc::RandomSource {
public:
    void fill(MutableBytes output) noexcept override {
        for (std::uint8_t& byte : output) byte = static_cast<std::uint8_t>(next_++ * 167);
    }

private:
    unsigned next_ = 1;
};

constexpr std::size_t batch_size_min = 64 * 1024;  // what a socket gives at a time

std::size_t batch_count(std::size_t size) {
    return (batch_size_min + size - 1) / size;
}

void count_bytes(benchmark::State& state, std::size_t bytes_each_iteration) {
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes_each_iteration) *
                            static_cast<std::int64_t>(state.iterations()));
}

void mask_in_place(benchmark::State& state, std::size_t size) {
    std::vector<std::uint8_t> data(size, 0x5a);
    const MaskingKey key{0x37, 0xfa, 0x21, 0x3d};
    for (auto _ : state) {
        mask(data, key, 0);
        benchmark::DoNotOptimize(data.data());
        benchmark::ClobberMemory();
    }
    count_bytes(state, size);
}

void mask_while_copying(benchmark::State& state, std::size_t size) {
    const std::vector<std::uint8_t> data(size, 0x5a);
    std::vector<std::uint8_t> output(size);
    const MaskingKey key{0x37, 0xfa, 0x21, 0x3d};
    for (auto _ : state) {
        mask_copy(output, data, key, 0);
        benchmark::DoNotOptimize(output.data());
        benchmark::ClobberMemory();
    }
    count_bytes(state, size);
}

void write_frames(benchmark::State& state, Role role, std::size_t size) {
    CountingRandom random;
    Channel channel(role, {}, random, Instant{});
    const std::vector<std::uint8_t> message(size, 0x5a);
    for (auto _ : state) {
        static_cast<void>(channel.write_message(message));
        if (channel.buffered_size() >= batch_size_min) {
            benchmark::DoNotOptimize(channel.poll_transmit().data());
            channel.on_sent(channel.buffered_size());
        }
    }
    count_bytes(state, size);
}

std::vector<std::uint8_t> batch_of(Role sender, std::size_t size) {
    CountingRandom random;
    Channel channel(sender, {}, random, Instant{});
    const std::vector<std::uint8_t> message(size, 0x5a);
    for (std::size_t i = 0; i < batch_count(size); ++i) {
        static_cast<void>(channel.write_message(message));
    }
    const Bytes wire = channel.poll_transmit();
    return {wire.begin(), wire.end()};
}

// Unmasked again and again, the batch is garbage of the same sizes.
void read_frames(benchmark::State& state, Role receiver, std::size_t size) {
    CountingRandom random;
    Channel channel(receiver, {}, random, Instant{});
    const Role sender = receiver == Role::server ? Role::client : Role::server;
    std::vector<std::uint8_t> wire = batch_of(sender, size);
    for (auto _ : state) {
        channel.handle_received(Instant{}, wire);
        while (const auto event = channel.poll_event()) {
            benchmark::DoNotOptimize(std::get<Message>(*event).data.data());
        }
    }
    count_bytes(state, batch_count(size) * size);
}

// The receiver gets what a socket would give: pieces of 64 KiB, in its own buffer.
void write_and_read(benchmark::State& state, std::size_t size) {
    CountingRandom random;
    Channel client(Role::client, {}, random, Instant{});
    Channel server(Role::server, {}, random, Instant{});
    const std::vector<std::uint8_t> message(size, 0x5a);
    std::vector<std::uint8_t> received(batch_size_min);
    std::size_t count = 0;
    for (auto _ : state) {
        static_cast<void>(client.write_message(message));
        while (client.buffered_size() >= received.size()) {
            std::memcpy(received.data(), client.poll_transmit().data(), received.size());
            client.on_sent(received.size());
            server.handle_received(Instant{}, received);
            while (const auto event = server.poll_event()) ++count;
        }
    }
    benchmark::DoNotOptimize(count);
    count_bytes(state, size);
}

const bool is_registered = [] {
    for (const std::size_t size : {125u, 1'400u, 16'384u, 65'536u}) {
        const auto add = [size](const std::string& name, auto function) {
            benchmark::RegisterBenchmark(
                (name + "/" + std::to_string(size)).c_str(),
                [function, size](benchmark::State& state) { function(state, size); });
        };
        add("mask", mask_in_place);
        add("mask_copy", mask_while_copying);
        for (const Role role : {Role::client, Role::server}) {
            const std::string name = role == Role::client ? "client" : "server";
            add("write/" + name,
                [role](benchmark::State& state, std::size_t n) { write_frames(state, role, n); });
            add("read/" + name,
                [role](benchmark::State& state, std::size_t n) { read_frames(state, role, n); });
        }
        add("write_read", write_and_read);
    }
    return true;
}();

}  // namespace
