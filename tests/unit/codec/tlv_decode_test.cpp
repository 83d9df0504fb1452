#include <doctest/doctest.h>

#include <stt/value.hpp>

#include "tests/unit/codec/allocation_counter.hpp"
#include "tests/unit/codec/tlv_samples.hpp"

namespace stt {
namespace {

using test::ByteVector;

DecodeError error_of(const ByteVector& bytes) {
    const auto lenient = decode(bytes);
    REQUIRE(!lenient);
    CHECK(!decode_strict(bytes));
    return lenient.error();
}

void check_only_lenient(const ByteVector& bytes, const Value& expected) {
    const auto lenient = decode(bytes);
    REQUIRE(lenient);
    CHECK(*lenient == expected);
    const auto strict = decode_strict(bytes);
    REQUIRE(!strict);
    CHECK(strict.error() == DecodeError::not_canonical);
}

Value sample() {
    return Value(Value::Dict{
        {"bytes", Value(ByteVector{1, 2, 3})},
        {"dict", Value(Value::Dict{{"x", Value(1.5)}, {"y", Value()}})},
        {"list", Value(Value::List{Value(1), Value(-300), Value(70'000), Value(true), Value(false),
                                   Value(~std::uint64_t{0}), Value(std::int64_t{1} << 40)})},
        {"text", Value("é中😀")},
    });
}

}  // namespace

TEST_CASE("protocol §2.3 (b): every truncation is refused") {
    const ByteVector bytes = encode(sample());
    REQUIRE(decode_strict(bytes));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CHECK(!decode(Bytes(bytes).first(size)));
        CHECK(!decode_strict(Bytes(bytes).first(size)));
    }
}

TEST_CASE("protocol §2.3 (b): trailing bytes are refused") {
    ByteVector bytes = encode(sample());
    bytes.push_back(0);
    CHECK(error_of(bytes) == DecodeError::trailing_bytes);
}

TEST_CASE(
    "protocol §2.3 (b)(e): every bit flip decodes or is refused, and strict decoding has one "
    "form") {
    const ByteVector bytes = encode(sample());
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        ByteVector flipped = bytes;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        const auto strict = decode_strict(flipped);
        if (strict) CHECK(encode(*strict) == flipped);
        const auto lenient = decode(flipped);
        if (strict) CHECK(lenient.has_value());
        if (lenient && !strict) CHECK(encode(*lenient) != flipped);
    }
}

TEST_CASE(
    "protocol §2.3 (b)(e): seeded random bytes decode or are refused; what strict takes is "
    "canonical") {
    test::Seeded seeded(4);
    std::size_t taken = 0;
    for (int i = 0; i < 200'000; ++i) {
        ByteVector bytes = seeded.bytes(1 + seeded.below(24));
        const std::uint8_t tags[] = {0x00, 0x10, 0x11, 0x14, 0x30, 0x31, 0x40, 0x41};
        bytes[0] = tags[seeded.below(8)];
        if (bytes.size() > 4 && seeded.below(4) != 0) {
            bytes[1] = bytes[2] = bytes[3] = 0;
            bytes[4] &= 3;
        }
        const auto strict = decode_strict(bytes);
        if (!strict) continue;
        ++taken;
        CHECK(encode(*strict) == bytes);
    }
    CHECK(taken > 1'000);
}

TEST_CASE("protocol §2.1: exactly the 17 tags are known") {
    std::size_t known = 0;
    for (int tag = 0; tag < 256; ++tag) {
        ByteVector bytes(16);
        bytes[0] = static_cast<std::uint8_t>(tag);
        const auto decoded = decode(bytes);
        if (decoded || decoded.error() != DecodeError::unknown_tag) ++known;
    }
    CHECK(known == 17);
}

TEST_CASE("protocol §2.3 (a)(e): other widths are taken by the lenient decoder alone") {
    check_only_lenient({0x14, 0xff}, Value(255));
    check_only_lenient({0x15, 0xff, 0xff}, Value(65'535));
    check_only_lenient({0x16, 0xff, 0xff, 0xff, 0xff}, Value(std::int64_t{0xffffffff}));
    check_only_lenient({0x17, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                       Value(std::numeric_limits<std::int64_t>::max()));
    check_only_lenient({0x11, 0xff, 0x80}, Value(-128));
    check_only_lenient({0x12, 0xff, 0xff, 0x80, 0x00}, Value(-32'768));
    check_only_lenient({0x13, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0},
                       Value(std::numeric_limits<std::int32_t>::min()));
    check_only_lenient({0x20, 0x3f, 0xc0, 0, 0}, Value(1.5));
    const auto nan = decode(ByteVector{0x21, 0xff, 0xf8, 0, 0, 0, 0, 0, 1});
    REQUIRE(nan);
    CHECK(encode(*nan) == ByteVector{0x21, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0});
    CHECK(!decode_strict(ByteVector{0x21, 0xff, 0xf8, 0, 0, 0, 0, 0, 1}));
}

TEST_CASE("protocol §2.3 (b)(e): keys are STRINGs, unique, and in strict decoding ascending") {
    const ByteVector head{0x41, 0, 0, 0, 2};
    const auto dict = [&](std::uint8_t first, std::uint8_t second) {
        ByteVector bytes = head;
        for (const std::uint8_t key : {first, second}) {
            bytes.insert(bytes.end(), {0x31, 0, 0, 0, 1, key, 0x00});
        }
        return bytes;
    };
    CHECK(decode_strict(dict('a', 'b')));
    CHECK(error_of(dict('a', 'a')) == DecodeError::duplicate_key);
    check_only_lenient(dict('b', 'a'), Value(Value::Dict{{"a", Value()}, {"b", Value()}}));
    CHECK(error_of({0x41, 0, 0, 0, 1, 0x30, 0, 0, 0, 1, 'a', 0x00}) == DecodeError::key_not_string);
    CHECK(error_of({0x41, 0, 0, 0, 1, 0x31, 0, 0, 0, 1, 0xff, 0x00}) == DecodeError::invalid_utf8);
    CHECK(error_of({0x31, 0, 0, 0, 2, 0xc3, 0x28}) == DecodeError::invalid_utf8);
}

TEST_CASE(
    "protocol §2.3 (d): a count or length that the rest cannot hold is refused at n + 1, not "
    "at n") {
    // Three bytes behind the count.
    CHECK(decode(ByteVector{0x30, 0, 0, 0, 3, 1, 2, 3}));
    CHECK(error_of({0x30, 0, 0, 0, 4, 1, 2, 3}) == DecodeError::count_exceeds_input);
    CHECK(error_of({0x31, 0, 0, 0, 4, 'a', 'b', 'c'}) == DecodeError::count_exceeds_input);
    CHECK(decode(ByteVector{0x40, 0, 0, 0, 3, 0, 0, 0}));
    CHECK(error_of({0x40, 0, 0, 0, 4, 0, 0, 0}) == DecodeError::count_exceeds_input);
    CHECK(decode(ByteVector{0x41, 0, 0, 0, 1, 0x31, 0, 0, 0, 0, 0}));
    CHECK(error_of({0x41, 0, 0, 0, 2, 0x31, 0, 0, 0, 0, 0}) == DecodeError::count_exceeds_input);
}

TEST_CASE("protocol §2.3 (d): what is allocated is bounded by the input, not by what it claims") {
    constexpr std::size_t factor_max = 300;  // bytes for each byte of input
    const auto allocated = [](const ByteVector& bytes) {
        const test::AllocationCounter counter;
        static_cast<void>(decode(bytes));
        return counter.size();
    };
    for (const std::uint8_t tag : ByteVector{0x30, 0x31, 0x40, 0x41}) {
        CHECK(allocated({tag, 0xff, 0xff, 0xff, 0xff}) == 0);
        CHECK(allocated({tag, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0}) == 0);
    }
    for (const std::size_t count : {std::size_t{100}, std::size_t{10'000}}) {
        ByteVector nulls{0x40, 0, 0, static_cast<std::uint8_t>(count >> 8),
                         static_cast<std::uint8_t>(count)};
        nulls.resize(5 + count);
        CHECK(allocated(nulls) <= factor_max * nulls.size());
        ByteVector dicts{0x40, 0, 0, static_cast<std::uint8_t>(count >> 8),
                         static_cast<std::uint8_t>(count)};
        for (std::size_t i = 0; i < count; ++i) {
            dicts.insert(dicts.end(), {0x41, 0, 0, 0, 1, 0x31, 0, 0, 0, 0, 0x00});
        }
        CHECK(allocated(dicts) <= factor_max * dicts.size());
    }
}

}  // namespace stt
