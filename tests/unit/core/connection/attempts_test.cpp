#include "core/connection/attempts.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/unit/core/connection/seeded_endpoint.hpp"

namespace stt::connection {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Route v4(std::uint8_t number) {
    return Address::ipv4({10, 0, 0, number}, 9001);
}
Route v6(std::uint8_t number) {
    return Address::ipv6({0xfd, number}, 9001);
}

TEST_CASE("interleaved() takes families in turn, begins with the first, and drops repeats") {
    const std::vector<Route> given{v6(1), v6(2), v6(3), v4(1), v6(1), v4(2)};
    CHECK(interleaved(given) == std::vector<Route>{v6(1), v4(1), v6(2), v4(2), v6(3)});
    const std::vector<Route> few{v4(1), v6(1), v6(2), v6(3)};
    CHECK(interleaved(few) == std::vector<Route>{v4(1), v6(1), v6(2), v6(3)});
    CHECK(interleaved({}).empty());
}

// An endpoint whose datagrams go nowhere.
struct Lonely : SeededEndpoint {
    explicit Lonely(const EndpointConfig& config = {}) : SeededEndpoint(3, config) { drain(); }
    Moment moment() const { return {now, 1'700'000'000'000}; }
    void drain() {
        while (const auto transmit = endpoint.poll_transmit(moment(), buffer)) {
            sent.push_back({now, transmit->to.address});
        }
        while (const auto event = endpoint.poll_event()) events.push_back(*event);
    }
    void run_until(Instant until) {
        while (const auto at = endpoint.poll_timeout()) {
            if (*at > until) break;
            now = std::max(now, *at);
            endpoint.handle_timeout(moment());
            drain();
        }
        now = until;
    }
    std::vector<ConnectError> errors() const {
        std::vector<ConnectError> found;
        for (const EndpointEvent& event : events) {
            const auto* failed = std::get_if<ConnectFailed>(&event);
            if (failed != nullptr) found.push_back(failed->error);
        }
        return found;
    }
    struct Sent {
        Instant at{};
        Address to;
    };
    Instant now{seconds(1)};
    std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(65'507);
    std::vector<Sent> sent;
    std::vector<EndpointEvent> events;
};

TEST_CASE("protocol §4.3 (e): each address gets a HELLO of its own, 250 ms after the one before") {
    Lonely lonely;
    const std::vector<Route> addresses{v6(1).address, v4(1).address, v6(2).address};
    const Instant started = lonely.now;
    lonely.endpoint.connect(lonely.moment(), lonely.seed, addresses);
    lonely.drain();
    lonely.run_until(started + milliseconds(510));
    std::vector<std::pair<Duration, Route>> seen;
    for (const auto& sent : lonely.sent) seen.emplace_back(sent.at - started, sent.to);
    // The second HELLO to the first, as §4.3 (a) has it, comes at 250 ms as well.
    const std::vector<std::pair<Duration, Route>> expected{{milliseconds(0), addresses[0]},
                                                           {milliseconds(250), addresses[0]},
                                                           {milliseconds(250), addresses[1]},
                                                           {milliseconds(500), addresses[1]},
                                                           {milliseconds(500), addresses[2]}};
    CHECK(seen == expected);
    // Each is tried for 10 s; the attempt fails with the last.
    lonely.run_until(started + milliseconds(10'499));
    CHECK(lonely.errors().empty());
    lonely.run_until(started + milliseconds(10'500));
    CHECK(lonely.errors() == std::vector{ConnectError::timeout});
    CHECK(lonely.sent.size() == 3 * 8);
    CHECK(lonely.endpoint.statistics().attempts == 0);
    CHECK(!lonely.endpoint.poll_timeout());
}

TEST_CASE("protocol §4.3 (e): with no delay between addresses all get their HELLO at once") {
    EndpointConfig config;
    config.address_delay = Duration::zero();
    Lonely lonely(config);
    std::vector<Route> addresses;
    for (std::uint8_t i = 0; i < 64; ++i) addresses.push_back(v4(i).address);
    const AttemptId attempt = lonely.endpoint.connect(lonely.moment(), lonely.seed, addresses);
    lonely.drain();
    CHECK(lonely.sent.size() == 64);
    lonely.endpoint.cancel(attempt);
    CHECK(!lonely.endpoint.poll_timeout());
    CHECK(lonely.endpoint.statistics().attempts == 0);
    CHECK(lonely.errors().empty());
}

TEST_CASE("protocol §4.5 (b): what is wrong with a request has its own error and counter") {
    EndpointConfig config;
    config.session_count_max = 1;
    Lonely lonely(config);
    const std::vector<Route> one{v4(1).address};
    const std::vector<Route> many(65, v4(1).address);
    lonely.endpoint.connect(lonely.moment(), lonely.seed, {});
    lonely.endpoint.connect(lonely.moment(), lonely.seed, many);
    lonely.endpoint.connect(lonely.moment(), lonely.seed + 1, one);
    lonely.endpoint.connect(lonely.moment(), lonely.seed, one);
    lonely.endpoint.connect(lonely.moment(), lonely.seed, one);
    REQUIRE(lonely.endpoint.remove_seed(lonely.moment(), lonely.seed));
    lonely.drain();
    const std::vector expected{ConnectError::no_address, ConnectError::too_many_addresses,
                               ConnectError::seed_unknown, ConnectError::too_many_sessions,
                               ConnectError::seed_removed};
    CHECK(lonely.errors() == expected);
    const auto statistics = lonely.endpoint.statistics();
    for (const ConnectError error : expected) {
        CHECK(statistics.attempts_failed[static_cast<std::size_t>(error)] == 1);
    }
    CHECK(!lonely.endpoint.remove_seed(lonely.moment(), lonely.seed));
}

TEST_CASE("every ConnectError has a word of its own") {
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < connect_error_count; ++i) {
        const std::string_view word = name_of(static_cast<ConnectError>(i));
        CHECK(word != "unknown");
        CHECK(std::find(words.begin(), words.end(), word) == words.end());
        words.push_back(word);
    }
}

TEST_CASE("a node takes 64 seeds unless set, and one more when one was removed") {
    Lonely lonely;
    std::vector<handshake::SeedId> seeds{lonely.seed};
    for (std::uint8_t i = 1; i < 64; ++i) {
        const auto added = lonely.endpoint.add_seed(std::vector<std::uint8_t>(32, i));
        REQUIRE(added);
        seeds.push_back(*added);
    }
    const std::vector<std::uint8_t> late(32, 100);
    auto refused = lonely.endpoint.add_seed(late);
    REQUIRE(!refused);
    CHECK(refused.error() == AddSeedError::too_many);
    REQUIRE(lonely.endpoint.remove_seed(lonely.moment(), seeds[20]));
    const auto added = lonely.endpoint.add_seed(late);
    REQUIRE(added);
    // An id names one seed for good.
    CHECK(std::find(seeds.begin(), seeds.end(), *added) == seeds.end());
    CHECK(lonely.endpoint.add_seed(std::vector<std::uint8_t>(15, 1)).error() ==
          AddSeedError::too_many);
    REQUIRE(lonely.endpoint.remove_seed(lonely.moment(), *added));
    CHECK(lonely.endpoint.add_seed(std::vector<std::uint8_t>(15, 1)).error() ==
          AddSeedError::too_short);
    CHECK(lonely.endpoint.add_seed(std::vector<std::uint8_t>(4'097, 1)).error() ==
          AddSeedError::too_long);
}

TEST_CASE("a seed expires at its time, and tells") {
    Lonely lonely;
    const Instant expiry = lonely.now + seconds(5);
    const auto seed = lonely.endpoint.add_seed(std::vector<std::uint8_t>(32, 1), expiry);
    REQUIRE(seed);
    const std::vector<Route> one{v4(1).address};
    lonely.endpoint.connect(lonely.moment(), *seed, one);
    lonely.run_until(expiry - Duration(1));
    CHECK(lonely.events.empty());
    lonely.run_until(expiry);
    REQUIRE(lonely.events.size() == 2);
    CHECK(lonely.errors() == std::vector{ConnectError::seed_removed});
    const auto* expired = std::get_if<SeedExpired>(&lonely.events[1]);
    REQUIRE(expired != nullptr);
    CHECK(expired->seed == *seed);
    CHECK(lonely.endpoint.statistics().seeds == 1);
}

}  // namespace
}  // namespace stt::connection
