#include "codec/reader.hpp"

#include <doctest/doctest.h>

#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "tests/unit/codec/seeded.hpp"

namespace stt::codec {
namespace {

using test::ByteVector;

// Reads by `read` succeed with exactly `bytes`, and at every truncation of them fail and leave
// the reader where it was.
template <class Read>
void check_truncations(const ByteVector& bytes, const Read& read) {
    Reader whole(bytes);
    CHECK(read(whole).has_value());
    CHECK(whole.is_at_end());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Reader reader(Bytes(bytes).first(size));
        CHECK(!read(reader).has_value());
        CHECK(reader.remaining().size() == size);
        CHECK(reader.remaining().data() == bytes.data());
    }
}

}  // namespace

TEST_CASE("protocol preface: integers of fixed width are big-endian") {
    const ByteVector bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    Reader reader(bytes);
    CHECK(*reader.u8() == 0x01);
    CHECK(*reader.u16() == 0x0203);
    CHECK(*reader.u32() == 0x04050607);
    CHECK(*reader.u64() == 0x08090a0b0c0d0e0f);
    CHECK(reader.is_at_end());
}

TEST_CASE("protocol preface: a read that fails changes nothing") {
    const ByteVector bytes{1, 2, 3, 4, 5, 6, 7, 8};
    const auto first = [&](std::size_t size) {
        return ByteVector(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    };
    check_truncations(first(1), [](Reader& reader) { return reader.u8(); });
    check_truncations(first(2), [](Reader& reader) { return reader.u16(); });
    check_truncations(first(4), [](Reader& reader) { return reader.u32(); });
    check_truncations(first(8), [](Reader& reader) { return reader.u64(); });
    check_truncations(first(7), [](Reader& reader) { return reader.bytes(7); });
    check_truncations({3, 1, 2, 3}, [](Reader& reader) { return reader.length_prefixed(); });
    ByteVector longer(2 + 200);
    longer[0] = 0xc8;
    longer[1] = 0x01;
    check_truncations(longer, [](Reader& reader) { return reader.length_prefixed(); });
}

TEST_CASE("protocol preface: a length is compared before it is narrowed") {
    ByteVector bytes(varint_size_max);
    Writer writer(bytes);
    writer.varint(~std::uint64_t{0});
    Reader reader(bytes);
    const auto value = reader.length_prefixed();
    REQUIRE(!value);
    CHECK(value.error() == DecodeError::count_exceeds_input);
    CHECK(reader.remaining().size() == bytes.size());
}

TEST_CASE("protocol preface: an empty read succeeds anywhere") {
    Reader reader(Bytes{});
    CHECK(reader.is_at_end());
    CHECK(reader.bytes(0)->empty());
    const ByteVector zero{0};
    Reader prefixed(zero);
    CHECK(prefixed.length_prefixed()->empty());
    CHECK(prefixed.is_at_end());
}

}  // namespace stt::codec
