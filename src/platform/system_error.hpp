// What the operating system answers when it refuses something.
#pragma once

#include <system_error>

namespace stt::platform {

// Of std::system_category(), with the value of errno: it compares with std::errc,
// and message() is a text for users.
using SystemError = std::error_code;

// The error that the last failed system call of this thread left in errno.
SystemError last_system_error() noexcept;

}  // namespace stt::platform
