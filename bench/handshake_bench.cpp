// What handshakes cost a responder, by its engine alone: no sockets, one core.
//
//   handshake_bench accept [--count N] [--at-once N]   whole handshakes, of N half-open at a time
//   handshake_bench refuse [--count N] [--seeds N]     HELLOs of a stranger, at a node of N seeds
//
// The peers' messages are made beforehand. AUTH_PROOF answers RESPONSE, so the exchange is played
// once to an engine, and then its datagrams to another one that draws the same randomness and so
// says the same.
#include <ctime>
#include <memory>
#include <vector>

#include "bench/harness/arguments.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/two_ends.hpp"
#include "core/connection/endpoint.hpp"
#include "core/handshake/initiator.hpp"
#include "testing/seeded_random.hpp"

namespace stt {
namespace {

using bench::give_up;
using Datagram = std::vector<std::uint8_t>;

constexpr std::int64_t unix_ms = 1'700'000'000'000;
constexpr connection::Moment moment{Instant(std::chrono::seconds(1)), unix_ms};

Datagram seed_bytes(std::uint8_t number) {
    return Datagram(32, number);
}

stc::Context context_of(std::uint8_t seed_number) {
    auto context = stc::Context::create(seed_bytes(seed_number));
    if (!context) give_up("no context");
    return std::move(*context);
}

connection::EndpointConfig responder_config() {
    connection::EndpointConfig config;
    config.identity[0] = 1;
    config.responder.rate = {{0, 1}, {0, 1}, 4'096};
    config.session_count_max = 1u << 20;
    config.responder.nonce_count_max = 1u << 20;
    return config;
}

Route source_of(std::size_t number) {
    return Address::ipv4(
        {10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
         static_cast<std::uint8_t>(number)},
        9001);
}

// A node's engine, drained after each call as a node does.
struct Responder {
    Responder() : endpoint(responder_config(), random), buffer(65'507) {}

    template <class Answer>
    void receive(const Route& from, MutableBytes datagram, const Answer& answer) {
        endpoint.handle_datagrams(moment, from, datagram, datagram.size(), 0);
        while (const auto transmit = endpoint.poll_transmit(moment, buffer)) {
            answer(MutableBytes(buffer).first(transmit->size));
        }
        while (endpoint.poll_event()) {
        }
        (void)endpoint.poll_timeout();
    }
    void receive(const Route& from, MutableBytes datagram) {
        receive(from, datagram, [](MutableBytes) {});
    }

    testing::SeededRandom random{1};
    connection::Endpoint endpoint;
    Datagram buffer;
};

struct Exchange {
    Datagram hello;
    Datagram auth_proof;
};

Datagram copy_of(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

// Calls `hello` for each handshake of a round, then `auth_proof` for each, round after round.
template <class Hello, class AuthProof>
void for_each_round(std::size_t count, std::size_t at_once, const Hello& hello,
                    const AuthProof& auth_proof) {
    for (std::size_t begin = 0; begin < count; begin += at_once) {
        const std::size_t end = std::min(count, begin + at_once);
        for (std::size_t i = begin; i < end; ++i) hello(i);
        for (std::size_t i = begin; i < end; ++i) auth_proof(i);
    }
}

std::vector<Exchange> record(std::size_t count, std::size_t at_once) {
    Responder responder;
    if (!responder.endpoint.add_seed(seed_bytes(7))) give_up("no seed");
    const stc::Context context = context_of(7);
    testing::SeededRandom random(2);
    std::vector<std::unique_ptr<handshake::Initiator>> initiators;
    std::vector<Exchange> exchanges(count);
    const auto in_use = [](const wire::SessionId&) { return false; };
    const auto hello = [&](std::size_t i) {
        handshake::InitiatorConfig config;
        random.fill(config.own_node_id);
        config.capabilities = {.streaming = true, .udp = true, .websocket = false};
        initiators.push_back(
            std::make_unique<handshake::Initiator>(context, config, unix_ms, random));
        handshake::Initiator& initiator = *initiators.back();
        exchanges[i].hello = copy_of(initiator.hello_frame());
        Datagram datagram = exchanges[i].hello;
        responder.receive(source_of(i), datagram, [&](MutableBytes answer) {
            const auto frame = wire::parse_frame(answer);
            if (frame) (void)initiator.handle_response(*frame, unix_ms, in_use);
        });
        if (!initiator.has_session()) give_up("no RESPONSE");
        exchanges[i].auth_proof = copy_of(initiator.auth_proof_frame());
    };
    const auto auth_proof = [&](std::size_t i) {
        Datagram datagram = exchanges[i].auth_proof;
        responder.receive(source_of(i), datagram);
    };
    for_each_round(count, at_once, hello, auth_proof);
    if (responder.endpoint.session_count() != count) give_up("a handshake failed");
    return exchanges;
}

double processor_seconds() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// Not inlined: what callgrind is to count is in it alone.
[[gnu::noinline]] void replay(Responder& responder, std::vector<Exchange>& exchanges,
                              std::size_t at_once) {
    for_each_round(
        exchanges.size(), at_once,
        [&](std::size_t i) { responder.receive(source_of(i), exchanges[i].hello); },
        [&](std::size_t i) { responder.receive(source_of(i), exchanges[i].auth_proof); });
}

void accept(const bench::Arguments& arguments) {
    const std::size_t count = arguments.number("count", 10'000);
    const std::size_t at_once = arguments.number("at-once", 100);
    if (count == 0 || at_once == 0) arguments.fail("a count of 0");
    std::vector<Exchange> exchanges = record(count, at_once);
    Responder responder;
    if (!responder.endpoint.add_seed(seed_bytes(7))) give_up("no seed");
    const double begin = processor_seconds();
    replay(responder, exchanges, at_once);
    const double seconds = processor_seconds() - begin;
    if (responder.endpoint.session_count() != count) give_up("a handshake failed");
    bench::JsonLine()
        .add("handshakes_per_second", static_cast<double>(count) / seconds)
        .add("us_each", seconds * 1e6 / static_cast<double>(count))
        .print();
}

[[gnu::noinline]] void play(Responder& responder, std::vector<Datagram>& hellos,
                            std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        responder.receive(source_of(i & 0xff), hellos[i % hellos.size()]);
    }
}

void refuse(const bench::Arguments& arguments) {
    const std::size_t count = arguments.number("count", 200'000);
    const std::size_t seeds = arguments.number("seeds", 1);
    Responder responder;
    for (std::size_t seed = 0; seed < seeds; ++seed) {
        if (!responder.endpoint.add_seed(seed_bytes(static_cast<std::uint8_t>(seed + 1)))) {
            arguments.fail("too many seeds");
        }
    }
    const stc::Context context = context_of(0xff);
    testing::SeededRandom random(2);
    std::vector<Datagram> hellos;
    for (int i = 0; i < 256; ++i) {
        const handshake::Initiator initiator(context, {}, unix_ms, random);
        hellos.push_back(copy_of(initiator.hello_frame()));
    }
    const double begin = processor_seconds();
    play(responder, hellos, count);
    const double seconds = processor_seconds() - begin;
    bench::JsonLine().add("ns_each", seconds * 1e9 / static_cast<double>(count)).print();
    const auto reason = static_cast<std::size_t>(wire::DropReason::handshake_seed_unknown);
    if (responder.endpoint.drops()[reason] != count) give_up("a HELLO was not a stranger's");
}

}  // namespace
}  // namespace stt

int main(int argc, char** argv) {
    const stt::bench::Arguments arguments(argc, argv, stt::bench::Ends::one,
                                          {"count", "at-once", "seeds"});
    arguments.run({{"accept", stt::accept}, {"refuse", stt::refuse}});
}
