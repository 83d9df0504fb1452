#include <chrono>
#include <platform/clock.hpp>

namespace stt::platform {

Instant now() noexcept {
    const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
    return Instant(std::chrono::duration_cast<Duration>(since_start));
}

std::int64_t unix_milliseconds() noexcept {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::floor<std::chrono::milliseconds>(since_1970).count();
}

}  // namespace stt::platform
