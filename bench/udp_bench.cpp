// Raw UDP throughput over loopback, by mode of the transport: what the kernel leaves for
// the protocol to use. Prints one line for each mode.
//
//   udp_bench [seconds for each mode = 1] [datagram size = 1472]

#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <transport/udp/udp_socket.hpp>
#include <vector>

namespace {

using namespace stt;
using namespace stt::transport;
using SteadyClock = std::chrono::steady_clock;

struct Mode {
    const char* name;
    UdpOptions sender;
    UdpOptions receiver;
};

struct Settings {
    std::chrono::duration<double> time{1};
    std::size_t datagram_size = 1'472;
};

UdpSocket bound(const UdpOptions& options) {
    auto socket = UdpSocket::bind(Address::ipv4({127, 0, 0, 1}, 0), options);
    if (!socket) {
        std::fprintf(stderr, "udp_bench: cannot bind: %s\n", socket.error().message().c_str());
        std::exit(1);
    }
    return std::move(*socket);
}

void send_burst(UdpSocket& socket, const Address& to, Bytes burst, std::size_t datagram_size) {
    std::array<Outgoing, 1> messages = {Outgoing{to, burst, datagram_size}};
    const auto outcome = socket.send(messages);
    if (!outcome) std::abort();
}

void receive_waiting(UdpSocket& socket, ReceiveBatch& batch) {
    for (;;) {
        const auto outcome = socket.receive(batch);
        if (!outcome) std::abort();
        if (!outcome->more) return;
    }
}

void report(const Mode& mode, int threads, const Settings& settings, const UdpSocket& sender,
            const UdpSocket& receiver, std::chrono::duration<double> elapsed) {
    const UdpCounters& sent = sender.counters();
    const UdpCounters& received = receiver.counters();
    const auto rate = [&](std::uint64_t bytes) {
        return static_cast<double>(bytes) * 8e-9 / elapsed.count();
    };
    const double arrived =
        static_cast<double>(received.datagrams_received) / static_cast<double>(sent.datagrams_sent);
    std::printf(
        "udp_bench mode=%s threads=%d datagram_size=%zu sent_gbit_per_second=%.2f "
        "received_gbit_per_second=%.2f lost_percent=%.1f datagrams_per_send_call=%.1f "
        "datagrams_per_receive_call=%.1f\n",
        mode.name, threads, settings.datagram_size, rate(sent.bytes_sent),
        rate(received.bytes_received), 100 * (1 - arrived),
        static_cast<double>(sent.datagrams_sent) / static_cast<double>(sent.send_calls),
        static_cast<double>(received.datagrams_received) /
            static_cast<double>(received.receive_calls));
    std::fflush(stdout);
}

// Sends a burst, then receives it: nothing is lost, and both sides cost one core.
void run_one_thread(const Mode& mode, const Settings& settings, Bytes burst) {
    UdpSocket sender = bound(mode.sender);
    UdpSocket receiver = bound(mode.receiver);
    const Address to = receiver.local_address();
    ReceiveBatch batch;
    const auto start = SteadyClock::now();
    while (SteadyClock::now() - start < settings.time) {
        send_burst(sender, to, burst, settings.datagram_size);
        receive_waiting(receiver, batch);
    }
    report(mode, 1, settings, sender, receiver, SteadyClock::now() - start);
}

// Sends as fast as it goes, whether or not the receiver can follow.
void run_two_threads(const Mode& mode, const Settings& settings, Bytes burst) {
    UdpSocket sender = bound(mode.sender);
    UdpSocket receiver = bound(mode.receiver);
    const Address to = receiver.local_address();
    std::atomic<bool> is_over = false;
    std::thread receiving([&] {
        ReceiveBatch batch;
        pollfd waiting{.fd = receiver.native_handle(), .events = POLLIN, .revents = 0};
        while (!is_over.load(std::memory_order_relaxed)) {
            if (::poll(&waiting, 1, 50) > 0) receive_waiting(receiver, batch);
        }
    });
    const auto start = SteadyClock::now();
    while (SteadyClock::now() - start < settings.time) {
        send_burst(sender, to, burst, settings.datagram_size);
    }
    const auto elapsed = SteadyClock::now() - start;
    is_over = true;
    receiving.join();
    report(mode, 2, settings, sender, receiver, elapsed);
}

}  // namespace

int main(int argument_count, char** arguments) {
    Settings settings;
    if (argument_count > 1) settings.time = std::chrono::duration<double>(std::atof(arguments[1]));
    if (argument_count > 2) settings.datagram_size = std::strtoul(arguments[2], nullptr, 10);
    if (settings.time.count() <= 0 || settings.datagram_size < 1 ||
        settings.datagram_size > udp_payload_size_max) {
        std::fprintf(stderr, "usage: udp_bench [seconds > 0] [datagram size, 1 to 65507]\n");
        return 2;
    }
    const UdpOptions batched = {.use_segmentation_offload = false, .use_receive_offload = false};
    UdpOptions plain = batched;
    plain.messages_per_call = 1;
    // What one message of the kernel holds, in all modes.
    const std::size_t segments =
        std::min(segment_count_max, udp_payload_size_max / settings.datagram_size);
    const std::vector<std::uint8_t> burst(segments * settings.datagram_size, 0x5a);
    for (const Mode& mode : {Mode{"plain", plain, plain}, Mode{"mmsg", batched, batched},
                             Mode{"gso", {}, batched}, Mode{"gso+gro", {}, {}}}) {
        run_one_thread(mode, settings, burst);
        run_two_threads(mode, settings, burst);
    }
    return 0;
}
