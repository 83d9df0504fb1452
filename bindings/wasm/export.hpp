// How a function is exported, and what crosses the border.
//
// JavaScript has doubles, which hold every integer below 2^53 exactly: handles, offsets, sizes and
// counts cross as doubles, bytes as a place in the module's memory and a size.
#pragma once

#include <cstdint>

#define STT_EXPORT(name) extern "C" __attribute__((export_name(#name), used))

namespace stt::wasm {

inline double number(std::uint64_t value) noexcept {
    return static_cast<double>(value);
}
// What is no integer from 0 to 2^53 counts as the nearer end.
inline std::uint64_t integer(double value) noexcept {
    constexpr double largest = 9'007'199'254'740'992.0;
    if (!(value > 0)) return 0;
    return static_cast<std::uint64_t>(value < largest ? value : largest);
}

}  // namespace stt::wasm
