#include <cstdio>
#include <cstdlib>
#include <stt/check.hpp>

namespace stt {

void check_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "stt: broken invariant at %s:%d: %s\n", file, line, expression);
    std::abort();
}

}  // namespace stt
