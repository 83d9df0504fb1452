// SRT with encryption (AES-128 by a passphrase, its default), by libsrt in file mode: reliable,
// 1,472 bytes a datagram.
//
//   srt_peer bulk [--mb MB | --seconds S]
//   srt_peer latency [--size BYTES] [--count N]    whole messages; in live mode one that is lost at
//                                                  the start, before there are keys, never comes
#include <arpa/inet.h>
#include <srt/logging_api.h>
#include <srt/srt.h>
#include <syslog.h>

#include <string>
#include <vector>

#include "bench/harness/arguments.hpp"
#include "bench/harness/bulk_meter.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/round_trips.hpp"
#include "bench/harness/two_ends.hpp"

namespace {

using namespace stt::bench;

constexpr const char* passphrase = "a passphrase of the benchmark";
constexpr int key_size = 16;
constexpr int udp_receive_buffer_size = 8 << 20;
constexpr int udp_send_buffer_size = 4 << 20;
// Of each socket: what a session of the library may hold unread, and in packets.
constexpr int buffer_size = 64 << 20;
constexpr int window_packets = 65'536;
constexpr std::size_t message_size_max = 65'536;

[[noreturn]] void give_up_srt(const std::string& what) {
    give_up(what + ": " + srt_getlasterror_str());
}

template <class Value>
void set(SRTSOCKET socket, SRT_SOCKOPT option, const Value& value) {
    if (srt_setsockflag(socket, option, &value, sizeof value) == SRT_ERROR) {
        give_up_srt("an option");
    }
}

enum class Kind { bytes, messages };

void start_up() {
    if (srt_startup() < 0) give_up_srt("libsrt");
    // It tells of every packet that its receiver has no room for.
    srt_setloglevel(LOG_ERR);
}

SRTSOCKET socket_of(Kind kind) {
    const SRTSOCKET socket = srt_create_socket();
    set(socket, SRTO_TRANSTYPE, SRTT_FILE);
    set(socket, SRTO_MESSAGEAPI, kind == Kind::messages);
    if (srt_setsockflag(socket, SRTO_PASSPHRASE, passphrase,
                        static_cast<int>(std::string_view(passphrase).size())) == SRT_ERROR) {
        give_up_srt("the passphrase");
    }
    set(socket, SRTO_PBKEYLEN, key_size);
    set(socket, SRTO_UDP_RCVBUF, udp_receive_buffer_size);
    set(socket, SRTO_UDP_SNDBUF, udp_send_buffer_size);
    set(socket, SRTO_FC, window_packets);
    set(socket, SRTO_RCVBUF, buffer_size);
    set(socket, SRTO_SNDBUF, buffer_size);
    set(socket, SRTO_LINGER, linger{});
    return socket;
}

sockaddr_in place_of(const std::string& address, std::uint16_t port) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &place.sin_addr);
    return place;
}

SRTSOCKET listening_at(const std::string& address, Kind kind, Meeting& meeting) {
    start_up();
    const SRTSOCKET socket = socket_of(kind);
    sockaddr_in place = place_of(address, 0);
    int size = sizeof place;
    auto* const plain = reinterpret_cast<sockaddr*>(&place);
    if (srt_bind(socket, plain, sizeof place) == SRT_ERROR || srt_listen(socket, 4) == SRT_ERROR ||
        srt_getsockname(socket, plain, &size) == SRT_ERROR) {
        give_up_srt("cannot listen");
    }
    meeting.listen_at(ntohs(place.sin_port));
    return socket;
}

SRTSOCKET accepted(SRTSOCKET listening) {
    const SRTSOCKET socket = srt_accept(listening, nullptr, nullptr);
    if (socket == SRT_INVALID_SOCK) give_up_srt("cannot accept");
    return socket;
}

SRTSOCKET connected(const Place& place, std::uint16_t port, Kind kind) {
    const SRTSOCKET socket = socket_of(kind);
    const sockaddr_in server = place_of(place.address, port);
    if (srt_connect(socket, reinterpret_cast<const sockaddr*>(&server), sizeof server) ==
        SRT_ERROR) {
        give_up_srt("cannot connect");
    }
    return socket;
}

void drain(SRTSOCKET socket, Meeting& meeting) {
    std::vector<char> buffer(bulk_piece_size);
    for (;;) {
        const int size = srt_recv(socket, buffer.data(), static_cast<int>(buffer.size()));
        if (size <= 0) return;
        meeting.count_received(static_cast<std::size_t>(size));
    }
}

void measure_bulk(const Arguments& arguments) {
    const Place place = Place::of(arguments);
    TwoEnds ends(place, [&](Meeting& meeting) {
        drain(accepted(listening_at(place.address, Kind::bytes, meeting)), meeting);
    });
    start_up();
    const SRTSOCKET socket = connected(place, ends.meeting().port(), Kind::bytes);
    const std::vector<char> piece(bulk_piece_size, 0x5a);
    BulkMeter meter(arguments, ends);
    meter.run(piece.size(), [&](std::size_t size) {
        const int count = srt_send(socket, piece.data(), static_cast<int>(size));
        if (count <= 0) give_up_srt("cannot write");
        return static_cast<std::uint64_t>(count);
    });
    print_report(meter);
}

void echo(const Place& place, Meeting& meeting) {
    const SRTSOCKET socket = accepted(listening_at(place.address, Kind::messages, meeting));
    std::vector<char> message(message_size_max);
    for (;;) {
        const int size = srt_recvmsg(socket, message.data(), static_cast<int>(message.size()));
        if (size <= 0) return;
        srt_sendmsg(socket, message.data(), size, -1, true);
    }
}

void measure_latency(const Arguments& arguments) {
    const Place place = Place::of(arguments);
    TwoEnds ends(place, [&](Meeting& meeting) { echo(place, meeting); });
    start_up();
    const SRTSOCKET socket = connected(place, ends.meeting().port(), Kind::messages);
    RoundTrips round_trips(arguments);
    std::vector<char> message(message_size_max, 0x5a);
    const auto size = static_cast<int>(round_trips.message_size());
    round_trips.run([&] {
        if (srt_sendmsg(socket, message.data(), size, -1, true) != size ||
            srt_recvmsg(socket, message.data(), static_cast<int>(message.size())) != size) {
            give_up_srt("no answer");
        }
    });
    print_report(round_trips);
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, Ends::two, {"mb", "seconds", "size", "count"});
    arguments.run({{"bulk", measure_bulk}, {"latency", measure_latency}});
}
