#include "base/byte_ring.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "testing/seeded_random.hpp"

namespace stt {
namespace {

TEST_CASE("ByteRing: bytes come back from where they were put, over 40,000 random steps") {
    testing::SeededRandom random(1);
    ByteRing ring;
    std::vector<std::uint8_t> model;  // all offsets from 0
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    for (int step = 0; step < 40'000; ++step) {
        const std::uint64_t action = random.below(4);
        if (action < 2 && end - begin < 50'000) {
            std::vector<std::uint8_t> data(random.below(3'000));
            random.fill(data);
            ring.reserve_until(end + data.size());
            ring.put(end, data);
            model.insert(model.end(), data.begin(), data.end());
            end += data.size();
        } else if (action == 2 && end > begin) {
            const std::uint64_t from = random.between(begin, end - 1);
            std::vector<std::uint8_t> output(random.below(end - from + 1));
            ring.get(from, output);
            const Bytes expected = Bytes(model).subspan(from, output.size());
            REQUIRE(std::equal(output.begin(), output.end(), expected.begin()));
        } else {
            begin = random.between(begin, end);
            ring.advance(begin, begin == end);
        }
        REQUIRE(ring.begin() == begin);
        REQUIRE(ring.capacity() >= end - begin);
        // Doubling at most doubles what was asked for.
        REQUIRE(ring.capacity() <= 2 * 53'000 + 1'024);
    }
}

TEST_CASE("ByteRing: room grows to powers of two, just when it must") {
    ByteRing ring;
    CHECK(ring.capacity() == 0);
    ring.reserve_until(0);
    CHECK(ring.capacity() == 0);
    ring.reserve_until(1'023);
    CHECK(ring.capacity() == 1'024);
    ring.reserve_until(1'024);
    CHECK(ring.capacity() == 1'024);
    ring.reserve_until(1'025);
    CHECK(ring.capacity() == 2'048);
}

TEST_CASE("ByteRing: an empty ring gives its storage back, but for the smallest") {
    ByteRing ring;
    ring.reserve_until(1'024);
    ring.advance(1'024, true);
    CHECK(ring.capacity() == 1'024);
    ring.reserve_until(10'000);
    ring.advance(10'000, true);
    CHECK(ring.capacity() == 0);
}

TEST_CASE("ByteRing: filled again it is at once what it was, and half of that if less was needed") {
    BufferPool pool(1 << 20);
    ByteRing ring(&pool);
    ring.reserve_until(60'000);
    ring.advance(60'000, true);
    CHECK(pool.size() == 65'536);
    ring.reserve_until(60'100);
    CHECK(ring.capacity() == 65'536);
    CHECK(pool.size() == 0);
    ring.advance(60'100, true);
    ring.reserve_until(60'200);
    CHECK(ring.capacity() == 32'768);
    // What it has grown out of is for others, up to 64 KiB.
    ring.reserve_until(60'100 + 40'000);
    CHECK(ring.capacity() == 65'536);
    CHECK(pool.size() == 32'768);
    ring.reserve_until(60'100 + 300'000);
    CHECK(pool.size() == 32'768 + 65'536);
    ring.reserve_until(60'100 + 600'000);
    CHECK(ring.capacity() == 1'048'576);
    CHECK(pool.size() == 32'768 + 65'536);
}

TEST_CASE("ByteRing: a window far from offset 0 works alike") {
    ByteRing ring;
    const std::uint64_t far = (std::uint64_t{1} << 62) - 500;
    ring.advance(far, true);
    ring.reserve_until(far + 400);
    const std::vector<std::uint8_t> data(400, 7);
    ring.put(far, data);
    std::vector<std::uint8_t> output(400);
    ring.get(far, output);
    CHECK(output == data);
}

}  // namespace
}  // namespace stt
