#include "core/websocket/masking.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "testing/seeded_random.hpp"

namespace stt::websocket {
namespace {

using ByteVector = std::vector<std::uint8_t>;

ByteVector masked_naively(Bytes data, const MaskingKey& key, std::size_t offset) {
    ByteVector masked(data.begin(), data.end());
    for (std::size_t i = 0; i < masked.size(); ++i) masked[i] ^= key[(offset + i) % 4];
    return masked;
}

}  // namespace

TEST_CASE("RFC 6455 §5.3: masking is XOR with the key, at every size, offset and alignment") {
    testing::SeededRandom random(3);
    const auto check = [&](std::size_t size, std::size_t offset, std::size_t shift) {
        CAPTURE(size);
        CAPTURE(offset);
        MaskingKey key;
        random.fill(key);
        ByteVector place(size + shift);
        random.fill(place);
        const MutableBytes data = MutableBytes(place).subspan(shift);
        const ByteVector expected = masked_naively(data, key, offset);
        ByteVector output(size + 2, 0xee);
        mask_copy(MutableBytes(output).subspan(1, size), data, key, offset);
        REQUIRE(std::equal(expected.begin(), expected.end(), output.begin() + 1));
        // Nothing beside its place.
        REQUIRE((output.front() == 0xee && output.back() == 0xee));
        mask(data, key, offset);
        REQUIRE(std::equal(expected.begin(), expected.end(), data.begin(), data.end()));
    };
    for (std::size_t size = 0; size < 200; ++size) {
        for (std::size_t offset = 0; offset < 8; ++offset) check(size, offset, offset % 3);
    }
    for (int i = 0; i < 300; ++i) check(random.below(70'000), random.next(), random.below(64));
}

TEST_CASE("RFC 6455 §5.3: a payload may be masked in pieces, and masking twice changes nothing") {
    testing::SeededRandom random(4);
    const MaskingKey key{1, 2, 3, 4};
    ByteVector data(5'000);
    random.fill(data);
    const ByteVector original = data;
    for (std::size_t at = 0; at < data.size();) {
        const std::size_t size = std::min<std::size_t>(random.below(300), data.size() - at);
        mask(MutableBytes(data).subspan(at, size), key, at);
        at += size;
    }
    CHECK(data == masked_naively(original, key, 0));
    mask(data, key, 0);
    CHECK(data == original);
}

}  // namespace stt::websocket
