// Raw UDP between two processes on loopback, with the socket layer of the library and no protocol:
// what the kernel leaves for the protocol to use.
//
//   udp_bench bulk [--mode gso+gro|gso|mmsg|plain] [--pace window|flood] [--datagram BYTES]
//                  [--mb MB | --seconds S]
//   udp_bench latency [--size BYTES] [--count N] [--seconds S] [--wait epoll|spin]
//
// Nothing acknowledges these datagrams. At the pace of a window the sender reads from shared memory
// what the receiver has, and keeps under 1 MiB on the way: nothing is lost, at no cost of system
// calls. With --pace flood it sends whether or not the receiver can follow.
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>
#include <transport/udp/udp_socket.hpp>
#include <vector>

#include "bench/harness/arguments.hpp"
#include "bench/harness/bulk_meter.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/round_trips.hpp"
#include "bench/harness/two_ends.hpp"

namespace {

using namespace stt;
using namespace stt::bench;
using namespace stt::transport;

constexpr std::size_t window_size = 1u << 20;

struct Mode {
    UdpOptions sender;
    UdpOptions receiver;
};

Mode mode_of(const Arguments& arguments) {
    const std::string name = arguments.choice("mode", {"gso+gro", "gso", "mmsg", "plain"});
    const UdpOptions batched = {.use_segmentation_offload = false, .use_receive_offload = false};
    UdpOptions plain = batched;
    plain.messages_per_call = 1;
    if (name == "plain") return {plain, plain};
    if (name == "mmsg") return {batched, batched};
    if (name == "gso") return {{}, batched};
    return {};
}

UdpSocket bound(const std::string& address, const UdpOptions& options) {
    const auto place = Address::parse(address + ":0");
    if (!place) give_up("no address: " + address);
    auto socket = UdpSocket::bind(*place, options);
    if (!socket) give_up("cannot bind: " + socket.error().message());
    return std::move(*socket);
}

// Waits in epoll until a socket has something to read.
class Readable {
public:
    Readable(const UdpSocket& socket, Waiting waiting)
        : waiting_(waiting), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        epoll_event event{.events = EPOLLIN, .data = {}};
        if (epoll_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.native_handle(), &event) != 0) {
            give_up("no epoll");
        }
    }
    ~Readable() { ::close(epoll_); }
    Readable(const Readable&) = delete;
    Readable& operator=(const Readable&) = delete;

    void wait() const {
        epoll_event event;
        if (waiting_ == Waiting::asleep) ::epoll_wait(epoll_, &event, 1, 1'000);
    }

private:
    Waiting waiting_;
    int epoll_;
};

// What is waiting, in the batch; empty when nothing is.
std::span<const ReceivedDatagrams> receive(UdpSocket& socket, ReceiveBatch& batch) {
    const auto outcome = socket.receive(batch);
    if (!outcome) give_up("cannot receive: " + outcome.error().message());
    return outcome->datagrams;
}

void send(UdpSocket& socket, const Address& to, Bytes data, std::size_t datagram_size) {
    std::array<Outgoing, 1> messages = {Outgoing{to, data, datagram_size}};
    const auto outcome = socket.send(messages);
    if (!outcome) give_up("cannot send: " + outcome.error().message());
}

[[noreturn]] void swallow(Meeting& meeting, const Place& place, const UdpOptions& options) {
    UdpSocket socket = bound(place.address, options);
    const Readable readable(socket, Waiting::asleep);
    ReceiveBatch batch;
    meeting.listen_at(socket.local_address().port());
    for (;;) {
        const auto datagrams = receive(socket, batch);
        if (datagrams.empty()) readable.wait();
        for (const ReceivedDatagrams& each : datagrams) meeting.count_received(each.data.size());
    }
}

void measure_bulk(const Arguments& arguments) {
    const Mode mode = mode_of(arguments);
    const Place place = Place::of(arguments);
    const bool is_flood = arguments.choice("pace", {"window", "flood"}) == "flood";
    const std::size_t datagram_size = arguments.number("datagram", 1'472);
    if (datagram_size < 1 || datagram_size > udp_payload_size_max) {
        arguments.fail("datagrams have 1 to 65507 bytes");
    }
    if (is_flood && !arguments.has("seconds")) arguments.fail("a flood needs --seconds");
    TwoEnds ends(place, [&](Meeting& meeting) { swallow(meeting, place, mode.receiver); });
    UdpSocket socket = bound(place.address, mode.sender);
    const Address server =
        *Address::parse(place.address + ":" + std::to_string(ends.meeting().port()));
    const std::size_t segments = std::min(segment_count_max, udp_payload_size_max / datagram_size);
    const std::vector<std::uint8_t> burst(segments * datagram_size, 0x5a);
    BulkMeter meter(arguments, ends);
    meter.start();
    std::uint64_t sent = 0;
    while (meter.wants_more(sent)) {
        if (!is_flood && sent - ends.meeting().received() + burst.size() > window_size) {
            ::sched_yield();
            continue;
        }
        send(socket, server, burst, datagram_size);
        sent += burst.size();
    }
    meter.wait();
    JsonLine line;
    meter.report(line);
    line.add("lost_percent", 100 * (1 - static_cast<double>(ends.meeting().received()) /
                                            static_cast<double>(sent)));
    line.print();
}

[[noreturn]] void echo(Meeting& meeting, const Place& place, Waiting waiting) {
    UdpSocket socket = bound(place.address, {});
    const Readable readable(socket, waiting);
    ReceiveBatch batch;
    meeting.listen_at(socket.local_address().port());
    for (;;) {
        readable.wait();
        for (const ReceivedDatagrams& each : receive(socket, batch)) {
            send(socket, each.from, each.data, each.segment_size);
        }
    }
}

void measure_latency(const Arguments& arguments) {
    const Place place = Place::of(arguments);
    const Waiting waiting = waiting_of(arguments);
    TwoEnds ends(place, [&](Meeting& meeting) { echo(meeting, place, waiting); });
    UdpSocket socket = bound(place.address, {});
    const Readable readable(socket, waiting);
    ReceiveBatch batch;
    const Address server =
        *Address::parse(place.address + ":" + std::to_string(ends.meeting().port()));
    RoundTrips round_trips(arguments);
    const std::vector<std::uint8_t> message(round_trips.message_size(), 0x5a);
    round_trips.run([&] {
        send(socket, server, message, message.size());
        do {
            readable.wait();
        } while (receive(socket, batch).empty());
    });
    print_report(round_trips);
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(
        argc, argv, Ends::two,
        {"mode", "pace", "datagram", "mb", "seconds", "size", "count", "wait"});
    arguments.run({{"bulk", measure_bulk}, {"latency", measure_latency}});
}
