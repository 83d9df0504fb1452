#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <platform/entropy.hpp>
#include <vector>

using namespace stt;

TEST_CASE("Entropy: two fills of 32 bytes differ from each other and from zeros") {
    platform::SystemRandom random;
    std::array<std::uint8_t, 32> first{};
    std::array<std::uint8_t, 32> second{};
    random.fill(first);
    random.fill(second);
    CHECK(first != second);
    CHECK(first != std::array<std::uint8_t, 32>{});
}

TEST_CASE(
    "stc Code that handles keys (a): every byte is filled and none beyond, for sizes over "
    "one system call too") {
    platform::SystemRandom random;
    // getrandom(2) may stop at a signal after 256 bytes.
    for (const std::size_t size : {0u, 1u, 255u, 256u, 257u, 100'000u}) {
        CAPTURE(size);
        std::vector<std::uint8_t> seen(size);
        std::vector<std::uint8_t> bytes(size + 1);
        // A byte that stays zero in 16 fills was not written: chance is below 2^-111.
        for (int round = 0; round < 16; ++round) {
            std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
            random.fill(MutableBytes(bytes.data(), size));
            REQUIRE(bytes.back() == 0);
            for (std::size_t i = 0; i < size; ++i) seen[i] |= bytes[i];
        }
        CHECK(std::count(seen.begin(), seen.end(), 0) == 0);
    }
}
