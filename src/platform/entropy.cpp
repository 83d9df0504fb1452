#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <platform/entropy.hpp>

namespace stt::platform {

void SystemRandom::fill(MutableBytes output) noexcept {
    while (!output.empty()) {
        const ssize_t size = ::getrandom(output.data(), output.size(), 0);
        if (size > 0) {
            output = output.subspan(static_cast<std::size_t>(size));
        } else if (size == 0 || errno != EINTR) {
            const char* reason = size == 0 ? "it gave no bytes" : std::strerror(errno);
            std::fprintf(stderr, "stt: no randomness from the operating system: %s\n", reason);
            std::abort();
        }
    }
}

}  // namespace stt::platform
