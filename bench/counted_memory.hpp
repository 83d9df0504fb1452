// What operator new gave out and did not get back, by owner.
#pragma once

#include <cstddef>

namespace stt::bench {

inline constexpr std::size_t owner_count = 3;

// Whatever this thread allocates and frees from here on belongs to `owner`, below owner_count.
// Who frees must be who allocated, as it is in a node.
void set_memory_owner(std::size_t owner) noexcept;
// Bytes held now, with the allocator's own header of 8 bytes for each.
std::size_t memory_held_by(std::size_t owner) noexcept;
// Calls of operator new so far.
std::size_t allocations_of(std::size_t owner) noexcept;

}  // namespace stt::bench
