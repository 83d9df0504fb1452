#include "testing/pattern.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/byte_order.hpp"
#include "testing/seeded_random.hpp"

namespace stt::testing {

std::uint64_t Pattern::word(std::uint64_t index) const noexcept {
    return mixed(key_ + index * 0x9e3779b97f4a7c15);
}

void Pattern::write(std::uint64_t offset, MutableBytes output) const noexcept {
    while (!output.empty()) {
        if (offset % 8 == 0 && output.size() >= 8) {
            // Whole words: nearly all of a transfer.
            store_little_endian(output.data(), word(offset / 8));
            offset += 8;
            output = output.subspan(8);
            continue;
        }
        const std::size_t within = static_cast<std::size_t>(offset % 8);
        std::array<std::uint8_t, 8> bytes;
        store_little_endian(bytes.data(), word(offset / 8));
        const std::size_t size = std::min(output.size(), bytes.size() - within);
        std::memcpy(output.data(), bytes.data() + within, size);
        offset += size;
        output = output.subspan(size);
    }
}

bool Pattern::matches(std::uint64_t offset, Bytes bytes) const noexcept {
    std::array<std::uint8_t, 4096> expected;
    while (!bytes.empty()) {
        const std::size_t size = std::min(bytes.size(), expected.size());
        write(offset, MutableBytes(expected).first(size));
        if (std::memcmp(expected.data(), bytes.data(), size) != 0) return false;
        offset += size;
        bytes = bytes.subspan(size);
    }
    return true;
}

}  // namespace stt::testing
