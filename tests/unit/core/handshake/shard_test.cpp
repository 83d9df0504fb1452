// A responder that is one part of a node.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "tests/unit/core/handshake/forge.hpp"

namespace stt::handshake {
namespace {

// The session_ids of `count` handshakes with one shard.
std::vector<wire::SessionId> session_ids(const Shard& shard, std::size_t count) {
    World world;
    ResponderConfig config = world.config();
    config.shard = shard;
    config.half_open_count_max = count;
    config.rate = {{0, 1}, {0, 1}, 1};
    ResponderTable table(config, world.random);
    REQUIRE(table.add_seed(1, world.context));
    std::vector<wire::SessionId> ids;
    for (std::size_t i = 0; i < count; ++i) {
        Initiator initiator = world.initiator();
        Frame hello(initiator.hello_frame());
        const auto answer =
            table.handle_hello(world.now, world.unix_ms, world.from, hello.view(), none_in_use);
        REQUIRE(answer);
        Frame response(*answer);
        REQUIRE(initiator.handle_response(response.view(), world.unix_ms, none_in_use));
        ids.push_back(initiator.session_id());
    }
    return ids;
}

}  // namespace

TEST_CASE("protocol §4.1 (j): session_id's first byte names the part that answered") {
    for (const std::size_t count : {1u, 2u, 3u, 64u}) {
        for (const std::size_t index : {std::size_t{0}, count / 2, count - 1}) {
            const Shard shard{index, count};
            for (const wire::SessionId& id : session_ids(shard, 20)) CHECK(shard.has(id));
        }
    }
}

TEST_CASE("protocol §4.1 (j): each first byte of a part is as likely as the others") {
    constexpr std::size_t times_each = 30;
    const Shard shard{2, 5};
    std::array<std::size_t, 256> counts{};
    constexpr std::size_t fitting = 51;  // 2, 7 … 252
    for (const wire::SessionId& id : session_ids(shard, fitting * times_each)) ++counts[id[0]];
    for (std::size_t byte = 0; byte < counts.size(); ++byte) {
        // Four standard deviations; the seed is always the same.
        const bool is_of_shard = byte % shard.count == shard.index;
        CHECK(counts[byte] >= (is_of_shard ? times_each - 22 : 0));
        CHECK(counts[byte] <= (is_of_shard ? times_each + 22 : 0));
    }
}

TEST_CASE("protocol §4.1 (j): no other byte of session_id is chosen") {
    const auto ids = session_ids({1, 2}, 200);
    for (std::size_t place = 1; place < 8; ++place) {
        std::set<std::uint8_t> seen;
        for (const wire::SessionId& id : ids) seen.insert(id[place]);
        CHECK(seen.size() > 100);
    }
}

TEST_CASE("protocol §4.1 (j): a HELLO under another handshake id than its own does not open") {
    World world;
    ResponderTable table(world.config(), world.random);
    REQUIRE(table.add_seed(1, world.context));
    Initiator initiator = world.initiator();
    for (std::size_t place = 0; place < 8; ++place) {
        Frame moved(initiator.hello_frame());
        moved.bytes()[3 + place] ^= 1;
        CHECK(reason_of(table.handle_hello(world.now, world.unix_ms, world.from, moved.view(),
                                           none_in_use)) == DropReason::not_authentic);
    }
    Frame hello(initiator.hello_frame());
    CHECK(table.handle_hello(world.now, world.unix_ms, world.from, hello.view(), none_in_use));
}

}  // namespace stt::handshake
