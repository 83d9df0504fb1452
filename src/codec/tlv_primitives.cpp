#include "codec/tlv_primitives.hpp"

#include <cmath>
#include <limits>
#include <stt/check.hpp>

#include "base/byte_order.hpp"

namespace stt::codec {
namespace {

constexpr std::uint64_t int64_max = std::numeric_limits<std::int64_t>::max();

template <class Integer>
bool holds(std::int64_t value) noexcept {
    return value >= std::numeric_limits<Integer>::min() &&
           value <= std::numeric_limits<Integer>::max();
}

void write_tag(Writer& writer, Tag tag) noexcept {
    writer.u8(static_cast<std::uint8_t>(tag));
}

}  // namespace

std::size_t integer_size(std::int64_t value) noexcept {
    if (holds<std::int8_t>(value)) return 2;
    if (holds<std::int16_t>(value)) return 3;
    if (holds<std::int32_t>(value)) return 5;
    return 9;
}

std::size_t unsigned_integer_size(std::uint64_t value) noexcept {
    return value > int64_max ? 9 : integer_size(static_cast<std::int64_t>(value));
}

void write_integer(Writer& writer, std::int64_t value) noexcept {
    switch (integer_size(value)) {
        case 2:
            write_tag(writer, Tag::int8);
            return writer.u8(static_cast<std::uint8_t>(value));
        case 3:
            write_tag(writer, Tag::int16);
            return writer.u16(static_cast<std::uint16_t>(value));
        case 5:
            write_tag(writer, Tag::int32);
            return writer.u32(static_cast<std::uint32_t>(value));
        default:
            write_tag(writer, Tag::int64);
            return writer.u64(static_cast<std::uint64_t>(value));
    }
}

void write_unsigned_integer(Writer& writer, std::uint64_t value) noexcept {
    if (value <= int64_max) return write_integer(writer, static_cast<std::int64_t>(value));
    write_tag(writer, Tag::uint64);
    writer.u64(value);
}

void write_float(Writer& writer, double value) noexcept {
    write_tag(writer, Tag::float64);
    writer.u64(std::isnan(value) ? canonical_nan_bits : bits_as<std::uint64_t>(value));
}

void write_bytes(Writer& writer, Bytes value) noexcept {
    STT_CHECK(value.size() <= std::numeric_limits<std::uint32_t>::max());
    write_count(writer, Tag::bytes, static_cast<std::uint32_t>(value.size()));
    writer.bytes(value);
}

void write_string(Writer& writer, std::string_view value) noexcept {
    STT_CHECK(value.size() <= std::numeric_limits<std::uint32_t>::max());
    write_count(writer, Tag::string, static_cast<std::uint32_t>(value.size()));
    writer.bytes(bytes_of(value));
}

void write_count(Writer& writer, Tag tag, std::uint32_t count) noexcept {
    write_tag(writer, tag);
    writer.u32(count);
}

}  // namespace stt::codec
