#include "core/connection/frame_batch.hpp"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "testing/seeded_random.hpp"

namespace stt::connection {
namespace {

struct Keys {
    Keys()
        : initiator(key(), session::Role::initiator, id),
          responder(key(), session::Role::responder, id) {}
    static stc::Key key() {
        std::array<std::uint8_t, 32> bytes{};
        testing::SeededRandom(5).fill(bytes);
        return stc::Key(bytes);
    }
    wire::SessionId id{1, 2, 3, 4, 5, 6, 7, 8};
    session::SessionKeys initiator;
    session::SessionKeys responder;
};

// Opens every frame and returns their plaintexts.
std::vector<std::vector<std::uint8_t>> open_all(Keys& keys, MutableBytes datagram) {
    std::vector<std::vector<std::uint8_t>> plaintexts;
    while (!datagram.empty()) {
        const auto view = wire::parse_frame(datagram);
        REQUIRE(view.has_value());
        datagram = datagram.subspan(view->size);
        const auto key = keys.responder.receive.opening_key(view->epoch, view->stream_id);
        REQUIRE(key.has_value());
        stc::UnfoldJob job{
            key->get(), {view->header, view->metadata_head}, view->payload, view->tag, false};
        REQUIRE(stc::unfold(job));
        plaintexts.emplace_back(view->payload.begin(), view->payload.end());
    }
    return plaintexts;
}

TEST_CASE("FrameBatch: every frame of every datagram opens, over random layouts") {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        testing::SeededRandom random(seed);
        Keys keys;
        FrameBatch batch;
        std::vector<std::uint8_t> buffer(20'000);
        std::vector<std::vector<std::uint8_t>> expected;
        std::vector<std::size_t> sizes;
        batch.begin(buffer, keys.initiator.send, keys.id);
        std::uint64_t sequence = random.below(1'000'000);
        while (batch.begin_datagram(1'200)) {
            const std::uint64_t frames = random.below(4);
            for (std::uint64_t i = 0; i < frames; ++i) {
                const auto stream = static_cast<std::uint16_t>(random.below(500) + 1);
                const std::size_t room =
                    batch.payload_room(wire::FrameType::data, stream, sequence);
                if (room == 0) break;
                const MutableBytes payload = batch.add(wire::FrameType::data, stream, 0, sequence++,
                                                       random.between(1, room), true, {});
                random.fill(payload);
                expected.emplace_back(payload.begin(), payload.end());
                REQUIRE(batch.datagram_frames().size() == i + 1);
            }
            REQUIRE(batch.datagram_size() <= 1'200);
            sizes.push_back(batch.datagram_size());
            batch.end_datagram();
        }
        batch.seal();
        std::size_t total = 0;
        for (const std::size_t size : sizes) total += size;
        REQUIRE(batch.size() == total);
        REQUIRE(open_all(keys, MutableBytes(buffer).first(total)) == expected);
    }
}

TEST_CASE("FrameBatch: a frame of exactly the room fits, and then none does") {
    Keys keys;
    FrameBatch batch;
    std::vector<std::uint8_t> buffer(1'200);
    batch.begin(buffer, keys.initiator.send, keys.id);
    REQUIRE(batch.begin_datagram(1'200));
    const std::size_t room = batch.payload_room(wire::FrameType::data, 1, 0);
    batch.add(wire::FrameType::data, 1, 0, 0, room, true, {});
    CHECK(batch.datagram_size() == 1'200);
    CHECK(batch.datagram_room() == 0);
    CHECK(batch.payload_room(wire::FrameType::data, 1, 1) == 0);
    batch.end_datagram();
    CHECK(!batch.begin_datagram(1));
}

TEST_CASE("FrameBatch: a datagram without bytes leaves nothing") {
    Keys keys;
    FrameBatch batch;
    std::vector<std::uint8_t> buffer(1'200);
    batch.begin(buffer, keys.initiator.send, keys.id);
    REQUIRE(batch.begin_datagram(1'200));
    batch.end_datagram();
    batch.seal();
    CHECK(batch.size() == 0);
    CHECK(!batch.begin_datagram(1'201));
}

}  // namespace
}  // namespace stt::connection
