// What two shards of a node tell each other, with the records and WebSockets of both in one loop.
#include "node/shard_exchange.hpp"

#include "platform/entropy.hpp"
#include "tests/unit/core/wire/raw_frame.hpp"
#include "tests/unit/node/loopback.hpp"

namespace stt::node {
namespace {

using node_test::pattern;
using ByteVector = std::vector<std::uint8_t>;

const ByteVector seed(32, 7);
const connection::Moment moment{Instant(Duration(1'000)), 1'800'000'000'000};

// Passes on what a node's transports tell it, as a node does.
struct Owner final : TransportOwner {
    bool handle_datagrams(const Route& from, MutableBytes data, std::size_t segment_size,
                          std::uint8_t ecn) override {
        return endpoint == nullptr ||
               endpoint->handle_datagrams(moment, from, data, segment_size, ecn);
    }
    void run() override {}
    void handle_route_closed(const Route& route) override {
        closed.push_back(route.connection);
        if (exchange != nullptr) exchange->handle_closed(route);
    }
    void set_route_full(const Route& route, bool is_full) override {
        full[route.connection] = is_full;
        if (exchange != nullptr) exchange->handle_full_changed(route);
    }
    bool carries_session(const Route&) const override { return false; }
    void log(LogLevel, const std::string&) const override {}

    ShardExchange* exchange = nullptr;
    connection::Endpoint* endpoint = nullptr;
    std::vector<std::uint64_t> closed;
    std::map<std::uint64_t, bool> full;
};

struct Shard {
    Shard(asio::io_context& context, ShardMail& mail, std::size_t index)
        : seat{index, mail.count(), &mail},
          endpoint(config(), random),
          websockets(context, owner, {}, random, {seat.first_number(), seat.count}),
          exchange(seat, owner, endpoint, websockets) {
        owner.exchange = &exchange;
        owner.endpoint = &endpoint;
        mail.set_wake(index, [this] { ++wakes; });
    }
    connection::EndpointConfig config() {
        connection::EndpointConfig config;
        config.identity.fill(5);
        config.responder.shard = {seat.index, seat.count};
        config.strays = &exchange;
        return config;
    }

    ShardSeat seat;
    Owner owner;
    platform::SystemRandom random;
    connection::Endpoint endpoint;
    WebSocketPorts websockets;
    ShardExchange exchange;
    std::size_t wakes = 0;
};

// The first shard has a WebSocket, number 2, from a client; the second has sessions on it, or says
// so.
struct Shards {
    Shards()
        : near(context, mail, 0), far(context, mail, 1), client(context, of_client, {}, random) {
        const auto bound = near.websockets.listen(Address::ipv4({127, 0, 0, 1}, 0), {});
        REQUIRE(bound);
        bool is_open = false;
        client.open({*bound, {}, false}, [&](std::error_code error, const Route& opened) {
            is_open = !error;
            of_client_route = opened;
        });
        run_until([&] { return is_open && near.websockets.has(route); });
    }
    template <class Condition>
    void run_until(Condition condition) {
        for (int i = 0; i < 2'000 && !condition(); ++i) {
            context.run_one_for(std::chrono::milliseconds(5));
            context.restart();
        }
        CHECK(condition());
    }
    void tell_near(ShardRecord kind) {
        REQUIRE(mail.send({1, 0}, {static_cast<std::uint8_t>(kind), 0, route}, {}));
        near.exchange.take_mail();
    }
    // What the second shard has been told, oldest first.
    std::vector<ShardRecord> told() {
        std::vector<ShardRecord> kinds;
        mail.take_all(1, [&](std::size_t, const Record& record, MutableBytes) {
            CHECK(record.route.connection == route.connection);
            kinds.push_back(static_cast<ShardRecord>(record.kind));
        });
        return kinds;
    }

    asio::io_context context{1};
    ShardMail mail{2};
    platform::SystemRandom random;
    Shard near;
    Shard far;
    Owner of_client;
    WebSocketPorts client;
    Route of_client_route;
    Route route{Address::ipv4({127, 0, 0, 1}, 1), 2};
};

TEST_CASE("who uses a WebSocket of another shard is told when it closes") {
    Shards shards;
    shards.tell_near(ShardRecord::in_use);
    CHECK(shards.told().empty());
    shards.client.close(shards.of_client_route, 1'000, "test");
    shards.run_until([&] { return !shards.near.owner.closed.empty(); });
    CHECK(shards.told() == std::vector{ShardRecord::has_closed});
    // And who says so too late, at once.
    shards.tell_near(ShardRecord::in_use);
    CHECK(shards.told() == std::vector{ShardRecord::has_closed});
}

TEST_CASE("who uses a WebSocket of another shard is told that it is full, and has room") {
    Shards shards;
    shards.tell_near(ShardRecord::in_use);
    // The client's loop is this one: it takes nothing meanwhile.
    const auto piece = pattern(60'000);
    while (!shards.near.websockets.is_full(shards.route)) {
        REQUIRE(shards.mail.send(
            {1, 0}, {static_cast<std::uint8_t>(ShardRecord::message), 0, shards.route}, piece));
        shards.near.exchange.take_mail();
    }
    CHECK(shards.told() == std::vector{ShardRecord::has_no_room});
    CHECK(shards.near.owner.full[2]);
    // Who comes to one that is full is told so.
    shards.tell_near(ShardRecord::in_use);
    CHECK(shards.told() == std::vector{ShardRecord::has_no_room});
    shards.run_until([&] { return !shards.near.owner.full[2]; });
    CHECK(shards.told() == std::vector{ShardRecord::has_room});
}

TEST_CASE("a WebSocket that the last shard has let go of is closed") {
    Shards shards;
    shards.tell_near(ShardRecord::in_use);
    CHECK(shards.near.exchange.is_used_elsewhere(shards.route));
    shards.tell_near(ShardRecord::unused);
    CHECK_FALSE(shards.near.exchange.is_used_elsewhere(shards.route));
    shards.run_until([&] { return !shards.of_client.closed.empty(); });
}

TEST_CASE("frames for a shard that is late wait, and leave room for messages to its WebSockets") {
    Shards shards;
    shards.tell_near(ShardRecord::in_use);
    const ByteVector burst(60'000);
    for (int i = 0; i < 40; ++i) shards.near.exchange.take_stray(1, shards.route, burst, 0);
    shards.near.exchange.send(Route({}, 3), burst);  // of the second shard
    const auto counts = shards.mail.statistics().threads.at(0);
    CHECK(counts.drops_full == 0);
    CHECK(counts.messages_forwarded == 1);
    CHECK(counts.datagrams_forwarded < 40);
}

TEST_CASE("what a shard has no room for is told when there is, as it is then") {
    Shards shards;
    shards.tell_near(ShardRecord::in_use);
    // Nobody takes what the second shard is sent.
    const ByteVector filler(60'000);
    while (shards.mail.send({0, 1}, {}, filler)) {
    }
    while (shards.mail.send({0, 1}, {}, {})) {
    }
    shards.client.close(shards.of_client_route, 1'000, "test");
    shards.run_until([&] { return !shards.near.owner.closed.empty(); });
    const std::size_t wakes = shards.near.wakes;
    shards.mail.take_all(1, [](std::size_t, const Record& record, MutableBytes) {
        CHECK(static_cast<ShardRecord>(record.kind) != ShardRecord::has_closed);
    });
    CHECK(shards.near.wakes == wakes + 1);
    shards.near.exchange.take_mail();
    CHECK(shards.told() == std::vector{ShardRecord::has_closed});
}

TEST_CASE("frames of a WebSocket for a shard that has no room wait, and so does the WebSocket") {
    Shards shards;
    wire::RawFrame frame;
    frame.session_id[0] = 1;
    const auto bytes = frame.bytes();
    while (shards.mail.send({0, 1}, {}, ByteVector(60'000))) {
    }
    while (shards.mail.send({0, 1}, {}, bytes)) {
    }
    const auto counts = [&](auto count) { return shards.mail.statistics().threads[0].*count; };
    using Thread = NodeGroupStatistics::Thread;
    // Of a stranger they are dropped.
    shards.client.send(shards.of_client_route, bytes);
    shards.run_until([&] { return counts(&Thread::drops_full) == 1; });
    shards.tell_near(ShardRecord::in_use);
    constexpr std::size_t count = 3;
    for (std::size_t i = 0; i < count; ++i) {
        shards.client.send(shards.of_client_route, bytes);
        for (int k = 0; k < 5; ++k) shards.context.run_one_for(std::chrono::milliseconds(1));
    }
    CHECK(counts(&Thread::drops_full) == 1);
    CHECK(counts(&Thread::datagrams_forwarded) == 0);
    std::size_t came = 0;
    shards.run_until([&] {
        shards.mail.take_all(1, [&](std::size_t, const Record& record, MutableBytes payload) {
            const bool is_frame = record.route.connection == 2 && payload.size() == bytes.size();
            came += is_frame ? 1u : 0u;
        });
        shards.near.exchange.take_mail();
        return came == count;
    });
    CHECK(counts(&Thread::drops_full) == 1);
}

TEST_CASE("a session learns how it is with the WebSocket of another shard by which it came") {
    Shards shards;
    REQUIRE(shards.far.endpoint.add_seed(seed));
    connection::EndpointConfig config;
    config.identity.fill(6);
    connection::Endpoint client(config, shards.random);
    const auto client_seed = client.add_seed(seed);
    const Route gone{shards.route.address, 4};
    ByteVector buffer(65'507);
    // A handshake id of the second shard comes within a few tries.
    for (bool is_of_far = false; !is_of_far;) {
        const auto attempt = client.connect(moment, *client_seed, {&gone, 1});
        const auto hello = client.poll_transmit(moment, buffer);
        REQUIRE(hello);
        is_of_far = buffer[3] % 2 == 1;
        if (!is_of_far) client.cancel(attempt);
    }
    REQUIRE(shards.near.endpoint.handle_datagrams(moment, gone, MutableBytes(buffer).first(1'200),
                                                  1'200, 0));
    shards.far.exchange.take_mail();
    CHECK(shards.far.endpoint.half_open_count() == 1);
    const auto response = shards.far.endpoint.poll_transmit(moment, buffer);
    REQUIRE(response);
    // Not of a session yet: it goes, and what becomes of the WebSocket is not told.
    shards.far.exchange.send(response->to, MutableBytes(buffer).first(response->size));
    shards.near.exchange.take_mail();
    CHECK(shards.told().empty());

    client.handle_datagrams(moment, gone, MutableBytes(buffer).first(response->size),
                            response->size, 0);
    const auto proof = client.poll_transmit(moment, buffer);
    REQUIRE(proof);
    shards.near.endpoint.handle_datagrams(moment, gone, MutableBytes(buffer).first(proof->size),
                                          proof->size, 0);
    shards.far.exchange.take_mail();
    CHECK(shards.far.endpoint.session_count() == 1);
    const auto hear = [&](ShardRecord kind) {
        REQUIRE(shards.mail.send({0, 1}, {static_cast<std::uint8_t>(kind), 0, gone}, {}));
        shards.far.exchange.take_mail();
    };
    hear(ShardRecord::has_no_room);
    CHECK(shards.far.owner.full[4]);
    hear(ShardRecord::has_room);
    CHECK_FALSE(shards.far.owner.full[4]);
    // The first shard, which has no such WebSocket, hears of its use, and says so.
    shards.near.exchange.take_mail();
    shards.far.exchange.take_mail();
    CHECK(shards.far.owner.closed == std::vector<std::uint64_t>{4});
}

}  // namespace
}  // namespace stt::node
