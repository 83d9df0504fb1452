#pragma once

#include <array>
#include <cstdint>
#include <stt/bytes.hpp>

#include "stc/random.hpp"

namespace stt::testing {

// Probabilities are integers, so that a seed draws the same on every machine.
using PerMillion = std::uint32_t;
inline constexpr PerMillion always = 1'000'000;

// xoshiro256**, seeded through SplitMix64: one seed is one sequence of bytes, everywhere. The
// distributions of the standard library differ between libraries and are not used.
class SeededRandom final : public stc::RandomSource {
public:
    explicit SeededRandom(std::uint64_t seed) noexcept;

    void fill(MutableBytes output) noexcept override;
    std::uint64_t next() noexcept;
    // From 0 to below `limit`, which is at least 1.
    std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }
    // From `first` to `last`, both included.
    std::uint64_t between(std::uint64_t first, std::uint64_t last) noexcept {
        return first + below(last - first + 1);
    }
    bool chance(PerMillion probability) noexcept { return below(always) < probability; }

private:
    std::array<std::uint64_t, 4> state_;
};

// The output function of SplitMix64: a good mix of 64 bits.
constexpr std::uint64_t mixed(std::uint64_t value) noexcept {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

}  // namespace stt::testing
