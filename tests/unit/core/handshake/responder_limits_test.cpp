// Limits at n - 1, n and n + 1, and the store of nonces under a clock that moves.
#include <doctest/doctest.h>

#include "tests/unit/core/handshake/forge.hpp"

namespace stt::handshake {
namespace {

struct Responder {
    explicit Responder(const ResponderConfig& config) : table(config, world.random) {
        CHECK(table.add_seed(1, world.context));
    }
    Result<Bytes, DropReason> send(Frame frame) {
        return table.handle_hello(world.now, world.unix_ms, world.from, frame.view(), none_in_use);
    }
    Result<Bytes, DropReason> send_new() { return send(world.good_hello()); }

    World world;
    ResponderTable table;
};

}  // namespace

TEST_CASE(
    "protocol §4.1 (c)(f)(h)(i): the limits are 120 s, 10 s, 1,024, 65,536 and 8 unless set") {
    const ResponderConfig config;
    CHECK(config.timestamp_window == std::chrono::seconds(120));
    CHECK(config.nonce_lifetime_unchecked == std::chrono::seconds(120));
    CHECK(config.half_open_lifetime == std::chrono::seconds(10));
    CHECK(config.half_open_count_max == 1'024);
    CHECK(config.nonce_count_max == 65'536);
    CHECK(config.repeat_count_max == 8);
}

TEST_CASE("protocol §4.1 (i): 1,024 half-open handshakes are kept, the next HELLO is dropped") {
    Responder responder(World().config());
    for (int i = 0; i < 1'023; ++i) REQUIRE(responder.send_new());
    CHECK(responder.send_new());
    CHECK(responder.table.half_open_count() == 1'024);
    const Frame late = responder.world.good_hello();
    CHECK(reason_of(responder.send(late)) == DropReason::handshake_half_open_limit);
    CHECK(responder.table.half_open_count() == 1'024);
    // What was dropped for want of room was not used up: it may come again.
    CHECK(responder.table.nonce_count() == 1'024);
    responder.world.now += std::chrono::seconds(10);
    CHECK(responder.send(late));
    CHECK(responder.table.half_open_count() == 1);
}

TEST_CASE("protocol §4.1 (h): half-open handshakes end in the order in which they began") {
    Responder responder(World().config());
    const Instant begin = responder.world.now;
    for (int i = 0; i < 5; ++i) {
        responder.world.now = begin + std::chrono::seconds(i);
        REQUIRE(responder.send_new());
    }
    for (int i = 0; i < 5; ++i) {
        CHECK(responder.table.poll_timeout() == begin + std::chrono::seconds(10 + i));
        CHECK(responder.table.half_open_count() == static_cast<std::size_t>(5 - i));
        responder.table.handle_timeout(begin + std::chrono::seconds(10 + i));
    }
    CHECK(!responder.table.poll_timeout().has_value());
}

TEST_CASE("protocol §4.1 (i): when the store of nonces is full, new HELLOs are dropped") {
    ResponderConfig config = World().config();
    config.nonce_count_max = 3;
    Responder responder(config);
    const std::int64_t begin = responder.world.unix_ms;
    for (int i = 0; i < 3; ++i) {
        REQUIRE(responder.send_new());
        responder.world.now += std::chrono::seconds(10);
    }
    CHECK(reason_of(responder.send_new()) == DropReason::handshake_nonce_limit);
    responder.world.unix_ms = begin + 120'000;
    CHECK(reason_of(responder.send_new()) == DropReason::handshake_nonce_limit);
    responder.world.unix_ms = begin + 120'001;
    CHECK(responder.send_new());
    CHECK(responder.table.nonce_count() == 1);
}

TEST_CASE("protocol §4.1 (f): repeats are settable, at n - 1, n and n + 1") {
    for (const std::size_t repeats : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
        ResponderConfig config = World().config();
        config.repeat_count_max = repeats;
        Responder responder(config);
        const Frame hello = responder.world.good_hello();
        CHECK(responder.send(hello));
        for (std::size_t i = 0; i < repeats; ++i) CHECK(responder.send(hello));
        CHECK(reason_of(responder.send(hello)) == DropReason::handshake_repeat_limit);
    }
}

TEST_CASE("protocol §4.1 (e): a nonce is kept until its HELLO's timestamp and the window") {
    Responder responder(World().config());
    World& world = responder.world;
    const std::int64_t begin = world.unix_ms;
    // From a clock that is 100 s ahead: it stays good for 220 s.
    World::HelloGiven given = world.hello_given();
    given.timestamp = begin + 100'000;
    const Frame hello = world.hello(world.hello_dict(given));
    REQUIRE(responder.send(hello));
    for (const std::int64_t later : {10'000, 119'000, 121'000, 219'999, 220'000}) {
        world.unix_ms = begin + later;
        world.now = Instant(Duration(5'000'000 + 1'000 * later));
        CHECK(reason_of(responder.send(hello)) == DropReason::handshake_replayed);
    }
    world.unix_ms = begin + 220'001;
    CHECK(reason_of(responder.send(hello)) == DropReason::handshake_timestamp);
    CHECK(responder.table.nonce_count() == 0);
}

TEST_CASE("protocol §4.1 (e): a clock that is set back lets no nonce in twice") {
    Responder responder(World().config());
    World& world = responder.world;
    const std::int64_t begin = world.unix_ms;
    const Frame hello = world.good_hello();
    REQUIRE(responder.send(hello));
    world.now += std::chrono::seconds(10);
    world.unix_ms = begin + 3'600'000;
    REQUIRE(responder.send_new());
    CHECK(responder.table.nonce_count() == 1);
    world.unix_ms = begin;
    CHECK(reason_of(responder.send(hello)) == DropReason::handshake_timestamp);
    // New ones get in as soon as their clock has passed what was given up.
    world.unix_ms = begin + 1;
    CHECK(responder.send_new());
}

TEST_CASE("protocol §4.1 (c): with timestamps unchecked, nonces are remembered 120 s") {
    ResponderConfig config = World().config();
    config.timestamp_window = std::chrono::milliseconds(0);
    Responder responder(config);
    World& world = responder.world;
    const Instant begin = world.now;
    const Frame hello = world.good_hello();
    REQUIRE(responder.send(hello));
    for (const std::int64_t later_ms : {10'000, 119'999, 120'000}) {
        world.now = begin + std::chrono::milliseconds(later_ms);
        // The wall clock does not matter.
        world.unix_ms += 1'000'000'000;
        CHECK(reason_of(responder.send(hello)) == DropReason::handshake_replayed);
    }
    world.now = begin + std::chrono::milliseconds(120'001);
    CHECK(responder.send(hello));
}

}  // namespace stt::handshake
