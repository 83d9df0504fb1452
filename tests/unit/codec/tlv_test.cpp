#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stt/value.hpp>

#include "tests/unit/codec/tlv_samples.hpp"

namespace stt {
namespace {

using test::ByteVector;

}  // namespace

TEST_CASE("protocol §2.2 (a): an integer takes the smallest signed type that holds it") {
    const auto size_of = [](std::int64_t value) { return encode(Value(value)).size(); };
    for (const int bits : {7, 15, 31}) {
        const std::int64_t power = std::int64_t{1} << bits;
        const std::size_t size = 1 + (static_cast<std::size_t>(bits) + 1) / 8;
        CHECK(size_of(power - 1) == size);
        CHECK(size_of(power) > size);
        CHECK(size_of(-power) == size);
        CHECK(size_of(-power - 1) > size);
    }
    CHECK(size_of(std::numeric_limits<std::int64_t>::max()) == 9);
    CHECK(size_of(std::numeric_limits<std::int64_t>::min()) == 9);
}

TEST_CASE("protocol §2.2 (a): UINT64 is written only above 2^63 - 1") {
    const std::uint64_t power = std::uint64_t{1} << 63;
    CHECK(encode(Value(power - 1)) ==
          ByteVector{0x13, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
    CHECK(encode(Value(power)) == ByteVector{0x17, 0x80, 0, 0, 0, 0, 0, 0, 0});
    CHECK(Value(power - 1) == Value(static_cast<std::int64_t>(power - 1)));
    CHECK(Value(std::uint64_t{5}).integer() != nullptr);
    CHECK(Value(power).large_integer() != nullptr);
}

TEST_CASE("protocol §2.2 (b): NaN has one encoding, whatever its bits") {
    const ByteVector canonical{0x21, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0};
    CHECK(encode(Value(std::numeric_limits<double>::quiet_NaN())) == canonical);
    CHECK(encode(Value(-std::numeric_limits<double>::quiet_NaN())) == canonical);
    const auto decoded = decode_strict(canonical);
    REQUIRE(decoded);
    CHECK(std::isnan(*decoded->floating()));
}

TEST_CASE(
    "protocol §2.2 (c): DICT keys ascend by their UTF-8 bytes, whatever the order of "
    "insertion") {
    Value::Dict entries;
    entries.emplace("é", Value(1));
    entries.emplace("b", Value(2));
    entries.emplace("B", Value(3));
    entries.emplace("", Value(4));
    entries.emplace("ba", Value(5));
    const ByteVector bytes = encode(Value(std::move(entries)));
    const ByteVector expected{0x41, 0, 0, 0, 5,                       //
                              0x31, 0, 0, 0, 0, 0x10, 4,              //
                              0x31, 0, 0, 0, 1, 'B',  0x10, 3,        //
                              0x31, 0, 0, 0, 1, 'b',  0x10, 2,        //
                              0x31, 0, 0, 0, 2, 'b',  'a',  0x10, 5,  //
                              0x31, 0, 0, 0, 2, 0xc3, 0xa9, 0x10, 1};
    CHECK(bytes == expected);
}

TEST_CASE("protocol §2.3 (a)(e): seeded random values survive the round trip, strict and lenient") {
    test::Seeded seeded(3);
    for (int i = 0; i < 3'000; ++i) {
        const Value value = test::random_value(seeded, 4);
        const ByteVector bytes = encode(value);
        const auto lenient = decode(bytes);
        REQUIRE(lenient);
        CHECK(*lenient == value);
        const auto strict = decode_strict(bytes);
        REQUIRE(strict);
        CHECK(*strict == value);
        CHECK(encode(*strict) == bytes);
    }
}

TEST_CASE("protocol §2.3 (c): LISTs and DICTs nest up to 64 deep, and no deeper") {
    for (const std::size_t depth : {std::size_t{1}, value_depth_max - 1, value_depth_max}) {
        const Value value = test::nested_lists(depth);
        const auto decoded = decode_strict(encode(value));
        REQUIRE(decoded);
        CHECK(*decoded == value);
    }
    // One list around the deepest that is allowed.
    ByteVector bytes{0x40, 0, 0, 0, 1};
    const ByteVector deepest = encode(test::nested_lists(value_depth_max));
    bytes.insert(bytes.end(), deepest.begin(), deepest.end());
    CHECK(decode(bytes).error() == DecodeError::too_deep);
    // The same with a DICT around, whose key does not count.
    ByteVector dict{0x41, 0, 0, 0, 1, 0x31, 0, 0, 0, 0};
    dict.insert(dict.end(), deepest.begin(), deepest.end());
    CHECK(decode(dict).error() == DecodeError::too_deep);
    // A value that is neither may stand in the deepest of them.
    ByteVector inside(5 * value_depth_max);
    for (std::size_t i = 0; i < value_depth_max; ++i) {
        inside[5 * i] = 0x40;
        inside[5 * i + 4] = 1;
    }
    inside.push_back(0x00);
    CHECK(decode_strict(inside).has_value());
}

TEST_CASE("protocol §2.1: find() finds keys of a DICT and nothing else") {
    const Value dict(Value::Dict{{"key", Value(7)}});
    REQUIRE(dict.find("key") != nullptr);
    CHECK(*dict.find("key")->integer() == 7);
    CHECK(dict.find("kez") == nullptr);
    CHECK(Value(7).find("key") == nullptr);
    CHECK(Value().is_null());
}

}  // namespace stt
