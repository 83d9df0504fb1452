#include "core/handshake/messages.hpp"

#include <doctest/doctest.h>

#include "tests/unit/core/handshake/forge.hpp"

namespace stt::handshake {
namespace {

struct Sample {
    std::string name;
    ByteVector dict;
    std::function<DropReason(Bytes)> parse;  // count_ when it was taken
};

template <class T>
DropReason outcome(const Result<T, DropReason>& result) {
    return result ? DropReason::count_ : result.error();
}

std::vector<Sample> samples(World& world) {
    Initiator initiator = world.initiator();
    Frame response = world.response(initiator, world.response_dict(initiator));
    const ByteVector response_dict = dict_of(world.context, response);
    REQUIRE(initiator.handle_response(response.view(), world.unix_ms, none_in_use));
    const SealedMessage final_message = build_final(
        world.context,
        {.session_id = initiator.session_id(), .confirmation = {}, .timestamp = world.unix_ms});
    return {{"HELLO", dict_of(world.context, Frame(initiator.hello_frame())),
             [](Bytes dict) { return outcome(parse_hello(dict)); }},
            {"RESPONSE", response_dict, [](Bytes dict) { return outcome(parse_response(dict)); }},
            {"AUTH_PROOF", dict_of(world.context, Frame(initiator.auth_proof_frame())),
             [](Bytes dict) { return outcome(parse_auth_proof(dict)); }},
            {"FINAL", ByteVector(final_message.dict().begin(), final_message.dict().end()),
             [](Bytes dict) { return outcome(parse_final(dict)); }}};
}

}  // namespace

TEST_CASE(
    "protocol §4.0 (f): a message that is cut off anywhere, or followed by a byte, is "
    "malformed") {
    World world;
    for (const Sample& sample : samples(world)) {
        CAPTURE(sample.name);
        CHECK(sample.parse(sample.dict) == DropReason::count_);
        for (std::size_t size = 0; size < sample.dict.size(); ++size) {
            CHECK(sample.parse(Bytes(sample.dict).first(size)) == DropReason::handshake_malformed);
        }
        ByteVector longer = sample.dict;
        longer.push_back(0);
        CHECK(sample.parse(longer) == DropReason::handshake_malformed);
    }
}

TEST_CASE("protocol §4.1 (b): a message whose keys stand in another order is malformed") {
    World world;
    for (const Sample& sample : samples(world)) {
        CAPTURE(sample.name);
        std::vector<std::pair<std::string, Value>> entries;
        const Value decoded = *decode_strict(sample.dict);
        for (const auto& [key, value] : *decoded.dict()) {
            entries.emplace_back(key, value);
        }
        CHECK(dict_in_order(entries) == sample.dict);
        for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
            std::swap(entries[i], entries[i + 1]);
            CHECK(sample.parse(dict_in_order(entries)) == DropReason::handshake_malformed);
            std::swap(entries[i], entries[i + 1]);
        }
        entries.push_back(entries.back());
        CHECK(sample.parse(dict_in_order(entries)) == DropReason::handshake_malformed);
    }
}

TEST_CASE("protocol §4.1 (b): a message with an integer wider than it needs is malformed") {
    World world;
    const Sample hello = samples(world).front();
    // The version's INT8 1 is the last value of the dict.
    ByteVector wide(hello.dict.begin(), hello.dict.end() - 2);
    wide.insert(wide.end(), {0x11, 0x00, 0x01});
    CHECK(hello.parse(wide) == DropReason::handshake_malformed);
    ByteVector narrow(hello.dict.begin(), hello.dict.end() - 2);
    narrow.insert(narrow.end(), {0x14, 0x01});
    CHECK(hello.parse(narrow) == DropReason::handshake_malformed);
}

TEST_CASE("protocol §4.0 (a)(f): one message is not another") {
    World world;
    const std::vector<Sample> all = samples(world);
    for (const Sample& one : all) {
        for (const Sample& other : all) {
            const DropReason expected =
                one.name == other.name ? DropReason::count_ : DropReason::handshake_malformed;
            CHECK(one.parse(other.dict) == expected);
        }
    }
    for (const Sample& sample : all) {
        CHECK(sample.parse(encode(Value(7))) == DropReason::handshake_malformed);
        CHECK(sample.parse(encode(Value(Dict{}))) == DropReason::handshake_malformed);
        CHECK(sample.parse({}) == DropReason::handshake_malformed);
    }
}

TEST_CASE("protocol §4.0 (b): unknown keys are ignored") {
    World world;
    for (const Sample& sample : samples(world)) {
        Dict dict = *decode_strict(sample.dict)->dict();
        dict.emplace("zz-later", Value(Value::List{Value(1), Value("x")}));
        dict.emplace("a-later", Value());
        CHECK(sample.parse(encode(Value(dict))) == DropReason::count_);
    }
}

TEST_CASE("protocol §4.0 (e): HELLO and RESPONSE are frames of 1200 bytes for any capabilities") {
    World world;
    for (unsigned bits = 0; bits < 8; ++bits) {
        const Capabilities capabilities{
            .streaming = (bits & 1) != 0, .udp = (bits & 2) != 0, .websocket = (bits & 4) != 0};
        for (const std::int64_t timestamp : {std::int64_t{0}, std::int64_t{-1}, world.unix_ms,
                                             std::numeric_limits<std::int64_t>::max()}) {
            const SealedMessage hello =
                build_hello(world.context, {.timestamp = timestamp, .capabilities = capabilities});
            CHECK(hello.frame().size() == 1'200);
            const auto read = parse_hello(hello.dict());
            REQUIRE(read);
            CHECK(read->capabilities == capabilities);
            CHECK(read->timestamp == timestamp);
            const SealedMessage response =
                build_response(world.context, {.timestamp = timestamp, .used = capabilities});
            CHECK(response.frame().size() == 1'200);
            CHECK(parse_response(response.dict())->capabilities == capabilities);
        }
    }
}

TEST_CASE("protocol §4.0 (c): unknown capabilities are ignored, what is used is what both have") {
    World world;
    Dict dict = world.hello_dict(world.hello_given());
    dict.insert_or_assign("padding", Value(ByteVector{}));
    dict.insert_or_assign("capabilities", Value(Value::List{Value("quic"), Value("udp"),
                                                            Value("websocket"), Value("x")}));
    const auto hello = parse_hello(encode(Value(dict)));
    REQUIRE(hello);
    CHECK(hello->capabilities == Capabilities{.udp = true, .websocket = true});
    const Capabilities ours{.streaming = true, .udp = true};
    CHECK(intersection(ours, hello->capabilities) == Capabilities{.udp = true});
}

TEST_CASE("protocol §4.2 (b): only the same frame has the same fingerprint") {
    World world;
    Frame frame = world.good_hello();
    const Digest32 fingerprint = fingerprint_of(frame.view());
    CHECK(fingerprint_of(Frame(frame.bytes()).view()) == fingerprint);
    const ByteVector bytes = frame.bytes();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        ByteVector changed = bytes;
        changed[i] ^= 0x01;
        const auto view = wire::parse_frame(changed);
        if (view) CHECK(fingerprint_of(*view) != fingerprint);
    }
}

TEST_CASE("protocol §4.0: opening leaves the datagram as it was, and refuses what is too large") {
    World world;
    Frame frame = world.good_hello();
    const ByteVector before = frame.bytes();
    CHECK(OpenedMessage::open(world.context, frame.view()));
    CHECK(reason_of(OpenedMessage::open(world.other_context, frame.view())) ==
          DropReason::not_authentic);
    CHECK(frame.bytes() == before);
    Frame large = seal(world.context, {}, ByteVector(1'200));
    CHECK(reason_of(OpenedMessage::open(world.context, large.view())) ==
          DropReason::handshake_malformed);
    Frame largest =
        seal(world.context, {}, ByteVector(1'200 - wire::handshake_frame_overhead(1'200, false)));
    CHECK(OpenedMessage::open(world.context, largest.view()));
}

}  // namespace stt::handshake
