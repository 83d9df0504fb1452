#include "core/handshake/rate_limit.hpp"

#include <doctest/doctest.h>

#include "testing/seeded_random.hpp"
#include "tests/unit/core/handshake/forge.hpp"

namespace stt::handshake {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Address host(std::uint32_t number) {
    return Address::ipv4(
        {10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
         static_cast<std::uint8_t>(number)},
        9001);
}

struct Limited {
    explicit Limited(const RateLimitConfig& config) : rate(config) {}
    // Whether one more began.
    bool begin(const Address& source) {
        const auto checked = rate.check(now, source);
        if (checked) rate.count(now, source);
        if (!checked) reason = checked.error();
        return checked.has_value();
    }
    RateLimit rate;
    Instant now{seconds(100)};
    DropReason reason = DropReason::count_;
};

TEST_CASE("protocol §4.1 (i): a source begins its burst and no more, then its rate") {
    Limited limited({.total = {0, 1}, .source = {10, 3}});
    for (int i = 0; i < 3; ++i) CHECK(limited.begin(host(1)));
    CHECK(!limited.begin(host(1)));
    CHECK(limited.reason == DropReason::handshake_source_rate);
    // Another source has its own.
    CHECK(limited.begin(host(2)));
    limited.now += milliseconds(99);
    CHECK(!limited.begin(host(1)));
    limited.now += milliseconds(1);
    CHECK(limited.begin(host(1)));
    CHECK(!limited.begin(host(1)));
    limited.now += seconds(1'000);
    for (int i = 0; i < 3; ++i) CHECK(limited.begin(host(1)));
    CHECK(!limited.begin(host(1)));
}

TEST_CASE("protocol §4.1 (i): the rate of all sources together has its own limit and counter") {
    Limited limited({.total = {10, 5}, .source = {10, 100}});
    for (std::uint32_t i = 0; i < 5; ++i) CHECK(limited.begin(host(i)));
    CHECK(!limited.begin(host(6)));
    CHECK(limited.reason == DropReason::handshake_rate);
    limited.now += milliseconds(100);
    CHECK(limited.begin(host(6)));
}

TEST_CASE("protocol §4.1 (i): an IPv6 source is its /64, an IPv4 source its address, any port") {
    Limited limited({.total = {0, 1}, .source = {1, 1}});
    std::array<std::uint8_t, 16> octets{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1};
    CHECK(limited.begin(Address::ipv6(octets, 1)));
    octets[8] = 1;
    octets[15] = 7;
    CHECK(!limited.begin(Address::ipv6(octets, 2)));
    octets[7] = 2;
    CHECK(limited.begin(Address::ipv6(octets, 2)));
    CHECK(limited.begin(host(1)));
    CHECK(!limited.begin(host(1).with_port(5)));
    CHECK(limited.begin(host(2)));
}

TEST_CASE("protocol §4.1 (i): 0 turns a rate off") {
    Limited limited({.total = {0, 1}, .source = {0, 1}});
    for (int i = 0; i < 10'000; ++i) REQUIRE(limited.begin(host(1)));
    CHECK(limited.rate.source_count() == 0);
}

TEST_CASE("protocol §4.1 (i): sources without number hold no more than the table's bound") {
    Limited limited({.total = {0, 1}, .source = {1, 4}, .source_count_max = 100});
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        REQUIRE(limited.begin(host(i)));
        REQUIRE(limited.rate.source_count() <= 100);
    }
    // The busiest is not the one that is forgotten.
    for (int i = 0; i < 3; ++i) CHECK(limited.begin(host(9'999)));
    for (std::uint32_t i = 20'000; i < 20'090; ++i) CHECK(limited.begin(host(i)));
    CHECK(!limited.begin(host(9'999)));
    // Whose time has passed is as good as never seen.
    limited.now += seconds(4);
    CHECK(limited.begin(host(1)));
    CHECK(limited.rate.source_count() == 1);
}

TEST_CASE("protocol §4.1 (i): a limiter admits what a naive count of the past would") {
    testing::SeededRandom random(7);
    Limited limited({.total = {0, 1}, .source = {100, 10}});
    // A bucket of tokens in microseconds' worth.
    std::int64_t tokens = 100'000;
    for (int step = 0; step < 20'000; ++step) {
        const auto passed = static_cast<std::int64_t>(random.below(20'000));
        limited.now += Duration(passed);
        tokens = std::min<std::int64_t>(tokens + passed, 100'000);
        const bool is_admitted = tokens >= 10'000;
        if (is_admitted) tokens -= 10'000;
        REQUIRE(limited.begin(host(1)) == is_admitted);
    }
}

TEST_CASE("protocol §4.1 (i): only a HELLO that is good in all else counts against the rate") {
    World world;
    ResponderConfig config = world.config();
    config.rate = {.total = {1, 1}, .source = {1, 1}};
    ResponderTable table(config, world.random);
    REQUIRE(table.add_seed(1, world.context));
    const auto send = [&](Frame frame) {
        return table.handle_hello(world.now, world.unix_ms, world.from, frame.view(), none_in_use);
    };
    // Of another seed, forged, and too old: anybody can send these from any address.
    Frame strange = seal(world.other_context, {.hint_of = &world.other_context},
                         padded(world.hello_dict(world.hello_given()), true));
    CHECK(reason_of(send(strange)) == DropReason::handshake_seed_unknown);
    Frame forged = world.good_hello();
    forged.bytes().back() ^= 1;
    CHECK(reason_of(send(forged)) == DropReason::not_authentic);
    World::HelloGiven old = world.hello_given();
    old.timestamp -= 500'000;
    CHECK(reason_of(send(world.hello(world.hello_dict(old)))) == DropReason::handshake_timestamp);
    Frame good = world.good_hello();
    CHECK(send(good));
    CHECK(reason_of(send(world.good_hello())) == DropReason::handshake_rate);
    // A repeat is no new handshake.
    CHECK(send(good));
    world.now += seconds(1);
    CHECK(send(world.good_hello()));
    CHECK(table.nonce_count() == 2);
}

TEST_CASE("protocol §4.1 (b): the seed of a HELLO is found among 1, 7, 8, 9 and 64") {
    World world;
    for (const std::size_t count : {1u, 7u, 8u, 9u, 64u}) {
        ResponderTable table(world.config(), world.random);
        std::vector<std::unique_ptr<stc::Context>> others;
        for (std::size_t i = 0; i + 1 < count; ++i) {
            std::vector<std::uint8_t> seed(16, static_cast<std::uint8_t>(i + 1));
            others.push_back(std::make_unique<stc::Context>(*stc::Context::create(seed)));
            REQUIRE(table.add_seed(100 + i, *others.back()));
        }
        Frame hello = world.good_hello();
        CHECK(reason_of(table.handle_hello(world.now, world.unix_ms, world.from, hello.view(),
                                           none_in_use)) == DropReason::handshake_seed_unknown);
        REQUIRE(table.add_seed(1, world.context));
        CHECK(table.handle_hello(world.now, world.unix_ms, world.from, hello.view(), none_in_use));
        // Whatever is removed before it, it is found.
        if (count > 2) REQUIRE(table.remove_seed(101));
        Frame next = world.good_hello();
        CHECK(table.handle_hello(world.now, world.unix_ms, world.from, next.view(), none_in_use));
        REQUIRE(table.remove_seed(1));
        CHECK(table.half_open_count() == 0);
        Frame late = world.good_hello();
        CHECK(reason_of(table.handle_hello(world.now, world.unix_ms, world.from, late.view(),
                                           none_in_use)) == DropReason::handshake_seed_unknown);
    }
}

TEST_CASE("protocol §4.1 (i): half-open handshakes count as the sessions that they may become") {
    World world;
    ResponderTable table(world.config(), world.random);
    REQUIRE(table.add_seed(1, world.context));
    table.set_session_room(2);
    const auto send = [&](Frame frame) {
        return table.handle_hello(world.now, world.unix_ms, world.from, frame.view(), none_in_use);
    };
    Frame first = world.good_hello();
    CHECK(send(first));
    CHECK(send(world.good_hello()));
    CHECK(reason_of(send(world.good_hello())) == DropReason::session_limit);
    // Who has begun may finish.
    CHECK(send(first));
}

}  // namespace
}  // namespace stt::handshake
