// Datagrams that hold frames of several sessions.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/unit/core/connection/seeded_endpoint.hpp"

namespace stt::connection {
namespace {

using Datagram = std::vector<std::uint8_t>;

struct Side : SeededEndpoint {
    Side(std::uint8_t number, PaddingPolicy padding)
        : SeededEndpoint(number, config_of(number, padding)) {}
    static EndpointConfig config_of(std::uint8_t number, PaddingPolicy padding) {
        EndpointConfig config;
        config.identity.fill(number);
        config.connection.padding = padding;
        // Nothing is probed meanwhile.
        config.connection.datagram_size_max = recovery::datagram_size_base;
        return config;
    }

    // All that leaves now, each datagram by itself.
    std::vector<Datagram> take_sent(const Moment& moment) {
        std::vector<Datagram> sent;
        std::vector<std::uint8_t> buffer(65'507);
        while (const auto transmit = endpoint.poll_transmit(moment, buffer)) {
            for (std::size_t at = 0; at < transmit->size; at += transmit->segment_size) {
                const std::size_t size = std::min(transmit->segment_size, transmit->size - at);
                const auto begin = buffer.begin() + static_cast<std::ptrdiff_t>(at);
                sent.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(size));
                routes.push_back(transmit->to);
            }
        }
        while (const auto event = endpoint.poll_event()) {
            if (const auto* made = std::get_if<SessionConnected>(&*event)) {
                sessions.push_back(made->session);
            } else if (const auto* accepted = std::get_if<SessionAccepted>(&*event)) {
                sessions.push_back(accepted->session);
            } else if (const auto* told = std::get_if<SessionEvent>(&*event)) {
                if (std::holds_alternative<PongReceived>(told->event)) ++pong_count;
            }
        }
        return sent;
    }

    std::size_t pong_count = 0;
    std::vector<SessionHandle> sessions;
    std::vector<Route> routes;  // of what was taken, each datagram's
};

// Two endpoints and the sessions between them.
struct Pair {
    explicit Pair(std::size_t session_count, PaddingPolicy padding = PaddingPolicy::none)
        : client(1, padding), server(2, padding) {
        for (std::size_t i = 0; i < session_count; ++i) {
            client.endpoint.connect(moment, client.seed, {&server_route, 1});
        }
        exchange();
        REQUIRE(client.sessions.size() == session_count);
        REQUIRE(server.sessions.size() == session_count);
    }

    void give(Side& side, const Route& from, std::vector<Datagram> datagrams) {
        for (Datagram& each : datagrams) {
            side.endpoint.handle_datagrams(moment, from, each, each.size(), 0);
        }
    }
    // Until nobody has anything to say for a while.
    void exchange() {
        for (int quiet = 0; quiet < 100; ++quiet) {
            auto of_client = client.take_sent(moment);
            auto of_server = server.take_sent(moment);
            if (!of_client.empty() || !of_server.empty()) quiet = 0;
            give(server, client_route, std::move(of_client));
            give(client, server_route, std::move(of_server));
            moment.now += std::chrono::milliseconds(1);
            client.endpoint.handle_timeout(moment);
            server.endpoint.handle_timeout(moment);
        }
        client.routes.clear();
        server.routes.clear();
    }
    stream::StreamKey write(SessionHandle session, std::size_t size) {
        return write(client, session, size);
    }
    static stream::StreamKey write(Side& side, SessionHandle session, std::size_t size) {
        Connection& connection = *side.endpoint.find(session);
        const auto key = connection.open_stream("x");
        REQUIRE(key.has_value());
        REQUIRE(connection.write(*key, std::vector<std::uint8_t>(size)).has_value());
        side.endpoint.touch(session);
        return *key;
    }

    const Route client_route = Address::ipv4({10, 0, 0, 1}, 1);
    const Route server_route = Address::ipv4({10, 0, 0, 2}, 1);
    Moment moment{Instant(Duration(1'000)), 1'700'000'000'000};
    Side client;
    Side server;
};

std::set<wire::SessionId> sessions_in(Datagram datagram) {
    std::set<wire::SessionId> sessions;
    for (MutableBytes rest = datagram; !rest.empty();) {
        const auto frame = wire::parse_frame(rest);
        REQUIRE(frame.has_value());
        sessions.insert(frame->session_id);
        rest = rest.subspan(frame->size);
    }
    return sessions;
}

// What the server answers to 3,000 bytes in each session.
struct Answered : Pair {
    explicit Answered(std::size_t session_count, PaddingPolicy padding = PaddingPolicy::none)
        : Pair(session_count, padding) {
        for (const SessionHandle session : client.sessions) keys.push_back(write(session, 3'000));
        give(server, client_route, client.take_sent(moment));
        answers = server.take_sent(moment);
    }
    std::size_t acknowledged_count() {
        std::size_t count = 0;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const Connection& connection = *client.endpoint.find(client.sessions[i]);
            if (connection.streams().acknowledged_end(keys[i]) == 3'000u) ++count;
        }
        return count;
    }

    std::vector<stream::StreamKey> keys;
    std::vector<Datagram> answers;
};

}  // namespace

TEST_CASE("protocol §3.2 (a): acknowledgements of many sessions with one peer share datagrams") {
    Answered pair(40);
    CHECK(pair.answers.size() <= 5);
    std::set<wire::SessionId> sessions;
    for (const Datagram& datagram : pair.answers) {
        CHECK(datagram.size() <= recovery::datagram_size_base);
        sessions.merge(sessions_in(datagram));
    }
    CHECK(sessions.size() == 40);
    pair.give(pair.client, pair.server_route, pair.answers);
    CHECK(pair.acknowledged_count() == 40);
}

TEST_CASE("protocol §3.2 (c): of a shared datagram only the frame that does not open is lost") {
    Answered pair(8);
    REQUIRE(pair.answers.size() == 1);
    Datagram& datagram = pair.answers[0];
    REQUIRE(sessions_in(datagram).size() == 8);
    const auto first = wire::parse_frame(datagram);
    REQUIRE(first.has_value());
    const auto second = wire::parse_frame(MutableBytes(datagram).subspan(first->size));
    REQUIRE(second.has_value());
    datagram[first->size + second->size - 1] ^= 1;  // of its tag
    pair.give(pair.client, pair.server_route, pair.answers);
    CHECK(pair.acknowledged_count() == 7);
    // It is told again.
    pair.exchange();
    CHECK(pair.acknowledged_count() == 8);
}

TEST_CASE("what a session does not say in another's datagram, it says in its turn") {
    Pair pair(4);
    for (const SessionHandle session : pair.client.sessions) {
        pair.write(session, 3'000);
        REQUIRE(pair.client.endpoint.find(session)->ping(pair.moment.now).has_value());
    }
    pair.give(pair.server, pair.client_route, pair.client.take_sent(pair.moment));
    pair.give(pair.client, pair.server_route, pair.server.take_sent(pair.moment));
    pair.client.take_sent(pair.moment);
    CHECK(pair.client.pong_count == 4);
}

TEST_CASE("sessions with different peers share no datagram") {
    Answered pair(1);
    Side other(3, PaddingPolicy::none);
    const Route other_route = Address::ipv4({10, 0, 0, 3}, 1);
    other.endpoint.connect(pair.moment, other.seed, {&pair.server_route, 1});
    for (int round = 0; round < 3; ++round) {
        pair.give(pair.server, other_route, other.take_sent(pair.moment));
        pair.give(other, pair.server_route, pair.server.take_sent(pair.moment));
    }
    REQUIRE(other.sessions.size() == 1);
    pair.exchange();
    // Both have an acknowledgement to get at once.
    Pair::write(other, other.sessions[0], 3'000);
    pair.write(pair.client.sessions[0], 3'000);
    pair.give(pair.server, other_route, other.take_sent(pair.moment));
    pair.give(pair.server, pair.client_route, pair.client.take_sent(pair.moment));
    const auto answers = pair.server.take_sent(pair.moment);
    REQUIRE(answers.size() == 2);
    CHECK(pair.server.routes[0] == other_route);
    CHECK(pair.server.routes[1] == pair.client_route);
    for (const Datagram& datagram : answers) CHECK(sessions_in(datagram).size() == 1);
}

TEST_CASE("a session with DATA to send shares no datagram: its bursts stay full") {
    Pair pair(3);
    for (const SessionHandle session : pair.client.sessions) pair.write(session, 3'000);
    pair.give(pair.server, pair.client_route, pair.client.take_sent(pair.moment));
    const Connection& busy = *pair.server.endpoint.find(pair.server.sessions[1]);
    Pair::write(pair.server, pair.server.sessions[1], 20'000);
    for (const Datagram& datagram : pair.server.take_sent(pair.moment)) {
        const auto sessions = sessions_in(datagram);
        if (sessions.contains(busy.session_id())) CHECK(sessions.size() == 1);
    }
}

TEST_CASE("an ACK of many ranges shares no datagram: it has room for all of them in its own") {
    Pair pair(2);
    const SessionHandle with_gaps = pair.client.sessions[1];
    pair.write(with_gaps, 60'000);
    // Nothing is acknowledged, and so what was lost sent again, until there is enough of it.
    std::vector<Datagram> every_second;
    std::size_t sent_count = 0;
    for (int round = 0; every_second.size() < 50; ++round) {
        REQUIRE(round < 1'000);
        for (Datagram& datagram : pair.client.take_sent(pair.moment)) {
            if (sent_count++ % 2 == 0) every_second.push_back(std::move(datagram));
        }
        pair.moment.now += std::chrono::milliseconds(100);
        pair.client.endpoint.handle_timeout(pair.moment);
    }
    pair.client.take_sent(pair.moment);
    pair.write(pair.client.sessions[0], 3'000);
    // This one is answered first.
    pair.give(pair.server, pair.client_route, pair.client.take_sent(pair.moment));
    pair.give(pair.server, pair.client_route, every_second);
    const Connection& answering = *pair.server.endpoint.find(pair.server.sessions[1]);
    bool has_answered = false;
    for (const Datagram& datagram : pair.server.take_sent(pair.moment)) {
        const auto sessions = sessions_in(datagram);
        if (!sessions.contains(answering.session_id())) continue;
        has_answered = true;
        CHECK(sessions.size() == 1);
    }
    CHECK(has_answered);
}

TEST_CASE("what goes to a responder shares no datagram: it may have a thread for each Session ID") {
    Pair pair(4);
    for (const SessionHandle session : pair.server.sessions) {
        Pair::write(pair.server, session, 3'000);
    }
    pair.give(pair.client, pair.server_route, pair.server.take_sent(pair.moment));
    const auto answers = pair.client.take_sent(pair.moment);
    CHECK(answers.size() == 4);
    for (const Datagram& datagram : answers) CHECK(sessions_in(datagram).size() == 1);
}

TEST_CASE("protocol §12.1: a session that pads shares no datagram: the maximum fills its own") {
    Answered pair(4, PaddingPolicy::bucket);
    CHECK_FALSE(pair.answers.empty());
    for (const Datagram& datagram : pair.answers) CHECK(sessions_in(datagram).size() == 1);
}

}  // namespace stt::connection
