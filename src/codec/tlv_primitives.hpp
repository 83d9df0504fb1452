// The tags of the STT binary format, and how its scalars are written. Spec protocol §2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <stt/bytes.hpp>

#include "codec/writer.hpp"

namespace stt::codec {

enum class Tag : std::uint8_t {
    null = 0x00,
    boolean_false = 0x01,
    boolean_true = 0x02,
    int8 = 0x10,
    int16 = 0x11,
    int32 = 0x12,
    int64 = 0x13,
    uint8 = 0x14,
    uint16 = 0x15,
    uint32 = 0x16,
    uint64 = 0x17,
    float32 = 0x20,
    float64 = 0x21,
    bytes = 0x30,
    string = 0x31,
    list = 0x40,
    dict = 0x41,
};

// NaN has one canonical form.
inline constexpr std::uint64_t canonical_nan_bits = 0x7ff8000000000000;

// A tag and a body of 0, 1, 2, 4 or 8 bytes.
inline constexpr std::size_t scalar_size_max = 9;
// A tag and a count of 4 bytes.
inline constexpr std::size_t counted_prefix_size = 5;

// Bytes of the canonical encoding of an integer.
std::size_t integer_size(std::int64_t value) noexcept;
std::size_t unsigned_integer_size(std::uint64_t value) noexcept;

// The smallest signed type that holds the value; UINT64 only above 2^63 - 1.
void write_integer(Writer& writer, std::int64_t value) noexcept;
void write_unsigned_integer(Writer& writer, std::uint64_t value) noexcept;
void write_float(Writer& writer, double value) noexcept;
void write_bytes(Writer& writer, Bytes value) noexcept;
// The caller has made sure that the text is valid UTF-8.
void write_string(Writer& writer, std::string_view value) noexcept;
// LIST and DICT: `count` values, or pairs, follow.
void write_count(Writer& writer, Tag tag, std::uint32_t count) noexcept;

}  // namespace stt::codec
