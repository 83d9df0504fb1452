// Unsigned LEB128, low group first, shortest form only. Spec protocol §1.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace stt::codec {

inline constexpr std::size_t varint_size_max = 10;

// Bytes of the one valid encoding of `value`, 1 to 10.
constexpr std::size_t varint_size(std::uint64_t value) noexcept {
    const auto bits = static_cast<std::size_t>(std::bit_width(value | 1));
    return (bits + 6) / 7;
}
static_assert(varint_size(0) == 1 && varint_size(127) == 1 && varint_size(128) == 2);
static_assert(varint_size(~std::uint64_t{0}) == varint_size_max);

}  // namespace stt::codec
