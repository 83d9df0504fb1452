#pragma once

#include <optional>
#include <stt/time.hpp>

namespace stt {

// Of deadlines, where null is never: makes `earliest` the earlier of the two.
inline void keep_earliest(std::optional<Instant>& earliest,
                          const std::optional<Instant>& other) noexcept {
    if (other && (!earliest || *other < *earliest)) earliest = other;
}

}  // namespace stt
