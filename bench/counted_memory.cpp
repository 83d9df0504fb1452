#include "bench/counted_memory.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t header_size = 8;
std::size_t owner_now = 0;
std::size_t held[stt::bench::owner_count];
std::size_t allocations[stt::bench::owner_count];

void* allocate(std::size_t size) {
    void* const place = std::malloc(size == 0 ? 1 : size);
    if (place == nullptr) throw std::bad_alloc();
    held[owner_now] += malloc_usable_size(place) + header_size;
    ++allocations[owner_now];
    return place;
}

void release(void* place) noexcept {
    if (place == nullptr) return;
    held[owner_now] -= malloc_usable_size(place) + header_size;
    std::free(place);
}

}  // namespace

void* operator new(std::size_t size) {
    return allocate(size);
}
void* operator new[](std::size_t size) {
    return allocate(size);
}
void operator delete(void* place) noexcept {
    release(place);
}
void operator delete[](void* place) noexcept {
    release(place);
}
void operator delete(void* place, std::size_t) noexcept {
    release(place);
}
void operator delete[](void* place, std::size_t) noexcept {
    release(place);
}

namespace stt::bench {

void set_memory_owner(std::size_t owner) noexcept {
    owner_now = owner;
}
std::size_t memory_held_by(std::size_t owner) noexcept {
    return held[owner];
}
std::size_t allocations_of(std::size_t owner) noexcept {
    return allocations[owner];
}

}  // namespace stt::bench
