#include "core/recovery/sequence_bits.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

TEST_CASE("bits of a moving window agree with a set over 200,000 random steps") {
    for (const std::size_t size :
         {std::size_t{64}, std::size_t{128}, std::size_t{4'096}, std::size_t{65'536}}) {
        CAPTURE(size);
        Random random(size);
        SequenceBits bits(size);
        std::set<std::uint64_t> model;
        std::uint64_t base = 1'000'003;
        for (int step = 0; step < 50'000; ++step) {
            const std::uint64_t sequence = base + random.below(size);
            switch (random.below(5)) {
                case 0:
                case 1:
                    bits.set(sequence);
                    model.insert(sequence);
                    break;
                case 2:
                    bits.clear(sequence);
                    model.erase(sequence);
                    break;
                case 3: {
                    const std::uint64_t end = sequence + random.below(base + size - sequence + 1);
                    const auto found = model.lower_bound(sequence);
                    const auto next = bits.next(sequence, end);
                    if (found == model.end() || *found >= end) {
                        CHECK_FALSE(next.has_value());
                    } else {
                        CHECK(next == *found);
                    }
                    break;
                }
                default: {  // the window moves; what leaves it must be clear
                    const std::uint64_t steps = random.below(size / 8);
                    for (std::uint64_t i = 0; i < steps; ++i) {
                        bits.clear(base);
                        model.erase(base);
                        ++base;
                    }
                }
            }
        }
        for (std::uint64_t i = base; i < base + size; ++i) {
            REQUIRE(bits.contains(i) == model.contains(i));
        }
    }
}

}  // namespace stt::recovery::testing
