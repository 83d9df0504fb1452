#include "codec/writer.hpp"

#include <doctest/doctest.h>

#include "codec/reader.hpp"
#include "tests/unit/codec/seeded.hpp"

namespace stt::codec {

using test::ByteVector;

TEST_CASE("protocol preface: what a Writer writes a Reader reads, in order") {
    ByteVector bytes(64, 0xee);
    Writer writer(bytes);
    writer.u8(1);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    writer.u64(0x08090a0b0c0d0e0f);
    writer.varint(300);
    writer.bytes(ByteVector{7, 8});
    writer.zeros(3);
    const MutableBytes place = writer.skip(2);
    place[0] = 0xaa;
    place[1] = 0xbb;
    CHECK(writer.size() == 1 + 2 + 4 + 8 + 2 + 2 + 3 + 2);
    CHECK(writer.room() == bytes.size() - writer.size());
    CHECK(bytes[writer.size()] == 0xee);

    Reader reader(writer.written());
    CHECK(*reader.u8() == 1);
    CHECK(*reader.u16() == 0x0203);
    CHECK(*reader.u32() == 0x04050607);
    CHECK(*reader.u64() == 0x08090a0b0c0d0e0f);
    CHECK(*reader.varint() == 300);
    CHECK(*reader.u16() == 0x0708);
    CHECK(*reader.u8() == 0);
    CHECK(*reader.u16() == 0);
    CHECK(*reader.u16() == 0xaabb);
    CHECK(reader.is_at_end());
}

TEST_CASE("protocol preface: the last byte of the room can be written") {
    ByteVector bytes(3);
    Writer writer(bytes);
    writer.u8(1);
    writer.u16(2);
    CHECK(writer.room() == 0);
    writer.bytes({});
    writer.zeros(0);
    CHECK(bytes == ByteVector{1, 0, 2});
}

}  // namespace stt::codec
