// What a responder does with a HELLO that is not quite one.
#include <doctest/doctest.h>

#include "tests/unit/codec/allocation_counter.hpp"
#include "tests/unit/core/handshake/forge.hpp"

namespace stt::handshake {
namespace {

// A table that knows the world's seed.
struct Responder {
    explicit Responder(World& world_given) : Responder(world_given, world_given.config()) {}
    Responder(World& world_given, const ResponderConfig& config)
        : world(world_given), table(config, world_given.random) {
        CHECK(table.add_seed(1, world.context));
    }

    Result<Bytes, DropReason> hello(Frame frame) {
        return table.handle_hello(world.now, world.unix_ms, world.from, frame.view(), none_in_use);
    }
    // Dropped for this reason, and nothing remembered.
    void check_dropped(const Frame& frame, DropReason reason) {
        CHECK(reason_of(hello(frame)) == reason);
        CHECK(table.half_open_count() == 0);
        CHECK(table.nonce_count() == 0);
    }

    World& world;
    ResponderTable table;
};

}  // namespace

TEST_CASE("protocol §4.0 (e): a good HELLO gets a RESPONSE of the same size") {
    World world;
    Responder responder(world);
    Frame hello = world.good_hello();
    const auto answer = responder.hello(hello);
    REQUIRE(answer);
    CHECK(hello.bytes().size() == 1'200);
    CHECK(answer->size() == 1'200);
    Frame response(*answer);
    CHECK(response.view().type == wire::FrameType::handshake);
    CHECK(response.view().kind == wire::MetadataKind::seed);
    CHECK(response.view().session_id == world.handshake_id);
    const auto read = parse_response(dict_of(world.context, response));
    REQUIRE(read);
    CHECK(read->node_id == world.responder_id);
    CHECK(read->timestamp == world.unix_ms);
    CHECK(read->capabilities == Capabilities{.streaming = true, .udp = true});
    CHECK(responder.table.half_open_count() == 1);
    CHECK(responder.table.nonce_count() == 1);
}

TEST_CASE(
    "protocol §4.0 (f) HELLO: a HELLO with any field missing, or of a wrong type or size, is "
    "dropped") {
    World world;
    Responder responder(world);
    Dict good = world.hello_dict(world.hello_given());
    good.emplace("padding", Value(ByteVector{}));
    for (const Mutation& mutation : malformed(good)) {
        CAPTURE(mutation.name);
        // Another key takes over the padding's task where it is the padding that is wrong.
        Dict dict = mutation.dict;
        const bool is_of_padding = mutation.key == "padding";
        responder.check_dropped(world.hello(dict, is_of_padding ? "zz" : "padding"),
                                DropReason::handshake_malformed);
    }
    CHECK(responder.hello(world.hello(good)));
}

TEST_CASE("protocol §4.0 (b): a HELLO of a version other than 1 is dropped") {
    World world;
    Responder responder(world);
    Dict dict = world.hello_dict(world.hello_given());
    for (const Value& version : {Value(0), Value(2), Value(-1), Value(~std::uint64_t{0})}) {
        dict.insert_or_assign("version", version);
        responder.check_dropped(world.hello(dict), DropReason::handshake_version);
    }
    // Whatever else such a version changes.
    dict.erase("nonce");
    responder.check_dropped(world.hello(dict), DropReason::handshake_version);
}

TEST_CASE("protocol §4.1 (d): a HELLO whose commitment is of other values is dropped") {
    World world;
    Responder responder(world);
    const World::HelloGiven given = world.hello_given();
    const Dict good = world.hello_dict(given);
    for (const std::string key : {"node_id", "nonce", "commitment"}) {
        for (const std::size_t byte : {std::size_t{0}, std::size_t{31}}) {
            Dict dict = good;
            ByteVector changed = *good.at(key).bytes();
            changed[byte] ^= 0x80;
            dict.insert_or_assign(key, Value(changed));
            responder.check_dropped(world.hello(dict), DropReason::handshake_commitment);
        }
    }
    Dict dict = good;
    dict.insert_or_assign("timestamp", Value(given.timestamp + 1));
    responder.check_dropped(world.hello(dict), DropReason::handshake_commitment);
    CHECK(responder.hello(world.hello(good)));
}

TEST_CASE(
    "protocol §4.1 (c): a HELLO's timestamp lies within 120 s of the clock, at n - 1, n, n + "
    "1") {
    World world;
    for (const std::int64_t distance : {119'999, 120'000, 120'001}) {
        for (const std::int64_t sign : {-1, 1}) {
            Responder responder(world);
            World::HelloGiven given = world.hello_given();
            given.timestamp += sign * distance;
            const Frame hello = world.hello(world.hello_dict(given));
            if (distance <= 120'000) {
                CHECK(responder.hello(hello));
            } else {
                responder.check_dropped(hello, DropReason::handshake_timestamp);
            }
        }
    }
    for (const std::int64_t timestamp : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min(),
                                         std::numeric_limits<std::int64_t>::max()}) {
        Responder responder(world);
        World::HelloGiven given = world.hello_given();
        given.timestamp = timestamp;
        responder.check_dropped(world.hello(world.hello_dict(given)),
                                DropReason::handshake_timestamp);
    }
}

TEST_CASE("protocol §4.1 (c): with a window of 0 any timestamp is taken") {
    World world;
    ResponderConfig config = world.config();
    config.timestamp_window = std::chrono::milliseconds(0);
    for (const std::int64_t timestamp : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min(),
                                         std::numeric_limits<std::int64_t>::max()}) {
        Responder responder(world, config);
        World::HelloGiven given = world.hello_given();
        given.timestamp = timestamp;
        CHECK(responder.hello(world.hello(world.hello_dict(given))));
    }
}

TEST_CASE("protocol §4.4 (c): a HELLO that carries the responder's own node id is dropped") {
    World world;
    Responder responder(world);
    World::HelloGiven given = world.hello_given();
    given.node_id = world.responder_id;
    responder.check_dropped(world.hello(world.hello_dict(given)), DropReason::handshake_own_node);
    // Its own HELLO, reflected.
    InitiatorConfig config = world.initiator_config();
    config.own_node_id = world.responder_id;
    const Initiator initiator(world.context, config, world.unix_ms, world.random);
    responder.check_dropped(Frame(initiator.hello_frame()), DropReason::handshake_own_node);
}

TEST_CASE("protocol §4.1 (b): a HELLO of another seed is dropped, and costs no memory") {
    World world;
    Responder responder(world);
    const ByteVector dict = padded(world.hello_dict(world.hello_given()), true);
    Frame stranger =
        seal(world.other_context,
             {.session_id = world.handshake_id, .hint_of = &world.other_context}, dict);
    // Another seed with this one's hint: what somebody could copy from the wire.
    Frame copier = seal(world.other_context,
                        {.session_id = world.handshake_id, .hint_of = &world.context}, dict);
    const wire::FrameView stranger_view = stranger.view();
    const wire::FrameView copier_view = copier.view();
    DropReason of_stranger{};
    DropReason of_copier{};
    {
        const test::AllocationCounter counter;
        of_stranger =
            responder.table
                .handle_hello(world.now, world.unix_ms, world.from, stranger_view, none_in_use)
                .error();
        of_copier =
            responder.table
                .handle_hello(world.now, world.unix_ms, world.from, copier_view, none_in_use)
                .error();
        CHECK(counter.count() == 0);
    }
    CHECK(of_stranger == DropReason::handshake_seed_unknown);
    CHECK(of_copier == DropReason::not_authentic);
    // The right seed under a hint that nobody has.
    responder.check_dropped(
        seal(world.context, {.session_id = world.handshake_id, .hint_of = &world.other_context},
             dict),
        DropReason::handshake_seed_unknown);
}

TEST_CASE("protocol §4.0 (e): a HELLO frame of 1199 or 1201 bytes is dropped") {
    World world;
    Responder responder(world);
    const Dict dict = world.hello_dict(world.hello_given());
    const Envelope envelope{.session_id = world.handshake_id, .hint_of = &world.context};
    for (const std::size_t size : {std::size_t{600}, std::size_t{1'199}, std::size_t{1'201}}) {
        Frame frame = seal(world.context, envelope, padded(dict, true, "padding", size));
        CHECK(frame.bytes().size() == size);
        responder.check_dropped(frame, DropReason::handshake_malformed);
    }
    CHECK(responder.hello(world.hello(dict)));
}

TEST_CASE("protocol §3.7 (b), §4.0 (f): what is no HELLO frame is not for handle_hello()") {
    World world;
    Responder responder(world);
    const ByteVector dict = padded(world.hello_dict(world.hello_given()), true);
    responder.check_dropped(seal(world.context, {.session_id = world.handshake_id}, dict),
                            DropReason::handshake_unexpected);
    responder.check_dropped(seal(world.context,
                                 {.type = wire::FrameType::auth,
                                  .session_id = world.handshake_id,
                                  .hint_of = &world.context},
                                 dict),
                            DropReason::handshake_unexpected);
}

TEST_CASE(
    "protocol §4.0 (f): a HELLO with any bit flipped is dropped, and the good one still works") {
    World world;
    Responder responder(world);
    Frame hello = world.good_hello();
    const ByteVector good = hello.bytes();
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        ByteVector flipped = good;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        const ByteVector before = flipped;
        const auto view = wire::parse_frame(flipped);
        if (!view) continue;
        REQUIRE(!responder.table.handle_hello(world.now, world.unix_ms, world.from, *view,
                                              none_in_use));
        REQUIRE(flipped == before);
    }
    CHECK(responder.table.nonce_count() == 0);
    CHECK(responder.hello(hello));
}

TEST_CASE("protocol §4.0 (f): a HELLO dict that is cut off, or no dict at all, is dropped") {
    World world;
    Responder responder(world);
    const ByteVector dict = padded(world.hello_dict(world.hello_given()), true);
    const Envelope envelope{.session_id = world.handshake_id, .hint_of = &world.context};
    // Of the right size as a frame, and short of one byte inside.
    ByteVector cut = dict;
    cut[4] += 1;
    responder.check_dropped(seal(world.context, envelope, cut), DropReason::handshake_malformed);
    responder.check_dropped(seal(world.context, envelope, ByteVector(dict.size())),
                            DropReason::handshake_malformed);
    responder.check_dropped(seal(world.context, envelope, ByteVector(dict.size(), 0xff)),
                            DropReason::handshake_malformed);
}

}  // namespace stt::handshake
