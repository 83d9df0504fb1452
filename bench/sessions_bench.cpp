// Many sessions of two nodes in one process, without sockets and in virtual time: what an idle
// session holds, and what a session costs that carries 100 small messages a second.
//
//   sessions_bench [--sessions N]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <queue>
#include <string>
#include <stt/check.hpp>
#include <vector>

#include "bench/counted_memory.hpp"
#include "bench/harness/arguments.hpp"
#include "bench/harness/json_line.hpp"
#include "core/connection/endpoint.hpp"
#include "testing/seeded_random.hpp"

namespace stt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t elsewhere = 0;  // owner of the program's own memory
constexpr std::size_t initiator = 0;
constexpr std::size_t responder = 1;
constexpr Duration one_way = milliseconds(5);
constexpr std::size_t message_size = 32;
constexpr std::size_t messages_a_second = 100;

struct Node {
    Node(const connection::EndpointConfig& config, std::uint64_t random_seed)
        : random(random_seed), endpoint(config, random) {}
    testing::SeededRandom random;
    connection::Endpoint endpoint;
    std::vector<connection::SessionHandle> sessions;
    handshake::SeedId seed = 0;
};

struct Datagram {
    Instant at{};
    std::size_t to = 0;
    std::vector<std::uint8_t> bytes;
};

// One initiator's node and one responder's.
class Pair {
public:
    Pair() : buffer_(65'507) {
        for (const std::size_t number : {initiator, responder}) {
            connection::EndpointConfig config;
            config.identity[0] = static_cast<std::uint8_t>(number + 1);
            config.connection.idle_timeout = std::chrono::hours(10);
            bench::set_memory_owner(number + 1);
            nodes_[number] = std::make_unique<Node>(config, number + 1);
            const std::vector<std::uint8_t> secret(32, 7);
            nodes_[number]->seed = *nodes_[number]->endpoint.add_seed(secret);
            bench::set_memory_owner(elsewhere);
        }
    }

    connection::Endpoint& endpoint(std::size_t number) { return nodes_[number]->endpoint; }
    const std::vector<connection::SessionHandle>& sessions(std::size_t number) const {
        return nodes_[number]->sessions;
    }
    Instant now() const { return now_; }

    void connect() {
        const Route route = Address::ipv4({10, 0, 0, 1}, 9001);
        const auto attempt = [&] {
            Node& node = *nodes_[initiator];
            (void)node.endpoint.connect(moment(), node.seed, {&route, 1});
        };
        as(initiator, attempt);
    }

    // Calls `call` as the node's, then drains it.
    template <class Call>
    void as(std::size_t number, const Call& call) {
        bench::set_memory_owner(number + 1);
        call();
        drain(number);
        bench::set_memory_owner(elsewhere);
    }

    void run_until(Instant until) {
        while (true) {
            Instant at = until;
            const auto timer_of = [&](std::size_t number) {
                return endpoint(number).poll_timeout().value_or(until);
            };
            const bool has_datagram = !flying_.empty();
            if (has_datagram) at = std::min(at, flying_.front().at);
            at = std::min({at, timer_of(initiator), timer_of(responder)});
            if (at >= until) break;
            now_ = std::max(now_, at);
            while (!flying_.empty() && flying_.front().at <= now_) {
                Datagram datagram = std::move(flying_.front());
                flying_.pop();
                deliver(datagram);
            }
            for (const std::size_t number : {initiator, responder}) {
                if (timer_of(number) > now_) continue;
                as(number, [&] { endpoint(number).handle_timeout(moment()); });
            }
        }
        now_ = until;
    }

    std::size_t datagrams() const { return datagrams_; }

private:
    connection::Moment moment() const {
        return {now_, 1'700'000'000'000 + now_.time_since_epoch().count() / 1'000};
    }

    void deliver(Datagram& datagram) {
        const Address from = datagram.to == responder ? Address::ipv4({10, 1, 0, 1}, 9001)
                                                      : Address::ipv4({10, 0, 0, 1}, 9001);
        as(datagram.to, [&] {
            endpoint(datagram.to)
                .handle_datagrams(moment(), from, datagram.bytes, datagram.bytes.size(), 0);
        });
    }

    void drain(std::size_t number) {
        Node& node = *nodes_[number];
        while (const auto transmit = node.endpoint.poll_transmit(moment(), buffer_)) {
            bench::set_memory_owner(elsewhere);
            for (std::size_t at = 0; at < transmit->size; at += transmit->segment_size) {
                const std::size_t size = std::min(transmit->segment_size, transmit->size - at);
                Datagram datagram;
                datagram.at = now_ + one_way;
                datagram.to = 1 - number;
                datagram.bytes.assign(buffer_.begin() + static_cast<std::ptrdiff_t>(at),
                                      buffer_.begin() + static_cast<std::ptrdiff_t>(at + size));
                flying_.push(std::move(datagram));
                ++datagrams_;
            }
            bench::set_memory_owner(number + 1);
        }
        while (const auto event = node.endpoint.poll_event()) handle(number, *event);
    }

    void handle(std::size_t number, const connection::EndpointEvent& event) {
        Node& node = *nodes_[number];
        connection::SessionHandle session = 0;
        if (const auto* accepted = std::get_if<connection::SessionAccepted>(&event)) {
            session = accepted->session;
        } else if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
            session = connected->session;
        } else if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
            handle(node, *of_session);
            return;
        } else {
            std::fprintf(stderr, "sessions_bench: an attempt failed\n");
            std::exit(1);
        }
        bench::set_memory_owner(elsewhere);
        node.sessions.push_back(session);
        bench::set_memory_owner(number + 1);
    }

    void handle(Node& node, const connection::SessionEvent& event) {
        if (std::holds_alternative<connection::Closed>(event.event)) {
            std::fprintf(stderr, "sessions_bench: a session ended\n");
            std::exit(1);
        }
        const auto* of_stream = std::get_if<stream::StreamEvent>(&event.event);
        if (of_stream == nullptr) return;
        if (of_stream->kind != stream::StreamEvent::Kind::readable) return;
        std::array<std::uint8_t, 1'024> bytes;
        (void)node.endpoint.find(event.session)->read(now_, of_stream->key, bytes);
        node.endpoint.touch(event.session);
    }

    std::unique_ptr<Node> nodes_[2];
    std::vector<std::uint8_t> buffer_;
    std::queue<Datagram> flying_;  // all links have one delay: in order
    Instant now_{seconds(1)};
    std::size_t datagrams_ = 0;
};

std::size_t resident_kib() {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word) {
        if (word != "VmRSS:") continue;
        std::size_t kib = 0;
        status >> kib;
        return kib;
    }
    return 0;
}

void establish(Pair& pair, std::size_t count) {
    // 500 at a time: the responder's bound of half-open handshakes is 1,024.
    for (std::size_t done = 0; done < count;) {
        for (std::size_t i = 0; i < 500 && done < count; ++i, ++done) pair.connect();
        pair.run_until(pair.now() + milliseconds(100));
    }
    pair.run_until(pair.now() + seconds(300));
    STT_CHECK(pair.sessions(initiator).size() == count);
    STT_CHECK(pair.sessions(responder).size() == count);
}

// Not inlined: callgrind is told to count in it alone.
[[gnu::noinline]] void carry(Pair& pair, std::size_t count, bench::JsonLine& line) {
    std::vector<stream::StreamKey> keys(count);
    for (std::size_t i = 0; i < count; ++i) {
        const connection::SessionHandle session = pair.sessions(initiator)[i];
        pair.as(initiator, [&] {
            keys[i] = *pair.endpoint(initiator).find(session)->open_stream("bench");
            pair.endpoint(initiator).touch(session);
        });
    }
    pair.run_until(pair.now() + seconds(1));
    const std::size_t rounds = std::max<std::size_t>(200'000 / count, 10);
    const Duration step = Duration(1'000'000 / messages_a_second) / static_cast<long>(count);
    const std::vector<std::uint8_t> message(message_size, 1);
    const auto allocations = [] { return bench::allocations_of(1) + bench::allocations_of(2); };
    const std::size_t allocations_before = allocations();
    const std::clock_t started = std::clock();
    Instant at = pair.now();
    for (std::size_t message_number = 0; message_number < rounds * count; ++message_number) {
        const std::size_t i = message_number % count;
        const connection::SessionHandle session = pair.sessions(initiator)[i];
        pair.as(initiator, [&] {
            const auto written = pair.endpoint(initiator).find(session)->write(keys[i], message);
            STT_CHECK(written.has_value() && *written == message.size());
            pair.endpoint(initiator).touch(session);
        });
        at += step;
        pair.run_until(at);
    }
    const double cpu = double(std::clock() - started) / CLOCKS_PER_SEC;
    const auto messages = static_cast<double>(rounds * count);
    line.add("ns_per_message", cpu * 1e9 / messages)
        .add("allocations_per_message",
             static_cast<double>(allocations() - allocations_before) / messages);
}

void measure(std::size_t count) {
    const std::size_t resident_before = resident_kib();
    Pair pair;
    const std::size_t before[2] = {bench::memory_held_by(1), bench::memory_held_by(2)};
    establish(pair, count);
    const auto each = [&](std::size_t number) {
        return static_cast<double>(bench::memory_held_by(number + 1) - before[number]) /
               static_cast<double>(count);
    };
    bench::JsonLine line;
    line.add("idle_bytes_of_initiator", each(initiator))
        .add("idle_bytes_of_responder", each(responder))
        .add("resident_bytes_each", static_cast<double>(resident_kib() - resident_before) * 1'024 /
                                        static_cast<double>(2 * count));
    carry(pair, count, line);
    line.print();
}

}  // namespace
}  // namespace stt

int main(int argc, char** argv) {
    const stt::bench::Arguments arguments(argc, argv, stt::bench::Ends::one, {"sessions"});
    const std::size_t count = arguments.number("sessions", 1'000);
    if (count == 0) arguments.fail("no sessions");
    stt::measure(count);
}
