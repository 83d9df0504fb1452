#include <doctest/doctest.h>

#include "tests/unit/core/wire/control_samples.hpp"

namespace stt::wire {
namespace {

bool is_taken(const ByteVector& payload) {
    const auto messages = ControlMessages::parse(payload);
    if (!messages) CHECK(messages.error().code == ErrorCode::protocol);
    return messages.has_value();
}

// With a `use` of one byte in front.
bool is_stream_taken(const ByteVector& messages) {
    ByteVector payload{0};
    payload.insert(payload.end(), messages.begin(), messages.end());
    const auto parsed = StreamControlMessages::parse(payload);
    if (!parsed) CHECK(parsed.error().code == ErrorCode::protocol);
    return parsed.has_value();
}

ByteVector first(const ByteVector& bytes, std::size_t size) {
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

template <class IsTaken>
void check_samples(const std::vector<Sample>& samples, const IsTaken& is_good) {
    for (const Sample& sample : samples) {
        CAPTURE(sample.name);
        const ByteVector whole = message_bytes(sample.kind, sample.body);
        CHECK(is_good(whole));
        for (std::size_t size = 0; size < whole.size(); ++size) {
            CAPTURE(size);
            CHECK(!is_good(first(whole, size)));
        }
        // With a length that tells the truth, so that it is the fields that are cut.
        for (std::size_t size = 0; size < sample.body_size_min; ++size) {
            CAPTURE(size);
            CHECK(!is_good(message_bytes(sample.kind, first(sample.body, size))));
        }
        CHECK(is_good(message_bytes(sample.kind, first(sample.body, sample.body_size_min))));
        if (!sample.takes_longer_body) continue;
        ByteVector longer = sample.body;
        longer.insert(longer.end(), {0xff, 0xff, 0xff});
        CHECK(is_good(message_bytes(sample.kind, longer)));
    }
}

}  // namespace

TEST_CASE(
    "protocol §8.1 (c)(d): CONTROL cut off at any byte is error 1, a longer body is allowed") {
    check_samples(control_samples(), is_taken);
}

TEST_CASE(
    "protocol §8.1 (c)(d): STREAM_CONTROL cut off at any byte is error 1, a longer body is "
    "allowed") {
    check_samples(stream_control_samples(), is_stream_taken);
}

TEST_CASE("protocol §8.1 (d): an empty payload is error 1") {
    CHECK(!is_taken({}));
    CHECK(!StreamControlMessages::parse({}));
    const ByteVector only_use{5};
    CHECK(StreamControlMessages::parse(only_use).error().code == ErrorCode::protocol);
    const ByteVector bad_use{0x80, 0x00, 0x04, 0x01, 0x00};
    CHECK(!StreamControlMessages::parse(bad_use));
}

TEST_CASE("protocol §8.1 (d): one malformed message spoils the whole payload") {
    const ByteVector good = message_bytes(0x03, ByteVector{5});
    for (const Sample& sample : control_samples()) {
        if (sample.body_size_min == 0) continue;
        ByteVector payload = good;
        const ByteVector bad =
            message_bytes(sample.kind, first(sample.body, sample.body_size_min - 1));
        payload.insert(payload.end(), bad.begin(), bad.end());
        CHECK(!is_taken(payload));
    }
}

TEST_CASE("protocol §8.1 (b): unknown kinds are skipped, whatever their body") {
    for (const std::uint64_t kind : {std::uint64_t{0x0e}, std::uint64_t{300}, ~std::uint64_t{0}}) {
        ByteVector payload = message_bytes(kind, ByteVector{0xff, 0x80, 0x00});
        const ByteVector ping = message_bytes(0x01, ByteVector(8, 3));
        payload.insert(payload.end(), ping.begin(), ping.end());
        auto messages = ControlMessages::parse(payload);
        REQUIRE(messages);
        CHECK(std::get<UnknownMessage>(*messages->next()).kind == kind);
        CHECK(std::holds_alternative<Ping>(*messages->next()));
        CHECK(!messages->next().has_value());
    }
    for (const std::uint64_t kind : {std::uint64_t{0x00}, std::uint64_t{0x07}}) {
        CHECK(is_stream_taken(message_bytes(kind, {})));
    }
}

TEST_CASE("protocol §8.1 (d): a kind or length that is no shortest varint is error 1") {
    CHECK(!is_taken({0x81, 0x00, 0x00}));
    CHECK(!is_taken({0x00, 0x80, 0x00}));
    CHECK(!is_taken({0x03, 0x02, 0x85, 0x00}));
}

TEST_CASE("protocol §8.1 (e): reason and endpoint end at 255 bytes, detail does not") {
    for (const std::size_t size : {254u, 255u, 256u}) {
        ByteVector close(1 + size, 'x');
        close[0] = 0;
        CHECK(is_taken(message_bytes(0x05, close)) == (size <= 255));
        CHECK(is_taken(message_bytes(0x06, close)));
        ByteVector open(3 + size, 'x');
        open[0] = open[1] = open[2] = 0;
        CHECK(is_stream_taken(message_bytes(0x01, open)) == (size <= 255));
    }
}

TEST_CASE("protocol §8.1 (e): reason, detail and endpoint are UTF-8") {
    for (const std::uint64_t kind : {0x05u, 0x06u}) {
        CHECK(is_taken(message_bytes(kind, ByteVector{0, 0xc3, 0xa9})));
        CHECK(!is_taken(message_bytes(kind, ByteVector{0, 0xc3})));
        CHECK(!is_taken(message_bytes(kind, ByteVector{0, 0xed, 0xa0, 0x80})));
    }
    CHECK(!is_stream_taken(message_bytes(0x01, ByteVector{0, 0, 0, 0xff})));
}

TEST_CASE("protocol §8.1 OBSERVED_ADDRESS: OBSERVED_ADDRESS is exactly 4 + 2 or 16 + 2 bytes") {
    for (std::size_t size = 0; size < 40; ++size) {
        CHECK(is_taken(message_bytes(0x0c, ByteVector(size))) == (size == 6 || size == 18));
    }
}

TEST_CASE("protocol §8.1 (e): priorities end at 7") {
    for (std::uint8_t priority = 0; priority < 20; ++priority) {
        CHECK(is_stream_taken(message_bytes(0x05, ByteVector{priority})) == (priority <= 7));
        CHECK(is_stream_taken(message_bytes(0x01, ByteVector{0, priority, 0})) == (priority <= 7));
    }
}

TEST_CASE("protocol §8.1 (d): seeded random payloads are refused, or all their messages are read") {
    test::Seeded seeded(10);
    std::size_t taken = 0;
    for (int i = 0; i < 200'000; ++i) {
        ByteVector payload = seeded.bytes(2 + seeded.below(30));
        payload[0] = static_cast<std::uint8_t>(seeded.below(16));
        payload[1] = static_cast<std::uint8_t>(seeded.below(payload.size()));
        if (seeded.coin()) payload[1] = static_cast<std::uint8_t>(payload.size() - 2);
        auto messages = ControlMessages::parse(payload);
        if (messages) {
            ++taken;
            while (const auto message = messages->next()) {
                if (const auto* ack = std::get_if<Ack>(&*message)) {
                    AckRanges ranges(*ack);
                    std::uint64_t count = 0;
                    while (ranges.next()) ++count;
                    CHECK(count == ack->range_count + 1);
                }
                if (const auto* credits = std::get_if<Credits>(&*message)) {
                    CreditsEntries entries(*credits);
                    std::uint64_t count = 0;
                    while (entries.next()) ++count;
                    CHECK(count == credits->count);
                }
            }
        }
        auto stream_messages = StreamControlMessages::parse(payload);
        while (stream_messages && stream_messages->next()) ++taken;
    }
    CHECK(taken > 1'000);
}

}  // namespace stt::wire
