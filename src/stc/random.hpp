// Where randomness comes from. Spec stc "Code that handles keys".
#pragma once

#include <stt/bytes.hpp>

namespace stt::stc {

// The one interface through which keys and nonces get random bytes. The operating
// system's implementation lives in platform; tests replace it by a seeded one.
class RandomSource {
public:
    virtual ~RandomSource() = default;
    // Fills all of `output`. There is no failure: an implementation that cannot
    // get randomness stops the process.
    virtual void fill(MutableBytes output) noexcept = 0;

protected:
    RandomSource() = default;
    RandomSource(const RandomSource&) = default;
    RandomSource& operator=(const RandomSource&) = default;
};

}  // namespace stt::stc
