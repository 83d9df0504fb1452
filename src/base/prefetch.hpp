#pragma once

#include <cstddef>
#include <cstdint>

namespace stt {

// Asks for the memory of an object that is about to be used, whole. What lies in many cache lines
// that are used one after the other comes at once, instead of line by line.
template <class Object>
inline void prefetch(const Object& object) noexcept {
    constexpr std::size_t cache_line_size = 64;
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&object);
    for (std::size_t at = 0; at < sizeof object; at += cache_line_size) {
        __builtin_prefetch(bytes + at);
    }
}

}  // namespace stt
