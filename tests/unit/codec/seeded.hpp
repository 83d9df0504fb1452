// Inputs that look random and are the same at each run.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <stt/bytes.hpp>
#include <vector>

namespace stt::test {

using ByteVector = std::vector<std::uint8_t>;

class Seeded {
public:
    explicit Seeded(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t number() { return engine_(); }
    // 0 to `end` - 1.
    std::uint64_t below(std::uint64_t end) { return engine_() % end; }
    bool coin() { return (engine_() & 1) != 0; }
    // Of a random width of bits, so that small and large ones come equally often.
    std::uint64_t number_of_any_width() { return engine_() >> below(64); }
    void fill(MutableBytes bytes) {
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(engine_());
    }
    ByteVector bytes(std::size_t size) {
        ByteVector filled(size);
        fill(filled);
        return filled;
    }

private:
    std::mt19937_64 engine_;
};

}  // namespace stt::test
