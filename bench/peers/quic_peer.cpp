// QUIC by ngtcp2 with GnuTLS (AES-256-GCM), datagrams of 1,472 bytes, GSO and GRO.
//
//   quic_peer bulk [--congestion bbr|cubic] [--mb MB | --seconds S]
//   quic_peer latency [--size BYTES] [--count N] [--wait epoll|spin] [--beside idle|bulk]
//                                                bulk: on a second stream of the same connection
#include "bench/harness/arguments.hpp"
#include "bench/harness/bulk_meter.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/round_trips.hpp"
#include "bench/harness/two_ends.hpp"
#include "bench/peers/quic_connection.hpp"

namespace {

using namespace stt::bench;
using namespace std::chrono_literals;

// The first stream that a client opens; the second is 4.
constexpr std::int64_t first_stream = 0;
// Of a stream that is never out of bytes.
constexpr std::uint64_t no_end = UINT64_MAX / 2;

stt::Address local_of(const std::string& text) {
    const auto address = stt::Address::parse(text + ":0");
    if (!address) give_up("no address: " + text);
    return *address;
}

// Any address of this side will do.
stt::Address unbound() {
    return stt::Address::ipv4({0, 0, 0, 0}, 0);
}

stt::Address server_of(const Place& place, TwoEnds& ends) {
    return local_of(place.address).with_port(ends.meeting().port());
}

std::string congestion_of(const Arguments& arguments) {
    return arguments.choice("congestion", {"bbr", "cubic"});
}

void measure_bulk(const Arguments& arguments) {
    const Place place = Place::of(arguments);
    const std::string congestion = congestion_of(arguments);
    TwoEnds ends(place, [&](Meeting& meeting) {
        QuicConnection connection(
            local_of(place.address), congestion, Waiting::asleep,
            [&](std::int64_t, std::size_t size) { meeting.count_received(size); });
        meeting.listen_at(connection.port());
        while (connection.turn(1s)) {
        }
    });
    QuicConnection connection(unbound(), congestion, Waiting::asleep,
                              [](std::int64_t, std::size_t) {});
    connection.connect(server_of(place, ends));
    BulkMeter meter(arguments, ends);
    meter.start();
    const std::int64_t stream = connection.open_stream();
    connection.write(stream, std::min(meter.wanted_size(), no_end));
    while (!meter.is_over()) {
        if (!connection.turn(10ms)) give_up("the connection ended");
    }
    print_report(meter);
}

void measure_latency(const Arguments& arguments) {
    const Place place = Place::of(arguments);
    const std::string congestion = congestion_of(arguments);
    const Waiting waiting = waiting_of(arguments);
    const bool has_bulk = arguments.choice("beside", {"idle", "bulk"}) == "bulk";
    TwoEnds ends(place, [&](Meeting& meeting) {
        QuicConnection* own = nullptr;
        QuicConnection connection(local_of(place.address), congestion, waiting,
                                  [&](std::int64_t stream, std::size_t size) {
                                      if (stream == first_stream) {
                                          own->write(stream, size);
                                      } else {
                                          meeting.count_received(size);
                                      }
                                  });
        own = &connection;
        meeting.listen_at(connection.port());
        while (connection.turn(1s)) {
        }
    });
    std::size_t missing = 0;
    QuicConnection connection(unbound(), congestion, waiting,
                              [&](std::int64_t, std::size_t size) { missing -= size; });
    connection.connect(server_of(place, ends));
    RoundTrips round_trips(arguments);
    const std::int64_t stream = connection.open_stream();
    if (has_bulk) connection.write(connection.open_stream(), no_end);
    const auto begin = Clock::now();
    round_trips.run([&] {
        missing = round_trips.message_size();
        connection.write(stream, missing);
        while (missing > 0) {
            if (!connection.turn(1s)) give_up("the connection ended");
        }
    });
    JsonLine line;
    round_trips.report(line);
    if (has_bulk) report_bulk(line, ends.meeting(), begin);
    line.print();
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, Ends::two,
                              {"congestion", "size", "count", "seconds", "wait", "beside", "mb"});
    arguments.run({{"bulk", measure_bulk}, {"latency", measure_latency}});
}
