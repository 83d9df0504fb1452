// Streams between two endpoints. Spec protocol §7, §8.3, §9.
#include <doctest/doctest.h>

#include "testing/session_pair.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using stream::StreamEvent;

LinkOptions lossy(Duration delay) {
    LinkOptions link;
    link.delay = delay;
    link.loss = 50'000;
    link.reorder = 50'000;
    return link;
}

TEST_CASE("protocol §7.2 BYTES, §3.5 (a): both sides write at once and close their half") {
    SessionPair pair(1);
    pair.network.set_links(client, server, lossy(milliseconds(5)));
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, "question");
    pair.finish(client, key);
    REQUIRE(
        pair.network.run_until([&] { return pair.received(server, key).is_ended; }, seconds(20)));
    CHECK(pair.connection(server).streams().open_count() == 1);
    // The other half is still open.
    pair.write(server, key, "answer");
    pair.network.run_for(seconds(5));
    CHECK(pair.received(client, key).text == "answer");
    CHECK(!pair.received(client, key).is_ended);
    pair.finish(server, key);
    REQUIRE(
        pair.network.run_until([&] { return pair.received(client, key).is_ended; }, seconds(20)));
    pair.network.run_for(seconds(20));
    CHECK(pair.connection(client).streams().open_count() == 0);
    CHECK(pair.connection(server).streams().open_count() == 0);
}

TEST_CASE(
    "protocol §7.3 (a), §8.3 (c): two thousand streams one after another use their IDs again") {
    SessionPair pair(2);
    pair.network.set_links(client, server, lossy(milliseconds(2)));
    REQUIRE(pair.establish());
    std::uint16_t highest_id = 0;
    std::uint64_t highest_use = 0;
    for (int i = 0; i < 2'000; ++i) {
        std::optional<stream::StreamKey> key;
        REQUIRE(pair.network.run_until(
            [&] {
                const auto opened = pair.connection(client).open_stream("one of many");
                if (opened) key = *opened;
                return key.has_value();
            },
            seconds(60)));
        highest_id = std::max(highest_id, key->id);
        highest_use = std::max(highest_use, key->use);
        const std::string text = "stream " + std::to_string(i);
        pair.write(client, *key, text);
        pair.finish(client, *key);
        REQUIRE(pair.network.run_until([&] { return pair.received(server, *key).is_ended; },
                                       seconds(60)));
        CHECK(pair.received(server, *key).text == text);
        pair.finish(server, *key);
        pair.release(server, *key);
        REQUIRE(pair.network.run_until([&] { return pair.received(client, *key).is_ended; },
                                       seconds(60)));
        pair.release(client, *key);
    }
    pair.network.run_for(seconds(60));
    CHECK(highest_id < 50);
    CHECK(highest_use > 20);
    CHECK(pair.connection(client).streams().open_count() == 0);
    CHECK(pair.connection(server).streams().open_count() == 0);
    CHECK(pair.count(server, StreamEvent::Kind::opened) == 2'000);
}

TEST_CASE(
    "protocol §9.2 (c): what an application does not read costs the peer's progress, not "
    "memory") {
    SessionPair pair(3);
    REQUIRE(pair.establish());
    pair.reads[server] = false;
    std::vector<stream::StreamKey> keys;
    std::size_t written = 0;
    for (int i = 0; i < 100; ++i) keys.push_back(pair.open(client));
    const std::string chunk(500'000, 'u');
    for (int round = 0; round < 5; ++round) {
        for (const auto key : keys) written += pair.write(client, key, chunk);
        pair.network.run_for(seconds(2));
    }
    CHECK(written > 100 * 500'000);
    CHECK(pair.connection(server).streams().unread() == stream::session_credit_initial);
    // When it reads at last, all arrives.
    pair.reads[server] = true;
    for (const auto key : keys) pair.read(server, key);
    pair.network.run_for(seconds(60));
    std::size_t received = 0;
    for (const auto key : keys) received += pair.received(server, key).text.size();
    CHECK(received == written);
}

TEST_CASE("protocol §8.1 RESET: RESET ends one direction with its code, and the other goes on") {
    SessionPair pair(4);
    pair.network.set_links(client, server, lossy(milliseconds(5)));
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, std::string(300'000, 'x'));
    pair.network.run_for(milliseconds(30));
    pair.reset(client, key, 4'711);
    pair.network.run_for(seconds(10));
    CHECK(pair.count(server, StreamEvent::Kind::reset) == 1);
    CHECK(pair.received(server, key).text.size() < 300'000);
    pair.write(server, key, "go on");
    pair.finish(server, key);
    pair.network.run_for(seconds(10));
    CHECK(pair.received(client, key).text == "go on");
    CHECK(pair.connection(client).streams().open_count() == 0);
    CHECK(pair.connection(server).streams().open_count() == 0);
    CHECK(pair.connection(server).streams().unread() == 0);
}

TEST_CASE("protocol §8.1 STOP: STOP is answered with RESET of the same code") {
    SessionPair pair(5);
    pair.network.set_links(client, server, lossy(milliseconds(5)));
    REQUIRE(pair.establish());
    const auto key = pair.open(client);
    pair.write(client, key, std::string(300'000, 'x'));
    pair.network.run_for(milliseconds(30));
    pair.stop(server, key, 99);
    pair.network.run_for(seconds(10));
    CHECK(pair.count(client, StreamEvent::Kind::stopped) == 1);
    CHECK(pair.count(server, StreamEvent::Kind::reset) == 1);
    const auto refused = pair.connection(client).write(key, bytes_of("more"));
    REQUIRE(!refused.has_value());
    CHECK(refused.error() == stream::WriteError::stopped);
    CHECK(pair.connection(server).streams().unread() == 0);
}

// What one side does to a stream, one step at a time.
enum class Step { write, finish, reset, stop, release };

void act(SessionPair& pair, NodeNumber node, stream::StreamKey key, Step step) {
    switch (step) {
        case Step::write:
            pair.write(node, key, "bytes");
            break;
        case Step::finish:
            pair.finish(node, key);
            break;
        case Step::reset:
            pair.reset(node, key, 300);
            break;
        case Step::stop:
            pair.stop(node, key, 301);
            break;
        case Step::release:
            pair.release(node, key);
            break;
    }
}

TEST_CASE("lesson 7: END, RESET, STOP and release in every order, over every order of arrival") {
    const Step steps[] = {Step::write, Step::finish, Step::reset, Step::stop, Step::release};
    std::uint64_t seed = 0;
    for (const Step first : steps) {
        for (const Step second : steps) {
            for (const Step third : steps) {
                for (unsigned sides = 0; sides < 8; ++sides) {
                    CAPTURE(seed);
                    SessionPair pair(seed++);
                    LinkOptions link;
                    link.delay = milliseconds(5);
                    link.reorder = 500'000;
                    link.loss = seed % 2 == 0 ? 200'000 : 0;
                    pair.network.set_links(client, server, link);
                    REQUIRE(pair.establish());
                    const auto key = pair.open(client);
                    act(pair, client, key, first);
                    if ((sides & 4) != 0) pair.network.run_for(milliseconds(200));
                    act(pair, (sides & 1) != 0 && (sides & 4) != 0 ? server : client, key, second);
                    act(pair, (sides & 2) != 0 ? server : client, key, third);
                    pair.network.run_for(milliseconds(400));
                    // In the end everybody lets go, and nothing is left behind.
                    pair.release(client, key);
                    pair.network.run_until(
                        [&] { return pair.count(server, StreamEvent::Kind::opened) > 0; },
                        seconds(30));
                    pair.release(server, key);
                    pair.network.run_for(seconds(30));
                    REQUIRE(!pair.closed(client));
                    REQUIRE(!pair.closed(server));
                    REQUIRE(pair.connection(client).streams().open_count() == 0);
                    REQUIRE(pair.connection(server).streams().open_count() == 0);
                    REQUIRE(pair.connection(client).streams().unread() == 0);
                    REQUIRE(pair.connection(server).streams().unread() == 0);
                }
            }
        }
    }
}

TEST_CASE("protocol §9.1 (c): credit stays whole when hundreds of streams are reset under way") {
    SessionPair pair(6);
    pair.network.set_links(client, server, lossy(milliseconds(2)));
    REQUIRE(pair.establish());
    SeededRandom random(6);
    for (int i = 0; i < 300; ++i) {
        std::optional<stream::StreamKey> key;
        REQUIRE(pair.network.run_until(
            [&] {
                const auto opened = pair.connection(client).open_stream("short");
                if (opened) key = *opened;
                return key.has_value();
            },
            seconds(60)));
        pair.write(client, *key, std::string(random.below(100'000), 'c'));
        pair.network.run_for(milliseconds(random.below(20)));
        if (random.below(2) == 0) {
            pair.reset(client, *key, 1'000);
        } else {
            pair.stop(server, *key, 1'000);
        }
        pair.release(client, *key);
        pair.release(server, *key);
    }
    pair.network.run_for(seconds(60));
    CHECK(pair.connection(server).streams().unread() == 0);
    // The session still carries as much as ever.
    const auto key = pair.open(client);
    pair.write(client, key, std::string(2'000'000, 'c'));
    pair.network.run_for(seconds(60));
    CHECK(pair.received(server, key).text.size() == 2'000'000);
}

}  // namespace
}  // namespace stt
