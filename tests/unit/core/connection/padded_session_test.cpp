// The sizes that an observer sees of a padded session. Spec protocol §10.4, §12.1.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "core/wire/frame.hpp"
#include "testing/session_pair.hpp"

namespace stt::connection {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Every frame of a session that the two sides sent, as an observer parses it.
struct Observer {
    std::map<std::size_t, std::size_t> payload_sizes;  // of frames that do not fill a datagram
    std::set<std::size_t> full_sizes;                  // of datagrams that one frame fills
    std::size_t unpadded = 0;
    std::size_t unpadded_below_base = 0;

    void see(Bytes bytes) {
        std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
        MutableBytes rest(copy);
        std::size_t session_frames = 0;
        while (!rest.empty()) {
            const auto frame = wire::parse_frame(rest);
            REQUIRE(frame.has_value());
            const bool fills = frame->size == rest.size();
            rest = rest.subspan(frame->size);
            if (frame->kind != wire::MetadataKind::session) continue;
            ++session_frames;
            if ((frame->flags & wire::flag::padded) == 0) {
                // protocol §12.1 (c): only MTU probes are, while the path is the same.
                ++unpadded;
                if (bytes.size() <= 1'200) ++unpadded_below_base;
                continue;
            }
            const std::size_t size = frame->payload.size();
            const bool is_bucket = size == 128 || size == 256 || size == 512 || size == 1'024;
            if (!is_bucket && fills && session_frames == 1) {
                full_sizes.insert(bytes.size());
            } else {
                ++payload_sizes[size];
            }
        }
    }
};

struct Padded {
    SessionPair pair;
    Observer observer;

    explicit Padded(PaddingPolicy policy, std::uint32_t loss = 0) : pair(9, config_of(policy)) {
        LinkOptions link;
        link.delay = milliseconds(15);
        link.loss = loss;
        pair.network.set_links(client, server, link);
        pair.network.filter = [this](const DatagramView& datagram) {
            observer.see(datagram.bytes);
            return Verdict::pass;
        };
        REQUIRE(pair.establish());
    }
    static EndpointConfig config_of(PaddingPolicy policy) {
        EndpointConfig config;
        config.connection.padding = policy;
        config.connection.rotation_frames = 150;
        config.connection.custom_types.set();
        return config;
    }
    // Small and large writes, resets, stops, custom frames, PINGs, the end of streams, a close.
    void carry_all_sorts() {
        SeededRandom random(4);
        std::vector<stream::StreamKey> keys;
        std::map<std::uint16_t, std::size_t> written;
        for (int i = 0; i < 60; ++i) {
            const auto key = pair.open(client, std::string(random.below(255), 'e'));
            keys.push_back(key);
            const std::size_t size = random.chance(200'000) ? 30'000 : random.below(2'000);
            written[key.id] += pair.write(client, key, std::string(size, 'x'));
            if (i % 7 == 3) {
                pair.reset(client, keys[keys.size() / 2], 300);
                written.erase(keys[keys.size() / 2].id);
            } else if (i % 7 != 6) {
                pair.finish(client, key);
            }
            if (i % 5 == 0) {
                static_cast<void>(pair.connection(client).ping(pair.network.now()));
                pair.network.touch(client, pair.session[client]);
            }
            const std::vector<std::uint8_t> payload(random.below(custom_payload_size_max + 1));
            CHECK(pair.connection(server).send_custom(0x80, 3, payload).has_value());
            pair.network.touch(server, pair.session[server]);
            pair.network.run_for(milliseconds(random.below(40)));
        }
        pair.network.run_for(seconds(20));
        for (const auto& key : keys) {
            if (!written.contains(key.id)) continue;
            CHECK(pair.received(server, key).text.size() == written[key.id]);
        }
        // A close is sent once, and again only to who still sends.
        pair.network.set_links(client, server, {});
        pair.close(client, 300, "with a reason");
        pair.network.run_for(seconds(5));
        REQUIRE(pair.closed(server));
        CHECK(pair.closed(server)->code == 300);
    }
};

TEST_CASE(
    "protocol §12.1 (a): under bucket an observer sees the sizes of the buckets and no other") {
    for (const std::uint32_t loss : {0u, 100'000u}) {
        Padded padded(PaddingPolicy::bucket, loss);
        padded.carry_all_sorts();
        for (const auto& [size, count] : padded.observer.payload_sizes) {
            CHECK((size == 128 || size == 256 || size == 512 || size == 1'024));
        }
        CHECK(padded.observer.payload_sizes.size() == 4);
        CHECK(!padded.observer.full_sizes.empty());
        for (const std::size_t size : padded.observer.full_sizes) {
            CHECK((size == 1'200 || size == 1'472 || loss > 0));
        }
        CHECK(padded.observer.unpadded_below_base == 0);
        CHECK(padded.observer.unpadded < 30);
    }
}

TEST_CASE("protocol §12.1 (a)(b): under constant every frame fills its datagram") {
    for (const std::uint32_t loss : {0u, 100'000u}) {
        Padded padded(PaddingPolicy::constant, loss);
        padded.carry_all_sorts();
        CHECK(padded.observer.payload_sizes.empty());
        CHECK(!padded.observer.full_sizes.empty());
        for (const std::size_t size : padded.observer.full_sizes) CHECK(size >= 1'200);
        CHECK(padded.observer.unpadded_below_base == 0);
    }
}

TEST_CASE("protocol §12.1 (a): under none nothing is padded") {
    Padded padded(PaddingPolicy::none);
    padded.carry_all_sorts();
    CHECK(padded.observer.payload_sizes.empty());
    CHECK(padded.observer.full_sizes.empty());
}

TEST_CASE("protocol §10.4 (d): at most one padded ACK goes out each quarter round trip") {
    Padded padded(PaddingPolicy::constant);
    padded.pair.network.run_for(seconds(2));
    const auto key = padded.pair.open(client);
    const std::uint64_t acks_before = padded.pair.connection(server).totals().acks_sent;
    const Instant start = padded.pair.network.now();
    padded.pair.write(client, key, std::string(2'000'000, 'x'));
    padded.pair.network.run_until(
        [&] { return padded.pair.received(server, key).text.size() == 2'000'000; }, seconds(30));
    const Duration time = padded.pair.network.now() - start;
    const std::uint64_t acks = padded.pair.connection(server).totals().acks_sent - acks_before;
    const Duration round_trip = padded.pair.connection(server).path().rtt().minimum();
    CHECK(acks > 4);
    CHECK(acks <= static_cast<std::uint64_t>(time / (round_trip / 4)) + 1);
}

TEST_CASE(
    "protocol §10.4 (d): a padded ACK is not in flight, and the window does not hold it back") {
    Padded padded(PaddingPolicy::constant);
    const auto key = padded.pair.open(client);
    padded.pair.write(client, key, std::string(200'000, 'x'));
    padded.pair.network.run_for(seconds(5));
    CHECK(padded.pair.connection(server).totals().acks_sent > 0);
    CHECK(padded.pair.connection(server).path().bytes_in_flight() == 0);
    CHECK(padded.pair.connection(client).path().bytes_in_flight() == 0);
}

TEST_CASE("protocol §10.1 (b): a probe of a padded session elicits an acknowledgement") {
    for (const PaddingPolicy policy : {PaddingPolicy::bucket, PaddingPolicy::constant}) {
        Padded padded(policy, 300'000);
        const auto key = padded.pair.open(client);
        const auto back = padded.pair.open(server);
        std::size_t sent = 0;
        std::size_t sent_back = 0;
        for (int i = 0; i < 300 && (sent < 60'000 || sent_back < 60'000); ++i) {
            if (sent < 60'000) sent += padded.pair.write(client, key, std::string(5'000, 'x'));
            if (sent_back < 60'000)
                sent_back += padded.pair.write(server, back, std::string(5'000, 'y'));
            padded.pair.network.run_for(milliseconds(100));
        }
        padded.pair.network.run_for(seconds(60));
        CHECK(padded.pair.received(server, key).text.size() == sent);
        CHECK(padded.pair.received(client, back).text.size() == sent_back);
    }
}

}  // namespace
}  // namespace stt::connection
