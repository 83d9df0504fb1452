// What the module asks of JavaScript: two functions, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stc/random.hpp"

namespace stt::wasm {

// crypto.getRandomValues(): JavaScript throws where there is none, and nothing goes on after that.
class BrowserRandom final : public stc::RandomSource {
public:
    void fill(MutableBytes output) noexcept override;
};

}  // namespace stt::wasm
