// Bytes of a stream between two offsets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stt/bytes.hpp>

namespace stt {

// Storage for a window [begin, end) of a stream's byte offsets. It grows by
// doubling as far as the window asks and gives everything back when the window is
// empty; who moves the window bounds it.
class ByteRing {
public:
    std::uint64_t begin() const noexcept { return begin_; }
    std::size_t capacity() const noexcept { return capacity_; }

    // Makes room for [begin(), end): at most 2^40 bytes, else an STT_CHECK breaks.
    void reserve_until(std::uint64_t end);
    // Copies `data` to `offset`; all of it lies in reserved room.
    void put(std::uint64_t offset, Bytes data) noexcept;
    // Copies out [offset, offset + |output|), which put() has filled.
    void get(std::uint64_t offset, MutableBytes output) const noexcept;
    // Drops all below `begin`. Storage is given back when `is_empty`.
    void advance(std::uint64_t begin, bool is_empty) noexcept;

private:
    std::size_t position(std::uint64_t offset) const noexcept {
        return static_cast<std::size_t>(offset) & (capacity_ - 1);
    }

    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t capacity_ = 0;  // a power of two, or zero
    std::uint64_t begin_ = 0;
};

}  // namespace stt
