#pragma once

#include <compare>
#include <cstdint>

namespace stt::stream {

// Names one stream of a session for good: Stream IDs are used again, and `use` counts
// how often. Spec protocol §7.1.
struct StreamKey {
    std::uint16_t id = 0;
    std::uint64_t use = 0;

    friend auto operator<=>(const StreamKey&, const StreamKey&) noexcept = default;
};

}  // namespace stt::stream
