#include "base/buffer_pool.hpp"

#include <doctest/doctest.h>

namespace stt {
namespace {

TEST_CASE("BufferPool: what was given back last is taken first, of the same size only") {
    BufferPool pool(1 << 20);
    BufferPool::Buffer first = BufferPool::take(&pool, 4'096);
    BufferPool::Buffer second = BufferPool::take(&pool, 4'096);
    const std::uint8_t* const second_place = second.data();
    first.release();
    second.release();
    CHECK(pool.size() == 8'192);
    BufferPool::Buffer other = BufferPool::take(&pool, 8'192);
    CHECK(pool.size() == 8'192);
    BufferPool::Buffer again = BufferPool::take(&pool, 4'096);
    CHECK(again.data() == second_place);
    CHECK(again.size() == 4'096);
    CHECK(pool.size() == 4'096);
}

TEST_CASE("BufferPool: it keeps no more than it may") {
    BufferPool pool(10'000);
    {
        const BufferPool::Buffer first = BufferPool::take(&pool, 8'192);
        const BufferPool::Buffer second = BufferPool::take(&pool, 2'048);
        const BufferPool::Buffer third = BufferPool::take(&pool, 1'024);
        CHECK(pool.size() == 0);
    }
    // In the order of their ends: 1,024, 2,048, and no room for 8,192.
    CHECK(pool.size() == 3'072);
}

TEST_CASE("BufferPool: what it keeps above a smaller limit it lets go, the largest first") {
    BufferPool pool(1 << 20);
    for (const std::size_t size : {8'192u, 2'048u, 8'192u, 1'024u}) {
        BufferPool::Buffer buffer = BufferPool::take(nullptr, 1'024);
        buffer = BufferPool::take(&pool, size);
        CHECK(buffer.size() == size);
    }
    // Each is given back before the next is taken, and those of 8,192 are one.
    CHECK(pool.size() == 11'264);
    pool.set_size_max(4'096);
    CHECK(pool.size() == 3'072);
    pool.set_size_max(3'072);
    CHECK(pool.size() == 3'072);
    const BufferPool::Buffer kept = BufferPool::take(&pool, 2'048);
    CHECK(pool.size() == 1'024);
    pool.set_size_max(0);
    CHECK(pool.size() == 0);
}

TEST_CASE("BufferPool: a buffer that moves is given back once") {
    BufferPool pool(1 << 20);
    BufferPool::Buffer buffer = BufferPool::take(&pool, 1'024);
    BufferPool::Buffer moved = std::move(buffer);
    CHECK(buffer.data() == nullptr);
    buffer = BufferPool::take(&pool, 2'048);
    buffer = std::move(moved);
    CHECK(pool.size() == 2'048);
    buffer.release();
    CHECK(pool.size() == 3'072);
    buffer.release();
    CHECK(pool.size() == 3'072);
}

TEST_CASE("BufferPool: without a pool buffers come from the allocator") {
    BufferPool::Buffer buffer = BufferPool::take(nullptr, 1'024);
    CHECK(buffer.data() != nullptr);
    buffer.release();
    CHECK(buffer.data() == nullptr);
    CHECK(buffer.size() == 0);
}

}  // namespace
}  // namespace stt
