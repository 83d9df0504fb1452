#include "testing/seeded_random.hpp"

#include <algorithm>
#include <bit>

#include "base/byte_order.hpp"

namespace stt::testing {

SeededRandom::SeededRandom(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
        word = mixed(seed);
        seed += 0x9e3779b97f4a7c15;
    }
}

std::uint64_t SeededRandom::next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

void SeededRandom::fill(MutableBytes output) noexcept {
    while (!output.empty()) {
        std::array<std::uint8_t, 8> word;
        store_little_endian(word.data(), next());
        const std::size_t size = std::min(output.size(), word.size());
        std::copy_n(word.begin(), size, output.begin());
        output = output.subspan(size);
    }
}

}  // namespace stt::testing
