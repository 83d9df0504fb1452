// Integers of fixed width as bytes. The wire is big-endian (Spec protocol preamble);
// the lanes of the permutation are little-endian (FIPS 202).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <stt/bytes.hpp>
#include <type_traits>

namespace stt {

template <class Unsigned>
constexpr Unsigned byte_swapped(Unsigned value) noexcept {
    Unsigned swapped = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
        swapped = static_cast<Unsigned>((swapped << 8) | ((value >> (8 * i)) & 0xff));
    }
    return swapped;
}

template <class Unsigned>
Unsigned load(const std::uint8_t* bytes, std::endian order) noexcept {
    Unsigned value;
    std::memcpy(&value, bytes, sizeof value);
    return order == std::endian::native ? value : byte_swapped(value);
}

template <class Unsigned>
void store(std::uint8_t* bytes, Unsigned value, std::endian order) noexcept {
    if (order != std::endian::native) value = byte_swapped(value);
    std::memcpy(bytes, &value, sizeof value);
}

// std::bit_cast, which the standard library of Emscripten 3.1 lacks.
template <class To, class From>
To bits_as(const From& from) noexcept {
    static_assert(sizeof(To) == sizeof(From));
    static_assert(std::is_trivially_copyable_v<To> && std::is_trivially_copyable_v<From>);
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

// `bytes` must hold sizeof(Unsigned) bytes.
template <class Unsigned>
Unsigned load_big_endian(const std::uint8_t* bytes) noexcept {
    return load<Unsigned>(bytes, std::endian::big);
}
template <class Unsigned>
void store_big_endian(std::uint8_t* bytes, Unsigned value) noexcept {
    store(bytes, value, std::endian::big);
}
template <class Unsigned>
Unsigned load_little_endian(const std::uint8_t* bytes) noexcept {
    return load<Unsigned>(bytes, std::endian::little);
}
template <class Unsigned>
void store_little_endian(std::uint8_t* bytes, Unsigned value) noexcept {
    store(bytes, value, std::endian::little);
}

}  // namespace stt
