#include "tests/unit/codec/allocation_counter.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local bool is_counting = false;
thread_local std::size_t allocation_count = 0;
thread_local std::size_t allocation_size = 0;

void* allocate(std::size_t size) {
    if (is_counting) {
        ++allocation_count;
        allocation_size += size;
    }
    void* const place = std::malloc(size == 0 ? 1 : size);
    if (place == nullptr) throw std::bad_alloc();
    return place;
}

}  // namespace

void* operator new(std::size_t size) {
    return allocate(size);
}
void* operator new[](std::size_t size) {
    return allocate(size);
}
void operator delete(void* place) noexcept {
    std::free(place);
}
void operator delete[](void* place) noexcept {
    std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
    std::free(place);
}
void operator delete[](void* place, std::size_t) noexcept {
    std::free(place);
}

namespace stt::test {

AllocationCounter::AllocationCounter() {
    allocation_count = 0;
    allocation_size = 0;
    is_counting = true;
}
AllocationCounter::~AllocationCounter() {
    is_counting = false;
}
std::size_t AllocationCounter::count() const noexcept {
    return allocation_count;
}
std::size_t AllocationCounter::size() const noexcept {
    return allocation_size;
}

}  // namespace stt::test
