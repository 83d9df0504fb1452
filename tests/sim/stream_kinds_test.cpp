// All kinds of streams at once, over a network that loses and reorders. Spec protocol §7.2.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "testing/session_pair.hpp"

namespace stt {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t message_count = 400;

std::vector<std::uint8_t> content(std::uint32_t number, std::size_t size) {
    std::vector<std::uint8_t> bytes(size + 2, static_cast<std::uint8_t>(number * 7));
    bytes[0] = static_cast<std::uint8_t>(number);
    bytes[1] = static_cast<std::uint8_t>(number >> 8);
    return bytes;
}

// What came of one stream of messages, each at most once.
struct Inbox {
    std::set<std::uint32_t> numbers;
    bool is_end = false;
};

void read_messages(SessionPair& pair, stream::StreamKey key, Inbox& inbox) {
    std::vector<std::uint8_t> message;
    while (true) {
        const auto outcome =
            pair.connection(server).receive_message(pair.network.now(), key, message);
        if (!outcome) return;
        inbox.is_end = outcome->is_end;
        if (!outcome->has_message) break;
        REQUIRE(message.size() >= 2);
        const std::uint32_t number = message[0] + 256u * message[1];
        REQUIRE(message == content(number, message.size() - 2));
        REQUIRE(inbox.numbers.insert(number).second);
    }
    pair.network.touch(server, pair.session[server]);
}

TEST_CASE("protocol §7.2 BYTES, MESSAGES, DATAGRAMS, EXPIRING: all kinds at once under loss") {
    SessionPair pair(31);
    LinkOptions link;
    link.delay = milliseconds(20);
    link.loss = 50'000;
    link.reorder = 50'000;
    pair.network.set_links(client, server, link);
    REQUIRE(pair.establish());
    const StreamKind kinds[] = {StreamKind::messages, StreamKind::datagrams, StreamKind::expiring};
    std::map<StreamKind, stream::StreamKey> keys;
    for (const StreamKind kind : kinds) {
        const auto key = pair.connection(client).open_stream(
            {.endpoint = "kinds", .kind = kind, .deadline = milliseconds(50)});
        REQUIRE(key.has_value());
        keys[kind] = *key;
    }
    const auto bytes_key = pair.open(client);
    const std::string text(500'000, 'b');
    pair.write(client, bytes_key, text);
    pair.finish(client, bytes_key);
    std::map<StreamKind, Inbox> inboxes;
    for (std::uint32_t number = 0; number < message_count; ++number) {
        for (const StreamKind kind : kinds) {
            const std::size_t size = kind == StreamKind::datagrams ? 900 : 100 + number * 13;
            REQUIRE(pair.connection(client)
                        .send_message(pair.network.now(), keys[kind], content(number, size))
                        .has_value());
        }
        pair.network.touch(client, pair.session[client]);
        pair.network.run_for(milliseconds(10));
        for (const StreamKind kind : kinds) read_messages(pair, keys[kind], inboxes[kind]);
    }
    for (const StreamKind kind : kinds) {
        pair.finish(client, keys[kind]);
        pair.finish(server, keys[kind]);
    }
    pair.finish(server, bytes_key);
    for (int i = 0; i < 200; ++i) {
        pair.network.run_for(milliseconds(100));
        for (const StreamKind kind : kinds) read_messages(pair, keys[kind], inboxes[kind]);
    }
    CHECK(pair.received(server, bytes_key).text == text);
    CHECK(inboxes[StreamKind::messages].numbers.size() == message_count);
    // Lost frames are not sent again; the deadline allows for hardly more than one round trip.
    CHECK(inboxes[StreamKind::datagrams].numbers.size() > message_count * 8 / 10);
    CHECK(inboxes[StreamKind::datagrams].numbers.size() < message_count);
    CHECK(inboxes[StreamKind::expiring].numbers.size() < message_count);
    const auto expiring = pair.connection(client).streams().statistics(keys[StreamKind::expiring]);
    REQUIRE(expiring.has_value());
    CHECK(expiring->messages_expired > 0);
    CHECK(expiring->messages_expired + expiring->messages_acknowledged == message_count);
    for (const StreamKind kind : kinds) CHECK(inboxes[kind].is_end);
    for (const NodeNumber node : {client, server}) {
        CHECK(pair.connection(node).streams().open_count() == 0);
        CHECK(pair.connection(node).streams().unread() == 0);
        CHECK(!pair.closed(node));
    }
}

}  // namespace
}  // namespace stt
