// Sessions over WebSockets, which the engine knows as numbered routes: two endpoints in memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <vector>

#include "tests/unit/core/connection/seeded_endpoint.hpp"

namespace stt::connection {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Side : SeededEndpoint {
    explicit Side(std::uint64_t random_seed, std::uint8_t identity_byte)
        : SeededEndpoint(random_seed, config_of(identity_byte)) {}
    static EndpointConfig config_of(std::uint8_t identity_byte) {
        EndpointConfig config;
        config.identity.fill(identity_byte);
        config.capabilities = {.streaming = true, .udp = false, .websocket = true};
        return config;
    }
    template <class Event>
    const Event* find() const {
        for (const EndpointEvent& event : events) {
            if (const auto* found = std::get_if<Event>(&event)) return found;
        }
        return nullptr;
    }
    template <class Event>
    std::size_t count_of_session() const {
        return static_cast<std::size_t>(
            std::count_if(events.begin(), events.end(), [](const EndpointEvent& event) {
                const auto* of_session = std::get_if<SessionEvent>(&event);
                return of_session != nullptr && std::holds_alternative<Event>(of_session->event);
            }));
    }

    std::vector<EndpointEvent> events;
    std::vector<Route> sent;
};

// What is sent by an open WebSocket arrives at once, what by another goes nowhere.
struct Pair {
    Moment moment() const {
        return {now, 1'700'000'000'000 + now.time_since_epoch().count() / 1'000};
    }

    bool drain_one(Side& from, Side& to) {
        const auto transmit = from.endpoint.poll_transmit(moment(), buffer);
        while (auto event = from.endpoint.poll_event()) from.events.push_back(*std::move(event));
        if (!transmit) return false;
        from.sent.push_back(transmit->to);
        if (!open.contains(transmit->to.connection)) return true;
        std::vector<std::uint8_t> message(
            buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(transmit->size));
        to.endpoint.handle_datagrams(moment(), transmit->to, message, message.size(), 0);
        return true;
    }
    void drain() {
        bool is_moving = true;
        while (is_moving) {
            const bool of_client = drain_one(*client, *server);
            is_moving = drain_one(*server, *client) || of_client;
        }
    }
    void run(Duration time) {
        const Instant end = now + time;
        drain();
        while (true) {
            Instant next = end;
            for (const Side* side : {client.get(), server.get()}) {
                if (const auto timeout = side->endpoint.poll_timeout()) {
                    next = std::min(next, std::max(*timeout, now));
                }
            }
            now = std::max(next, now + Duration(1));
            if (now > end) break;
            client->endpoint.handle_timeout(moment());
            server->endpoint.handle_timeout(moment());
            drain();
        }
        now = end;
    }
    SessionHandle establish() {
        const Route route(Address{}, 1);
        client->endpoint.connect(moment(), client->seed, {&route, 1});
        run(milliseconds(10));
        const auto* connected = client->find<SessionConnected>();
        REQUIRE(connected != nullptr);
        REQUIRE(server->find<SessionAccepted>() != nullptr);
        return connected->session;
    }
    void close(std::uint64_t websocket) {
        open.erase(websocket);
        client->endpoint.handle_route_closed(moment(), Route(Address{}, websocket));
        server->endpoint.handle_route_closed(moment(), Route(Address{}, websocket));
    }

    Instant now{seconds(100)};
    std::set<std::uint64_t> open{1};
    std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(65'507);
    std::unique_ptr<Side> client = std::make_unique<Side>(1, std::uint8_t{1});
    std::unique_ptr<Side> server = std::make_unique<Side>(2, std::uint8_t{2});
};

}  // namespace

TEST_CASE("protocol §4.3 (b): on a WebSocket HELLO leaves every 2 s, for 10 s") {
    Pair pair;
    pair.open.clear();
    const Route route(Address{}, 1);
    pair.client->endpoint.connect(pair.moment(), pair.client->seed, {&route, 1});
    pair.run(milliseconds(9'999));
    CHECK(pair.client->sent == std::vector<Route>(5, route));
    CHECK(pair.client->find<ConnectFailed>() == nullptr);
    pair.run(milliseconds(2));
    REQUIRE(pair.client->find<ConnectFailed>() != nullptr);
    CHECK(pair.client->find<ConnectFailed>()->error == ConnectError::timeout);
}

TEST_CASE("protocol §13.3 (b): no message is over 2,048 bytes before the session is confirmed") {
    Pair pair;
    const Route route(Address{}, 1);
    pair.client->endpoint.connect(pair.moment(), pair.client->seed, {&route, 1});
    REQUIRE(pair.drain_one(*pair.client, *pair.server));  // HELLO
    REQUIRE(pair.drain_one(*pair.server, *pair.client));  // RESPONSE
    const auto transmit = [&] {
        return pair.client->endpoint.poll_transmit(pair.moment(), pair.buffer);
    };
    // AUTH_PROOF and the first data may leave together.
    Endpoint& endpoint = pair.client->endpoint;
    SessionHandle session = 0;
    REQUIRE(endpoint.sessions_after(0, {&session, 1}) == 1);
    const auto key = endpoint.find(session)->open_stream("x");
    REQUIRE(key.has_value());
    REQUIRE(endpoint.find(session)->write(*key, std::vector<std::uint8_t>(50'000)).has_value());
    endpoint.touch(session);
    std::size_t sent = 0;
    while (const auto message = transmit()) {
        CHECK(message->size <= 2'048);
        sent += message->size;
    }
    CHECK(sent > 50'000);
}

TEST_CASE("protocol §11.1: a session goes on over another WebSocket, with all that was under way") {
    Pair pair;
    const SessionHandle session = pair.establish();
    Connection& connection = *pair.client->endpoint.find(session);
    pair.close(1);
    const auto key = connection.open_stream("x");
    REQUIRE(key.has_value());
    REQUIRE(connection.write(*key, std::vector<std::uint8_t>(200'000, 5)).has_value());
    pair.client->endpoint.touch(session);
    pair.run(seconds(1));
    CHECK(connection.streams().acknowledged_end(*key) == 0u);
    pair.open.insert(2);
    pair.client->endpoint.move_to(pair.moment(), session, Route(Address{}, 2));
    pair.run(seconds(1));
    CHECK(connection.route() == Route(Address{}, 2));
    const SessionHandle accepted = pair.server->find<SessionAccepted>()->session;
    Connection& peer = *pair.server->endpoint.find(accepted);
    CHECK(peer.route() == Route(Address{}, 2));
    // No more than its first credit comes unread.
    std::array<std::uint8_t, 65'536> output;
    std::size_t received = 0;
    for (int round = 0; round < 100 && received < 200'000; ++round) {
        const auto outcome = peer.read(pair.now, *key, output);
        REQUIRE(outcome.has_value());
        received += outcome->size;
        pair.server->endpoint.touch(accepted);
        pair.run(milliseconds(10));
    }
    CHECK(received == 200'000);
    CHECK(pair.client->find<SessionReconnected>() == nullptr);
    // It closes in turn, and the one after that carries the session.
    pair.close(2);
    pair.open.insert(3);
    pair.client->endpoint.move_to(pair.moment(), session, Route(Address{}, 3));
    pair.run(seconds(1));
    CHECK(connection.route() == Route(Address{}, 3));
    CHECK(pair.client->count_of_session<Closed>() == 0);
}

TEST_CASE("protocol §12.2 (f): a peer that lost the session is met anew over the WebSocket given") {
    Pair pair;
    const SessionHandle session = pair.establish();
    pair.close(1);
    pair.server = std::make_unique<Side>(3, std::uint8_t{2});
    pair.run(seconds(5));
    CHECK(pair.client->find<SessionReconnected>() == nullptr);
    pair.open.insert(2);
    pair.client->endpoint.move_to(pair.moment(), session, Route(Address{}, 2));
    pair.run(seconds(12));
    const auto* again = pair.client->find<SessionReconnected>();
    REQUIRE(again != nullptr);
    CHECK(again->old_session == session);
    CHECK(pair.client->count_of_session<Closed>() == 1);
    CHECK(pair.server->find<SessionAccepted>() != nullptr);
    // The new one moves as well.
    const SessionHandle successor = again->new_session;
    pair.close(2);
    pair.open.insert(3);
    pair.client->endpoint.move_to(pair.moment(), successor, Route(Address{}, 3));
    pair.run(seconds(1));
    CHECK(pair.client->endpoint.find(successor)->route() == Route(Address{}, 3));
}

TEST_CASE("move_to() of a session that has ended is without effect") {
    Pair pair;
    pair.client->endpoint.move_to(pair.moment(), 77, Route(Address{}, 2));
    pair.run(seconds(1));
    CHECK(pair.client->sent.empty());
}

}  // namespace stt::connection
