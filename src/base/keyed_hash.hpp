// Hashes for tables whose keys peers choose.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/byte_order.hpp"

namespace stt {

// One word for each 4 bytes of the longest key that is hashed, and one more.
inline constexpr std::size_t keyed_hash_size_max = 32;
using HashKey = std::array<std::uint64_t, keyed_hash_size_max / 4 + 1>;

// For tables that no stranger fills: digits of pi.
inline constexpr HashKey hash_key_public{
    0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
    0x082efa98ec4e6c89, 0x452821e638d01377, 0xbe5466cf34e90c6c,
    0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917, 0x9216d5d98979fb1b};

// Multilinear hashing (Lemire and Kaser, "Strongly universal string hashing is fast", 2014): who
// does not know the key finds no two inputs that collide with a chance of more than 2^-32, and so
// cannot make a table of 65,536 entries a list. Nothing may show a peer what a hash was.
class KeyedHash {
public:
    explicit KeyedHash(const HashKey& key) noexcept : key_(key) {}

    // Not noexcept, though it throws nothing: of such a hash the standard library's tables keep
    // what it gave beside each entry, and a walk through them compares numbers.
    template <std::size_t size>
    std::size_t operator()(const std::array<std::uint8_t, size>& value) const {
        static_assert(size % 4 == 0 && size <= keyed_hash_size_max);
        std::uint64_t sum = key_[0];
        for (std::size_t i = 0; i < size / 4; ++i) {
            sum += key_[i + 1] * load_little_endian<std::uint32_t>(value.data() + 4 * i);
        }
        return static_cast<std::size_t>(sum >> 32);
    }

private:
    HashKey key_;
};

}  // namespace stt
