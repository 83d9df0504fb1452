#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/codec/allocation_counter.hpp"
#include "tests/unit/core/websocket/channel_testing.hpp"

namespace stt::websocket {
namespace {

// A client and a server, and between them bytes that arrive in pieces of any size.
class Pair {
public:
    explicit Pair(std::uint64_t seed) : random_(seed) {}

    void run() {
        for (int step = 0; step < 400; ++step) {
            write(client_, to_server_);
            write(server_, to_client_);
            carry(client_, server_);
            carry(server_, client_);
        }
        client_.channel.close(client_.now, 1000, "done");
        while (client_.channel.buffered_size() > 0 || server_.channel.buffered_size() > 0) {
            carry(client_, server_);
            carry(server_, client_);
        }
        check();
    }

private:
    void write(Subject& from, std::vector<ByteVector>& written) {
        if (random_.below(8) == 0) {
            ByteVector payload(random_.below(126));
            random_.fill(payload);
            CHECK(from.channel.write_ping(payload));
        }
        if (random_.below(3) != 0) return;
        const std::uint64_t limits[] = {3, 130, 2'000, 70'000, 131'073};
        ByteVector data(random_.below(limits[random_.below(5)]));
        random_.fill(data);
        if (random_.below(20) == 0) data.resize(131'072, 5);
        REQUIRE(from.channel.write_message(data));
        written.push_back(std::move(data));
    }

    void carry(Subject& from, Subject& to) {
        const std::uint64_t limits[] = {1, 8, 100, 5'000, 200'000};
        const std::uint64_t limit = limits[random_.below(5)];
        const Bytes waiting = from.channel.poll_transmit();
        const auto size = std::min<std::size_t>(waiting.size(),
                                                static_cast<std::size_t>(random_.below(limit + 1)));
        ByteVector bytes(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(size));
        from.channel.on_sent(size);
        to.receive(std::move(bytes));
    }

    void check() const {
        CHECK(server_.messages == to_server_);
        CHECK(client_.has_closed_with(1000));
        CHECK(server_.has_closed_with(1000));
        CHECK((client_.closed[0].is_clean && server_.closed[0].is_clean));
        // What the server had written when it heard of the close came before its answer to that,
        // and the client had ceased to look.
        CHECK(client_.messages.size() <= to_client_.size());
        CHECK(std::equal(client_.messages.begin(), client_.messages.end(), to_client_.begin()));
        const ChannelStatistics& of_client = client_.channel.statistics();
        const ChannelStatistics& of_server = server_.channel.statistics();
        CHECK(of_client.bytes_sent == of_server.bytes_received);
        CHECK(of_server.bytes_sent == of_client.bytes_received);
        CHECK(of_client.pings_sent == of_server.pings_received);
        CHECK(of_server.messages_received == of_client.messages_sent);
        CHECK(of_server.messages_received == to_server_.size());
        CHECK((of_client.violations == 0 && of_server.violations == 0));
    }

    testing::SeededRandom random_;
    Subject client_{Role::client};
    Subject server_{Role::server};
    std::vector<ByteVector> to_server_;
    std::vector<ByteVector> to_client_;
};

}  // namespace

TEST_CASE(
    "protocol §13.2 (b), (g): two ends exchange messages and pings however the bytes are cut") {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        CAPTURE(seed);
        Pair(seed).run();
    }
}

TEST_CASE("a channel that has reached its size allocates nothing for a message") {
    testing::SeededRandom random(14);
    Channel client(Role::client, {}, random, Instant{});
    Channel server(Role::server, {}, random, Instant{});
    const ByteVector data(20'000, 3);
    ByteVector wire(8'192);
    std::size_t count = 0;
    // In pieces, so that messages are put together, and answered with as much.
    const auto carry = [&](Channel& from, Channel& to) {
        while (from.buffered_size() > 0) {
            const Bytes waiting = from.poll_transmit();
            const std::size_t size = std::min(wire.size(), waiting.size());
            std::copy_n(waiting.begin(), size, wire.begin());
            from.on_sent(size);
            to.handle_received(Instant{}, MutableBytes(wire).first(size));
            while (auto event = to.poll_event()) {
                ++count;
                if (&to == &server) {
                    static_cast<void>(to.write_message(std::get<Message>(*event).data));
                }
            }
        }
    };
    const auto exchange = [&](int rounds) {
        for (int i = 0; i < rounds; ++i) {
            for (int k = 0; k < 3; ++k) static_cast<void>(client.write_message(data));
            static_cast<void>(client.write_ping({}));
            carry(client, server);
            carry(server, client);
        }
    };
    exchange(3);
    const test::AllocationCounter counter;
    exchange(100);
    CHECK(counter.count() == 0);
    CHECK(count == 2 * 3 * 103);
}

TEST_CASE("RFC 6455 §5.2: a conversation cut in two at any byte reads the same") {
    ByteVector wire;
    for (const RawFrame& frame :
         {RawFrame{Opcode::binary, vector_of("one")}, RawFrame{Opcode::ping, vector_of("?")},
          RawFrame{Opcode::binary, ByteVector(200, 2), false},
          RawFrame{Opcode::pong, vector_of("!")}, RawFrame{Opcode::continuation, {}, false},
          RawFrame{Opcode::continuation, vector_of("end")}, RawFrame{Opcode::binary, {}},
          RawFrame{Opcode::close, close_body(1000, "x")}}) {
        const ByteVector bytes = raw(frame);
        wire.insert(wire.end(), bytes.begin(), bytes.end());
    }
    Subject whole(Role::server);
    whole.receive(wire);
    REQUIRE(whole.messages.size() == 3);
    const ByteVector answer = whole.sent();
    const auto at = [&wire](std::size_t n) {
        return wire.begin() + static_cast<std::ptrdiff_t>(n);
    };
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        CAPTURE(cut);
        Subject subject(Role::server);
        subject.receive({wire.begin(), at(cut)});
        // Every truncation waits, and breaks nothing.
        REQUIRE(subject.closed.empty() == (cut < wire.size()));
        REQUIRE(subject.channel.statistics().violations == 0);
        subject.receive({at(cut), wire.end()});
        REQUIRE(subject.messages == whole.messages);
        REQUIRE(subject.has_closed_with(1000));
        REQUIRE(subject.sent() == answer);
    }
}

}  // namespace stt::websocket
