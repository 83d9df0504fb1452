#include "base/keyed_hash.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/unit/codec/seeded.hpp"

namespace stt {
namespace {

HashKey key_of(std::uint64_t seed) {
    test::Seeded random(seed);
    HashKey key;
    for (std::uint64_t& word : key) word = random.number();
    return key;
}

std::array<std::uint8_t, 32> value_of(std::uint32_t number) {
    std::array<std::uint8_t, 32> value{};
    for (std::size_t i = 0; i < 4; ++i) {
        value[28 + i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return value;
}

}  // namespace

TEST_CASE("the hashes of keys that differ in few bits spread over a table") {
    const KeyedHash hash(key_of(1));
    constexpr std::uint32_t count = 4'096;
    std::set<std::size_t> buckets;
    for (std::uint32_t i = 0; i < count; ++i) buckets.insert(hash(value_of(i)) % count);
    // As many as random choices leave not empty are 1 - 1/e of them.
    CHECK(buckets.size() > count / 2);
}

TEST_CASE("what collides under one key does not under another") {
    const KeyedHash one(key_of(1));
    const KeyedHash other(key_of(2));
    constexpr std::size_t bucket_count = 64;
    std::set<std::size_t> elsewhere;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        const auto value = value_of(i);
        if (one(value) % bucket_count == 0) elsewhere.insert(other(value) % bucket_count);
    }
    CHECK(elsewhere.size() > bucket_count / 2);
}

TEST_CASE("every byte counts") {
    const KeyedHash hash(key_of(3));
    const std::array<std::uint8_t, 8> zeros{};
    for (std::size_t i = 0; i < zeros.size(); ++i) {
        auto changed = zeros;
        changed[i] = 1;
        CHECK(hash(changed) != hash(zeros));
    }
}

}  // namespace stt
