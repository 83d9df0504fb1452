// What is written is read back. Refusals are control_parse_test.cpp.
#include <doctest/doctest.h>

#include "tests/unit/core/wire/control_samples.hpp"

namespace stt::wire {
namespace {

ByteVector stream_payload(std::uint64_t use, const ByteVector& messages) {
    ByteVector payload(10 + messages.size());
    codec::Writer writer(payload);
    writer.varint(use);
    writer.bytes(messages);
    payload.resize(writer.size());
    return payload;
}

}  // namespace

TEST_CASE("protocol §8.1 (a): every CONTROL message is written as it was read") {
    ByteVector all;
    for (const Sample& sample : control_samples()) {
        CAPTURE(sample.name);
        const ByteVector payload = message_bytes(sample.kind, sample.body);
        auto messages = ControlMessages::parse(payload);
        REQUIRE(messages);
        const auto message = messages->next();
        REQUIRE(message);
        CHECK(encoded(*message) == payload);
        CHECK(!messages->next().has_value());
        all.insert(all.end(), payload.begin(), payload.end());
    }
    auto messages = ControlMessages::parse(all);
    REQUIRE(messages);
    ByteVector written;
    while (const auto message = messages->next()) {
        const ByteVector bytes = encoded(*message);
        written.insert(written.end(), bytes.begin(), bytes.end());
    }
    CHECK(written == all);
}

TEST_CASE("protocol §8.1 (a): every STREAM_CONTROL message is written as it was read") {
    for (const Sample& sample : stream_control_samples()) {
        CAPTURE(sample.name);
        const ByteVector bytes = message_bytes(sample.kind, sample.body);
        const ByteVector payload = stream_payload(300, bytes);
        auto messages = StreamControlMessages::parse(payload);
        REQUIRE(messages);
        CHECK(messages->use() == 300);
        const auto message = messages->next();
        REQUIRE(message);
        CHECK(encoded(*message) == bytes);
        CHECK(!messages->next().has_value());
    }
}

TEST_CASE("protocol §8.1 (a): the fields of CONTROL messages are where they belong") {
    const auto first = [](const ByteVector& payload) {
        return *ControlMessages::parse(payload)->next();
    };
    const Token token{9, 8, 7, 6, 5, 4, 3, 2};
    CHECK(std::get<Ping>(first(encoded(ControlMessage(Ping{token})))).token == token);
    CHECK(std::get<Pong>(first(encoded(ControlMessage(Pong{token})))).token == token);
    CHECK(std::get<PathChallenge>(first(encoded(ControlMessage(PathChallenge{token})))).token ==
          token);
    CHECK(std::get<PathResponse>(first(encoded(ControlMessage(PathResponse{token})))).token ==
          token);
    CHECK(std::get<FlowCredit>(first(encoded(ControlMessage(FlowCredit{1u << 30})))).limit ==
          1u << 30);
    CHECK(std::get<StreamLimit>(first(encoded(ControlMessage(StreamLimit{129})))).limit == 129);
    KeyRotation rotation{.epoch = 300};
    rotation.nonce.fill(0x31);
    const auto read_rotation = std::get<KeyRotation>(first(encoded(ControlMessage(rotation))));
    CHECK(read_rotation.epoch == 300);
    CHECK(read_rotation.nonce == rotation.nonce);
    const ByteVector close = encoded(ControlMessage(SessionClose{256, bytes_of("bye")}));
    const auto read_close = std::get<SessionClose>(first(close));
    CHECK(read_close.code == 256);
    CHECK(text_of(read_close.reason) == "bye");
    const ByteVector error = encoded(ControlMessage(ErrorNotice{1, bytes_of("é")}));
    CHECK(text_of(std::get<ErrorNotice>(first(error)).detail) == "é");
    const ByteVector address(18, 0x20);
    const ByteVector observed = encoded(ControlMessage(ObservedAddress{address}));
    CHECK(std::get<ObservedAddress>(first(observed)).address.size() == 18);
    CHECK(std::get<Padding>(first(encoded(ControlMessage(Padding{77})))).size == 77);
}

TEST_CASE("protocol §8.1 (a): the fields of STREAM_CONTROL messages are where they belong") {
    ByteVector messages_bytes;
    const StreamControlMessage sent[] = {
        Open{.kind = 3, .priority = 7, .deadline_ms = 300, .endpoint = bytes_of("files/é")},
        Credit{.limit = 65'536},
        Reset{.code = 257, .final_offset = 1'000},
        Stop{.code = 7},
        Priority{.priority = 0},
        Skip{.from = 10, .to = 300}};
    for (const StreamControlMessage& message : sent) {
        const ByteVector bytes = encoded(message);
        messages_bytes.insert(messages_bytes.end(), bytes.begin(), bytes.end());
    }
    const ByteVector payload = stream_payload(0, messages_bytes);
    auto messages = StreamControlMessages::parse(payload);
    REQUIRE(messages);
    CHECK(messages->use() == 0);
    const auto open = std::get<Open>(*messages->next());
    CHECK(open.kind == 3);
    CHECK(open.priority == 7);
    CHECK(open.deadline_ms == 300);
    CHECK(text_of(open.endpoint) == "files/é");
    CHECK(std::get<Credit>(*messages->next()).limit == 65'536);
    const auto reset = std::get<Reset>(*messages->next());
    CHECK(reset.code == 257);
    CHECK(reset.final_offset == 1'000);
    CHECK(std::get<Stop>(*messages->next()).code == 7);
    CHECK(std::get<Priority>(*messages->next()).priority == 0);
    const auto skip = std::get<Skip>(*messages->next());
    CHECK(skip.from == 10);
    CHECK(skip.to == 300);
    CHECK(!messages->next().has_value());
}

}  // namespace stt::wire
