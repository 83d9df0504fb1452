#pragma once

#include <cstddef>

namespace stt::test {

// Counts what this thread asks of operator new while it lives. One at a time. The program
// must link allocation_counter.cpp.
class AllocationCounter {
public:
    AllocationCounter();
    ~AllocationCounter();
    AllocationCounter(const AllocationCounter&) = delete;
    AllocationCounter& operator=(const AllocationCounter&) = delete;

    std::size_t count() const noexcept;
    std::size_t size() const noexcept;  // of all of them together, freed or not
};

}  // namespace stt::test
