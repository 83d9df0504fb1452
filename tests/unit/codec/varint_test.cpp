#include "codec/varint.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "codec/reader.hpp"
#include "codec/writer.hpp"
#include "tests/unit/codec/seeded.hpp"

namespace stt::codec {
namespace {

using test::ByteVector;

ByteVector written(std::uint64_t value) {
    ByteVector bytes(varint_size_max);
    Writer writer(bytes);
    writer.varint(value);
    bytes.resize(writer.size());
    return bytes;
}

// Every number whose encoding changes its size, with its neighbours.
std::vector<std::uint64_t> boundaries() {
    std::vector<std::uint64_t> values{0, 1, std::numeric_limits<std::uint64_t>::max()};
    for (int bits = 1; bits < 64; ++bits) {
        const std::uint64_t power = std::uint64_t{1} << bits;
        values.insert(values.end(), {power - 1, power, power + 1});
    }
    return values;
}

DecodeError error_of(ByteVector bytes) {
    Reader reader(bytes);
    const auto value = reader.varint();
    REQUIRE(!value);
    CHECK(reader.remaining().size() == bytes.size());
    return value.error();
}

}  // namespace

TEST_CASE("protocol §1.1 (a): what is written is read back, and has the size that was foretold") {
    for (const std::uint64_t value : boundaries()) {
        const ByteVector bytes = written(value);
        CHECK(bytes.size() == varint_size(value));
        Reader reader(bytes);
        const auto read = reader.varint();
        REQUIRE(read);
        CHECK(*read == value);
        CHECK(reader.is_at_end());
    }
}

TEST_CASE("protocol §1.1 (a): seeded random values survive the round trip") {
    test::Seeded seeded(1);
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t value = seeded.number_of_any_width();
        const ByteVector bytes = written(value);
        Reader reader(bytes);
        CHECK(*reader.varint() == value);
    }
}

TEST_CASE("protocol §1.1 (b): every truncation fails and leaves the reader untouched") {
    for (const std::uint64_t value : boundaries()) {
        ByteVector bytes = written(value);
        while (!bytes.empty()) {
            bytes.pop_back();
            CHECK(error_of(bytes) == DecodeError::truncated);
        }
    }
}

TEST_CASE("protocol §1.1 (b): a longer form than needed is refused") {
    CHECK(error_of({0x80, 0x00}) == DecodeError::not_shortest);
    CHECK(error_of({0xff, 0x00}) == DecodeError::not_shortest);
    for (const std::uint64_t value : boundaries()) {
        ByteVector bytes = written(value);
        if (bytes.size() == varint_size_max) continue;
        bytes.back() |= 0x80;
        bytes.push_back(0x00);
        CHECK(error_of(bytes) == DecodeError::not_shortest);
    }
}

TEST_CASE("protocol §1.1 (b): the tenth byte holds one bit, and there is no eleventh") {
    ByteVector bytes(9, 0xff);
    bytes.push_back(0x01);
    Reader reader(bytes);
    CHECK(*reader.varint() == std::numeric_limits<std::uint64_t>::max());
    for (int last = 2; last < 256; ++last) {
        bytes.back() = static_cast<std::uint8_t>(last);
        CHECK(error_of(bytes) == DecodeError::overflow);
    }
    bytes.back() = 0x00;
    CHECK(error_of(bytes) == DecodeError::not_shortest);
    CHECK(error_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x00}) ==
          DecodeError::overflow);
}

}  // namespace stt::codec
