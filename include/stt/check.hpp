// Checks for the project's own mistakes. Never for anything a peer, a file or a user can cause.
#pragma once

namespace stt {

// Reports the broken claim on standard error and stops the process. It is the
// one function below `platform` that prints.
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace stt

// Stays on in release builds: a broken invariant must stop the process, not go on with it.
#define STT_CHECK(expression) \
    ((expression) ? static_cast<void>(0) : ::stt::check_failed(#expression, __FILE__, __LINE__))
