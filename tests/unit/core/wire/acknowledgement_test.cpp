#include <doctest/doctest.h>

#include "tests/unit/core/wire/control_samples.hpp"

namespace stt::wire {
namespace {

using Ranges = std::vector<SequenceRange>;

ByteVector ack_body(std::initializer_list<std::uint64_t> numbers) {
    ByteVector body(10 * numbers.size());
    codec::Writer writer(body);
    for (const std::uint64_t number : numbers) writer.varint(number);
    body.resize(writer.size());
    return message_bytes(0x07, body);
}

Ranges ranges_of(const Ack& ack) {
    Ranges ranges;
    AckRanges walk(ack);
    while (const auto range = walk.next()) ranges.push_back(*range);
    CHECK(!walk.next().has_value());
    return ranges;
}

bool is_ack_taken(const ByteVector& payload) {
    return ControlMessages::parse(payload).has_value();
}

// An ACK and the payload that it borrows from.
class ParsedAck {
public:
    explicit ParsedAck(ByteVector payload) : payload_(std::move(payload)) {
        auto messages = ControlMessages::parse(payload_);
        REQUIRE(messages);
        ack_ = std::get<Ack>(*messages->next());
    }
    ParsedAck(const ParsedAck&) = delete;
    ParsedAck& operator=(const ParsedAck&) = delete;

    const Ack* operator->() const { return &ack_; }
    Ranges ranges() const { return ranges_of(ack_); }

private:
    ByteVector payload_;
    Ack ack_;
};

Ranges random_ranges(test::Seeded& seeded, std::size_t count) {
    Ranges descending;
    std::uint64_t below = (std::uint64_t{1} << 40) + seeded.number_of_any_width() % (1u << 30);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t last = below - 2 - (seeded.number_of_any_width() % 1'000);
        const std::uint64_t first = last - (seeded.number_of_any_width() % 1'000);
        descending.push_back({first, last});
        below = first;
    }
    return descending;
}

}  // namespace

TEST_CASE("protocol §8.1 ACK: gaps leave out one more than they say") {
    // 10 to 8; 7 left out; 6; 5 to 4 left out; 3 to 0.
    const ParsedAck ack(ack_body({10, 0, 2, 2, 0, 0, 1, 3}));
    CHECK(ack->largest == 10);
    CHECK(ack.ranges() == Ranges{{8, 10}, {6, 6}, {0, 3}});
    CHECK(!ack->ecn.has_value());
}

TEST_CASE("protocol §8.1 (e): an ACK of a Sequence below zero is error 1") {
    CHECK(is_ack_taken(ack_body({5, 0, 5, 0})));
    CHECK(!is_ack_taken(ack_body({5, 0, 6, 0})));
    // The first range ends at 2: one lower range is left, that of 0.
    CHECK(is_ack_taken(ack_body({5, 0, 3, 1, 0, 0})));
    CHECK(!is_ack_taken(ack_body({5, 0, 3, 1, 0, 1})));
    CHECK(!is_ack_taken(ack_body({5, 0, 3, 1, 1, 0})));
    CHECK(!is_ack_taken(ack_body({5, 0, 4, 1, 0, 0})));
    CHECK(!is_ack_taken(ack_body({5, 0, 5, 1, 0, 0})));
    CHECK(!is_ack_taken(ack_body({5, 0, 0, 1, ~std::uint64_t{0}, 0})));
    CHECK(!is_ack_taken(ack_body({5, 0, 0, 1, 0, ~std::uint64_t{0}})));
    CHECK(!is_ack_taken(
        ack_body({~std::uint64_t{0}, 0, ~std::uint64_t{0}, 1, ~std::uint64_t{0}, 0})));
}

TEST_CASE("protocol §8.1 (d): a count of ranges or credits that the body cannot hold is error 1") {
    CHECK(!is_ack_taken(ack_body({100, 0, 0, 2, 0, 0})));
    CHECK(!is_ack_taken(ack_body({100, 0, 0, 2, 0, 0, 0})));
    CHECK(is_ack_taken(ack_body({100, 0, 0, 2, 0, 0, 0, 0})));
    CHECK(!is_ack_taken(ack_body({100, 0, 0, ~std::uint64_t{0}, 0, 0})));
    CHECK(!is_ack_taken(ack_body({100, 0, 0, std::uint64_t{1} << 63, 0, 0})));
    CHECK(ControlMessages::parse(message_bytes(0x0d, ByteVector{0})));
    CHECK(!ControlMessages::parse(message_bytes(0x0d, ByteVector{1, 1, 0})));
    CHECK(ControlMessages::parse(message_bytes(0x0d, ByteVector{1, 1, 0, 0})));
    CHECK(!ControlMessages::parse(message_bytes(
        0x0d, ByteVector{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1, 0, 0})));
}

TEST_CASE("protocol §10.2 (b): write_ack() writes seeded random ranges that are read back") {
    test::Seeded seeded(11);
    for (int i = 0; i < 1'000; ++i) {
        const Ranges ranges = random_ranges(seeded, 1 + seeded.below(64));
        const std::uint64_t delay = seeded.number_of_any_width();
        std::optional<EcnCounts> ecn;
        if (seeded.coin()) ecn = EcnCounts{seeded.number_of_any_width(), 5, 300};
        ByteVector bytes(2'000);
        codec::Writer writer(bytes);
        CHECK(write_ack(writer, ranges, delay, ecn, bytes.size()) == ranges.size());
        bytes.resize(writer.size());
        const ParsedAck ack(bytes);
        CHECK(ack->delay_us == delay);
        CHECK(ack.ranges() == ranges);
        CHECK(ack->ecn.has_value() == ecn.has_value());
        if (ecn) {
            CHECK(ack->ecn->ect0 == ecn->ect0);
            CHECK(ack->ecn->ect1 == 5);
            CHECK(ack->ecn->ce == 300);
        }
        CHECK(encoded(ControlMessage(*ack.operator->())) == bytes);
    }
}

TEST_CASE("protocol §10.2 (b): at most 64 ranges go into an ACK, the newest") {
    test::Seeded seeded(12);
    for (const std::size_t count : {63u, 64u, 65u, 200u}) {
        const Ranges ranges = random_ranges(seeded, count);
        ByteVector bytes(4'000);
        codec::Writer writer(bytes);
        const std::size_t written = write_ack(writer, ranges, 0, std::nullopt, bytes.size());
        CHECK(written == std::min<std::size_t>(count, 64));
        bytes.resize(writer.size());
        CHECK(ParsedAck(bytes).ranges() ==
              Ranges(ranges.begin(), ranges.begin() + static_cast<std::ptrdiff_t>(written)));
    }
}

TEST_CASE("protocol §10.2 (b): with any room, as many ranges go into an ACK as fit") {
    test::Seeded seeded(13);
    const Ranges ranges = random_ranges(seeded, 64);
    std::size_t written_before = 0;
    for (std::size_t room = 0; room < 600; ++room) {
        ByteVector bytes(1'000);
        codec::Writer writer(bytes);
        const std::size_t written = write_ack(writer, ranges, 300, EcnCounts{1, 2, 3}, room);
        CHECK(writer.size() <= room);
        CHECK(written >= written_before);
        written_before = written;
        if (written == 0) {
            CHECK(writer.size() == 0);
            continue;
        }
        bytes.resize(writer.size());
        CHECK(ParsedAck(bytes).ranges().size() == written);
        // One more range would not have fitted: it takes 2 bytes at least, and 4 with a length
        // field that grows.
        if (written < ranges.size()) {
            ByteVector more(1'000);
            codec::Writer more_writer(more);
            write_ack(more_writer, std::span(ranges).first(written + 1), 300, EcnCounts{1, 2, 3},
                      more.size());
            CHECK(more_writer.size() > room);
        }
    }
    CHECK(written_before == 64);
}

TEST_CASE(
    "protocol §10.2 (b): what the writer has no room for is not written, whatever is allowed") {
    ByteVector bytes(6);
    codec::Writer writer(bytes);
    const Ranges ranges{{5, 9}, {1, 2}};
    CHECK(write_ack(writer, ranges, 0, std::nullopt, 1'000) == 1);
    CHECK(writer.room() == 0);
    CHECK(write_ack(writer, ranges, 0, std::nullopt, 1'000) == 0);
}

TEST_CASE("protocol §8.1 (e): CREDITS of stream 0, or of one over 65535, is error 1") {
    const auto is_taken = [](std::uint64_t stream) {
        ByteVector body(20);
        codec::Writer writer(body);
        for (const std::uint64_t number : {std::uint64_t{1}, stream, std::uint64_t{0}}) {
            writer.varint(number);
        }
        writer.varint(300);
        body.resize(writer.size());
        return ControlMessages::parse(message_bytes(0x0d, body)).has_value();
    };
    CHECK(!is_taken(0));
    CHECK(is_taken(1));
    CHECK(is_taken(65'534));
    CHECK(is_taken(65'535));
    CHECK(!is_taken(65'536));
    CHECK(!is_taken(~std::uint64_t{0}));
}

TEST_CASE("protocol §8.1 CREDITS: CREDITS hands out its entries in order") {
    const ByteVector payload =
        message_bytes(0x0d, ByteVector{2, 1, 0, 0xac, 0x02, 0xac, 0x02, 3, 9});
    auto messages = ControlMessages::parse(payload);
    REQUIRE(messages);
    CreditsEntries entries(std::get<Credits>(*messages->next()));
    const auto a = entries.next();
    const auto b = entries.next();
    REQUIRE(a);
    REQUIRE(b);
    CHECK(a->stream == 1);
    CHECK(a->use == 0);
    CHECK(a->limit == 300);
    CHECK(b->stream == 300);
    CHECK(b->use == 3);
    CHECK(b->limit == 9);
    CHECK(!entries.next().has_value());
}

}  // namespace stt::wire
