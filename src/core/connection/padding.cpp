#include "core/connection/padding.hpp"

#include <algorithm>
#include <array>
#include <stt/check.hpp>

namespace stt::connection {
namespace {

// Spec protocol §12.1.
constexpr std::array<std::size_t, 4> buckets{128, 256, 512, 1'024};

}  // namespace

std::size_t Padding::capacity(std::size_t room, bool is_alone) const noexcept {
    if (!is_on()) return room;
    if (is_alone) return room > 0 ? room - 1 : 0;
    if (policy_ == PaddingPolicy::constant) return 0;
    std::size_t largest = 0;
    for (const std::size_t bucket : buckets) {
        if (bucket <= room) largest = bucket;
    }
    return largest > 0 ? largest - 1 : 0;
}

std::size_t Padding::padded_size(std::size_t data_size, std::size_t room,
                                 bool is_alone) const noexcept {
    STT_CHECK(data_size <= capacity(room, is_alone));
    if (!is_on()) return data_size;
    if (policy_ == PaddingPolicy::bucket) {
        for (const std::size_t bucket : buckets) {
            // With the byte 0x80: 128 bytes become 256.
            if (data_size < bucket && bucket <= room) return bucket;
        }
    }
    return room;
}

}  // namespace stt::connection
