#include <doctest/doctest.h>

#include <algorithm>

#include "core/wire/control.hpp"
#include "core/wire/frame.hpp"
#include "tests/unit/codec/seeded.hpp"

namespace stt::wire {
namespace {

using test::ByteVector;

struct Plaintext {
    std::uint64_t use = 0;
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> back{};
    ByteVector bytes{1, 2, 3};

    ByteVector encoded() const {
        ByteVector output(data_prefix_size(use, offset, back) + bytes.size());
        codec::Writer writer(output);
        write_data_prefix(writer, use, offset, back);
        writer.bytes(bytes);
        CHECK(writer.room() == 0);
        return output;
    }
};

ErrorCode error_of(const Plaintext& plaintext, std::uint8_t flags) {
    const ByteVector encoded = plaintext.encoded();
    const auto data = parse_data(encoded, flags);
    return data ? ErrorCode::none : data.error().code;
}

}  // namespace

TEST_CASE("protocol §7.1 (b): what was written before the bytes of DATA is read back") {
    test::Seeded seeded(9);
    for (int i = 0; i < 2'000; ++i) {
        Plaintext plaintext;
        plaintext.use = seeded.number_of_any_width();
        plaintext.offset = seeded.number_of_any_width() >> 3;
        if (seeded.coin()) plaintext.back = seeded.below(plaintext.offset + 1);
        plaintext.bytes = seeded.bytes(1 + seeded.below(50));
        const ByteVector encoded = plaintext.encoded();
        const auto data = parse_data(encoded, plaintext.back ? flag::message : 0);
        REQUIRE(data);
        CHECK(data->use == plaintext.use);
        CHECK(data->offset == plaintext.offset);
        CHECK(data->back == plaintext.back.value_or(0));
        CHECK(std::equal(data->bytes.begin(), data->bytes.end(), plaintext.bytes.begin(),
                         plaintext.bytes.end()));
    }
}

TEST_CASE("protocol §7.1 (b): a prefix that is cut off anywhere is error 1") {
    Plaintext plaintext{.use = 300, .offset = 70'000, .back = 300};
    plaintext.bytes.clear();
    const ByteVector encoded = plaintext.encoded();
    for (std::size_t size = 0; size < encoded.size(); ++size) {
        const auto data = parse_data(Bytes(encoded).first(size), flag::message | flag::stream_end);
        REQUIRE(!data);
        CHECK(data.error().code == ErrorCode::protocol);
    }
    CHECK(parse_data(encoded, flag::message | flag::stream_end).has_value());
}

TEST_CASE("protocol §7.1 (a): offsets end at 2^62") {
    Plaintext plaintext;
    plaintext.offset = stream_offset_end - 4;
    CHECK(error_of(plaintext, 0) == ErrorCode::none);
    plaintext.offset = stream_offset_end - 3;
    CHECK(error_of(plaintext, 0) == ErrorCode::none);
    plaintext.offset = stream_offset_end - 2;
    CHECK(error_of(plaintext, 0) == ErrorCode::protocol);
    plaintext.offset = ~std::uint64_t{0};
    CHECK(error_of(plaintext, 0) == ErrorCode::protocol);
    plaintext.bytes.clear();
    plaintext.offset = stream_offset_end;
    CHECK(error_of(plaintext, flag::stream_end) == ErrorCode::none);
    plaintext.offset = stream_offset_end + 1;
    CHECK(error_of(plaintext, flag::stream_end) == ErrorCode::protocol);
}

TEST_CASE("protocol §7.3 (c): an empty DATA without STREAM_END is error 1") {
    Plaintext plaintext;
    plaintext.bytes.clear();
    CHECK(error_of(plaintext, 0) == ErrorCode::protocol);
    CHECK(error_of(plaintext, flag::stream_end) == ErrorCode::none);
    plaintext.back = 0;
    CHECK(error_of(plaintext, flag::message) == ErrorCode::protocol);
    CHECK(error_of(plaintext, flag::message | flag::stream_end) == ErrorCode::none);
}

TEST_CASE("protocol §7.3 (d): `back` over `offset` is error 5") {
    Plaintext plaintext{.offset = 10};
    for (const std::uint64_t back : {0u, 9u, 10u}) {
        plaintext.back = back;
        CHECK(error_of(plaintext, flag::message) == ErrorCode::none);
    }
    for (const std::uint64_t back : {std::uint64_t{11}, ~std::uint64_t{0}}) {
        plaintext.back = back;
        CHECK(error_of(plaintext, flag::message) == ErrorCode::flow_control);
    }
}

}  // namespace stt::wire
