// Bytes of a stream between two offsets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>

#include "base/buffer_pool.hpp"

namespace stt {

// Storage for a window [begin, end) of a stream's byte offsets. It grows by
// doubling as far as the window asks and gives everything back when the window is
// empty; who moves the window bounds it. What it was before, it becomes at once when it is
// filled again, and half of that if it needed less.
class ByteRing {
public:
    // Storage comes from `pool`, which outlives the ring; from the allocator if it is null.
    explicit ByteRing(BufferPool* pool = nullptr) noexcept : pool_(pool) {}

    std::uint64_t begin() const noexcept { return begin_; }
    std::size_t capacity() const noexcept { return bytes_.size(); }

    // Makes room for [begin(), end): at most BufferPool::buffer_size_max bytes, else an STT_CHECK
    // breaks.
    void reserve_until(std::uint64_t end);
    // Copies `data` to `offset`; all of it lies in reserved room.
    void put(std::uint64_t offset, Bytes data) noexcept;
    // Copies out [offset, offset + |output|), which put() has filled.
    void get(std::uint64_t offset, MutableBytes output) const noexcept;
    // Drops all below `begin`. Storage is given back when `is_empty`.
    void advance(std::uint64_t begin, bool is_empty) noexcept;
    // Gives the storage back, with what is in it.
    void clear() noexcept;

private:
    std::size_t position(std::uint64_t offset) const noexcept {
        return static_cast<std::size_t>(offset) & (capacity() - 1);
    }

    BufferPool* pool_;
    BufferPool::Buffer bytes_;       // of a power of two, or none
    std::size_t needed_max_ = 0;     // since it was empty
    std::size_t capacity_next_ = 0;  // to begin with when it is filled again
    std::uint64_t begin_ = 0;
};

}  // namespace stt
