// ZeroMQ over TCP with CURVE: messages, encrypted with XSalsa20-Poly1305.
//
//   zmq_peer bulk [--mb MB | --seconds S]          PUSH and PULL, messages of 64 KiB
//   zmq_peer latency [--size BYTES] [--count N]    REQ and REP
#include <zmq.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/harness/arguments.hpp"
#include "bench/harness/bulk_meter.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/round_trips.hpp"
#include "bench/harness/two_ends.hpp"

namespace {

using namespace stt::bench;

constexpr std::size_t message_size = 64 * 1'024;
constexpr std::size_t key_text_size = 41;  // with its end

struct Keys {
    std::array<char, key_text_size> of_all;
    std::array<char, key_text_size> secret;

    static Keys make() {
        Keys keys;
        if (zmq_curve_keypair(keys.of_all.data(), keys.secret.data()) != 0) {
            give_up("ZeroMQ was built without CURVE");
        }
        return keys;
    }
};

void require(bool is_good, const char* what) {
    if (!is_good) give_up(std::string(what) + ": " + zmq_strerror(zmq_errno()));
}

// A socket and its context, which has one thread for the network.
class Socket {
public:
    explicit Socket(int kind) : context_(zmq_ctx_new()), socket_(zmq_socket(context_, kind)) {
        require(socket_ != nullptr, "no socket");
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() {
        const int at_once = 0;
        zmq_setsockopt(socket_, ZMQ_LINGER, &at_once, sizeof at_once);
        zmq_close(socket_);
        zmq_ctx_term(context_);
    }

    void listen(const std::string& address, const Keys& keys, Meeting& meeting) {
        const int on = 1;
        zmq_setsockopt(socket_, ZMQ_CURVE_SERVER, &on, sizeof on);
        zmq_setsockopt(socket_, ZMQ_CURVE_SECRETKEY, keys.secret.data(), key_text_size);
        require(zmq_bind(socket_, ("tcp://" + address + ":*").c_str()) == 0, "cannot bind");
        std::array<char, 256> bound{};
        std::size_t size = bound.size();
        zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, bound.data(), &size);
        const std::string text = bound.data();
        meeting.listen_at(static_cast<std::uint16_t>(std::stoul(text.substr(text.rfind(':') + 1))));
    }

    void connect(const std::string& address, std::uint16_t port, const Keys& server) {
        const Keys own = Keys::make();
        zmq_setsockopt(socket_, ZMQ_CURVE_SERVERKEY, server.of_all.data(), key_text_size);
        zmq_setsockopt(socket_, ZMQ_CURVE_PUBLICKEY, own.of_all.data(), key_text_size);
        zmq_setsockopt(socket_, ZMQ_CURVE_SECRETKEY, own.secret.data(), key_text_size);
        const std::string there = "tcp://" + address + ":" + std::to_string(port);
        require(zmq_connect(socket_, there.c_str()) == 0, "cannot connect");
    }

    void send(const std::vector<char>& data, std::size_t size) {
        require(zmq_send(socket_, data.data(), size, 0) >= 0, "cannot send");
    }
    std::size_t receive(std::vector<char>& buffer) {
        const int size = zmq_recv(socket_, buffer.data(), buffer.size(), 0);
        require(size >= 0, "cannot receive");
        return static_cast<std::size_t>(size);
    }

private:
    void* context_;
    void* socket_;
};

void measure_bulk(const Arguments& arguments) {
    const Place place = Place::of(arguments);
    const Keys keys = Keys::make();
    TwoEnds ends(place, [&](Meeting& meeting) {
        Socket socket(ZMQ_PULL);
        socket.listen(place.address, keys, meeting);
        std::vector<char> buffer(message_size);
        for (;;) meeting.count_received(socket.receive(buffer));
    });
    Socket socket(ZMQ_PUSH);
    socket.connect(place.address, ends.meeting().port(), keys);
    const std::vector<char> message(message_size, 0x5a);
    BulkMeter meter(arguments, ends);
    meter.run(message.size(), [&](std::size_t size) {
        socket.send(message, size);
        return size;
    });
    print_report(meter);
}

void measure_latency(const Arguments& arguments) {
    const Place place = Place::of(arguments);
    const Keys keys = Keys::make();
    TwoEnds ends(place, [&](Meeting& meeting) {
        Socket socket(ZMQ_REP);
        socket.listen(place.address, keys, meeting);
        std::vector<char> buffer(message_size);
        for (;;) socket.send(buffer, socket.receive(buffer));
    });
    Socket socket(ZMQ_REQ);
    socket.connect(place.address, ends.meeting().port(), keys);
    RoundTrips round_trips(arguments);
    const std::vector<char> request(round_trips.message_size(), 0x5a);
    std::vector<char> answer(message_size);
    round_trips.run([&] {
        socket.send(request, request.size());
        if (socket.receive(answer) != request.size()) give_up("another answer");
    });
    print_report(round_trips);
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, Ends::two, {"mb", "seconds", "size", "count"});
    arguments.run({{"bulk", measure_bulk}, {"latency", measure_latency}});
}
