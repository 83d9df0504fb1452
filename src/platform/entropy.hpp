// Randomness of the operating system.
#pragma once

#include <stc/random.hpp>
#include <stt/bytes.hpp>

namespace stt::platform {

// getrandom(2): waits until the kernel's generator was seeded once, then never again.
// When the system gives none the process stops with a message on standard error: there
// is no second source, because a weak key is worse than no program.
class SystemRandom final : public stc::RandomSource {
public:
    void fill(MutableBytes output) noexcept override;
};

}  // namespace stt::platform
