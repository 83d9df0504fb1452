// A node of several engines behind one port, where datagrams come to any of them.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "tests/unit/core/connection/seeded_endpoint.hpp"
#include "tests/unit/core/wire/raw_frame.hpp"

namespace stt::connection {
namespace {

const Route client_route = Address::ipv4({10, 0, 0, 1}, 1);
const Route server_route = Address::ipv4({10, 0, 0, 2}, 2);

struct Stray {
    std::size_t shard = 0;
    Route from;
    std::vector<std::uint8_t> frames;
    std::uint8_t ecn = 0;
};

// One engine, and what it gave away.
struct Engine final : StraySink, SeededEndpoint {
    Engine(std::uint64_t random_seed, std::uint8_t identity, const handshake::Shard& shard)
        : SeededEndpoint(random_seed, config_of(identity, shard, *this)) {}
    static EndpointConfig config_of(std::uint8_t identity, const handshake::Shard& shard,
                                    StraySink& sink) {
        EndpointConfig config;
        config.identity.fill(identity);
        config.responder.shard = shard;
        config.strays = &sink;
        return config;
    }
    void take_stray(std::size_t shard, const Route& from, Bytes frames, std::uint8_t ecn) override {
        strays.push_back({shard, from, {frames.begin(), frames.end()}, ecn});
    }

    std::vector<EndpointEvent> events;
    std::vector<Stray> strays;
};

// A frame of a session that nobody has.
std::vector<std::uint8_t> frame_of(std::uint8_t first_byte) {
    wire::RawFrame frame;
    frame.session_id = {first_byte, 1, 2, 3, 4, 5, 6, 7};
    return frame.bytes();
}

std::vector<std::uint8_t> joined(std::initializer_list<std::vector<std::uint8_t>> parts) {
    std::vector<std::uint8_t> all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

}  // namespace

TEST_CASE("protocol §4.1 (j): what comes to another part than its session's is forwarded whole") {
    Engine engine(1, 1, {1, 3});
    const Moment moment{Instant(Duration(1'000)), 1'700'000'000'000};
    auto datagram = joined({frame_of(0), frame_of(3), frame_of(1), frame_of(2), frame_of(5),
                            frame_of(6), frame_of(4)});
    CHECK(engine.endpoint.handle_datagrams(moment, client_route, datagram, datagram.size(), 3));
    REQUIRE(engine.strays.size() == 3);
    CHECK(engine.strays[0].shard == 0);
    CHECK(engine.strays[0].frames == joined({frame_of(0), frame_of(3)}));
    CHECK(engine.strays[1].shard == 2);
    CHECK(engine.strays[1].frames == joined({frame_of(2), frame_of(5)}));
    CHECK(engine.strays[2].shard == 0);
    CHECK(engine.strays[2].frames == frame_of(6));
    for (const Stray& stray : engine.strays) {
        CHECK(stray.from == client_route);
        CHECK(stray.ecn == 3);
    }
    const auto statistics = engine.endpoint.statistics();
    CHECK(statistics.frames_stray == 5);
    const auto unknown = static_cast<std::size_t>(wire::DropReason::session_unknown);
    CHECK(statistics.drops[unknown] == 2);
}

TEST_CASE("protocol §3.2 (b): what cannot be parsed ends a datagram behind frames of other parts") {
    Engine engine(1, 1, {0, 2});
    const Moment moment{Instant(Duration(1'000)), 1'700'000'000'000};
    auto datagram = joined({frame_of(1), {0x53, 0x54, 0x00}, frame_of(1)});
    CHECK_FALSE(
        engine.endpoint.handle_datagrams(moment, client_route, datagram, datagram.size(), 0));
    REQUIRE(engine.strays.size() == 1);
    CHECK(engine.strays[0].frames == frame_of(1));
}

TEST_CASE("protocol §4.1 (j): frames of one datagram each are forwarded as they were cut") {
    Engine engine(1, 1, {0, 2});
    const Moment moment{Instant(Duration(1'000)), 1'700'000'000'000};
    const auto one = frame_of(1);
    auto burst = joined({one, one, one});
    CHECK(engine.endpoint.handle_datagrams(moment, client_route, burst, one.size(), 0));
    REQUIRE(engine.strays.size() == 3);
    for (const Stray& stray : engine.strays) CHECK(stray.frames == one);
}

namespace {

// A client, and a node of three parts of which the kernel knows nothing: all comes to the first.
struct Unsteered {
    Unsteered() : client(11, 1, {}) {
        for (std::size_t i = 0; i < 3; ++i) {
            shards.push_back(std::make_unique<Engine>(20 + i, 2, handshake::Shard{i, 3}));
        }
    }
    Moment moment() const { return {now, 1'700'000'000'000}; }
    bool drain(Engine& from, const Route& route, Engine& to) {
        bool is_moving = false;
        while (const auto transmit = from.endpoint.poll_transmit(moment(), buffer)) {
            std::vector<std::uint8_t> bytes(
                buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(transmit->size));
            to.endpoint.handle_datagrams(moment(), route, bytes, transmit->segment_size, 0);
            is_moving = true;
        }
        while (auto event = from.endpoint.poll_event()) from.events.push_back(*std::move(event));
        return is_moving;
    }
    void run() {
        bool is_moving = true;
        while (is_moving) {
            is_moving = drain(client, client_route, *shards[0]);
            for (Stray& stray : std::exchange(shards[0]->strays, {})) {
                ++forwarded;
                shards[stray.shard]->endpoint.handle_datagrams(moment(), stray.from, stray.frames,
                                                               stray.frames.size(), stray.ecn);
            }
            for (const auto& shard : shards) is_moving |= drain(*shard, server_route, client);
            now += Duration(500);
        }
    }

    Instant now{Duration(1'000)};
    std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(65'507);
    Engine client;
    std::vector<std::unique_ptr<Engine>> shards;
    std::size_t forwarded = 0;
};

}  // namespace

TEST_CASE("protocol §4.1 (j): handshakes and sessions work though all comes to one part") {
    Unsteered world;
    for (int i = 0; i < 30; ++i) {
        world.client.endpoint.connect(world.moment(), world.client.seed, {&server_route, 1});
        world.run();
    }
    CHECK(world.client.endpoint.session_count() == 30);
    std::size_t sum = 0;
    for (const auto& shard : world.shards) {
        CHECK(shard->endpoint.session_count() > 3);
        CHECK(shard->endpoint.node_id() == world.shards[0]->endpoint.node_id());
        sum += shard->endpoint.session_count();
    }
    CHECK(sum == 30);
    // AUTH_PROOF, at least, of every session that is not the first shard's.
    CHECK(world.forwarded >= 30 - world.shards[0]->endpoint.session_count());
    for (const EndpointEvent& event : world.client.events) {
        CHECK_FALSE(std::holds_alternative<ConnectFailed>(event));
    }
}

TEST_CASE("protocol §4.1 (e)(j): a HELLO that is sent again meets the part that remembers it") {
    Unsteered world;
    world.client.endpoint.connect(world.moment(), world.client.seed, {&server_route, 1});
    const auto transmit = world.client.endpoint.poll_transmit(world.moment(), world.buffer);
    REQUIRE(transmit);
    const std::vector<std::uint8_t> hello(
        world.buffer.begin(), world.buffer.begin() + static_cast<std::ptrdiff_t>(transmit->size));
    // Wherever it comes in, and from wherever.
    for (std::size_t first = 0; first < 3; ++first) {
        for (const Route& from : {client_route, Route(client_route.address, 7)}) {
            auto bytes = hello;
            Engine& shard = *world.shards[first];
            shard.endpoint.handle_datagrams(world.moment(), from, bytes, bytes.size(), 0);
            for (Stray& stray : std::exchange(shard.strays, {})) {
                world.shards[stray.shard]->endpoint.handle_datagrams(
                    world.moment(), stray.from, stray.frames, stray.frames.size(), stray.ecn);
            }
        }
    }
    std::size_t half_open = 0, wrong_address = 0;
    for (const auto& shard : world.shards) {
        half_open += shard->endpoint.half_open_count();
        const auto reason = static_cast<std::size_t>(wire::DropReason::handshake_wrong_address);
        wrong_address += shard->endpoint.drops()[reason];
    }
    CHECK(half_open == 1);
    CHECK(wrong_address == 3);
}

}  // namespace stt::connection
