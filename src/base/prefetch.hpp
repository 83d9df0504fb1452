// Asks for memory that is about to be used.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stt {

// What lies in many cache lines that are used one after the other comes at once, instead of line by
// line.
inline void prefetch([[maybe_unused]] const std::uint8_t* from,
                     [[maybe_unused]] std::size_t size) noexcept {
#if defined(__GNUC__)
    constexpr std::size_t cache_line_size = 64;
    for (std::size_t i = 0; i < size; i += cache_line_size) __builtin_prefetch(from + i);
#endif
}

// An object, but not what it points to.
template <class Object>
void prefetch(const Object& object) noexcept {
    prefetch(reinterpret_cast<const std::uint8_t*>(&object), sizeof object);
}

}  // namespace stt
