// The codes that SESSION_CLOSE, RESET, STOP and ERROR carry. Spec protocol §8.4.
#pragma once

#include <cstdint>
#include <string_view>

namespace stt {

// Codes from 256 up are the application's own; code points 9 to 254 are unassigned.
enum class ErrorCode : std::uint64_t {
    none = 0,
    protocol = 1,
    crypto = 2,
    session = 3,
    stream = 4,
    flow_control = 5,
    transport = 6,
    refused = 7,
    timeout = 8,
    internal = 255,
};

// The first code that belongs to the application.
inline constexpr std::uint64_t application_error_code_min = 256;

// A word for an assigned code, "application" from 256 up, "unassigned" for the rest.
std::string_view name_of(ErrorCode code) noexcept;

}  // namespace stt
