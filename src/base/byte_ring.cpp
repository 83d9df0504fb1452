#include "base/byte_ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stt/check.hpp>

#include "base/prefetch.hpp"

namespace stt {
namespace {

// Small enough that a thousand streams of a few bytes cost little.
constexpr std::size_t capacity_min = BufferPool::buffer_size_min;
// What a ring that grows leaves to its pool at most. Chosen: a burst. Many rings of this size come
// and go; larger ones are few.
constexpr std::size_t shared_size_max = 65'536;

// Rings of megabytes lie far from the processor. Who reads, reads in order: what follows is on its
// way while what was read is worked on. Chosen: a little more than a datagram.
constexpr std::size_t prefetch_size = 1'536;

}  // namespace

void ByteRing::reserve_until(std::uint64_t end) {
    if (end <= begin_) return;
    const std::uint64_t needed = end - begin_;
    if (needed > needed_max_) {
        STT_CHECK(needed <= BufferPool::buffer_size_max);
        needed_max_ = static_cast<std::size_t>(needed);
    }
    if (needed <= capacity()) return;
    const std::size_t grown_capacity =
        std::max({capacity_min, std::bit_ceil(static_cast<std::size_t>(needed)), capacity_next_});
    BufferPool::Buffer grown = BufferPool::take(pool_, grown_capacity);
    // Every byte keeps its offset; where it lies follows from the new capacity.
    for (std::size_t copied = 0; copied < capacity();) {
        const std::uint64_t offset = begin_ + copied;
        const std::size_t from = position(offset);
        const auto to = static_cast<std::size_t>(offset) & (grown_capacity - 1);
        const std::size_t size =
            std::min({capacity() - copied, capacity() - from, grown_capacity - to});
        std::memcpy(grown.data() + to, bytes_.data() + from, size);
        copied += size;
    }
    // What it has grown out of is for others to begin with.
    if (capacity() > shared_size_max) bytes_.discard();
    bytes_ = std::move(grown);
}

void ByteRing::put(std::uint64_t offset, Bytes data) noexcept {
    if (data.empty()) return;
    STT_CHECK(offset >= begin_ && offset - begin_ + data.size() <= capacity());
    const std::size_t at = position(offset);
    const std::size_t first = std::min(data.size(), capacity() - at);
    std::memcpy(bytes_.data() + at, data.data(), first);
    if (first < data.size()) std::memcpy(bytes_.data(), data.data() + first, data.size() - first);
}

void ByteRing::get(std::uint64_t offset, MutableBytes output) const noexcept {
    if (output.empty()) return;
    STT_CHECK(offset >= begin_ && offset - begin_ + output.size() <= capacity());
    const std::size_t at = position(offset);
    const std::size_t first = std::min(output.size(), capacity() - at);
    std::memcpy(output.data(), bytes_.data() + at, first);
    if (first < output.size()) {
        std::memcpy(output.data() + first, bytes_.data(), output.size() - first);
    }
    const std::size_t next = position(offset + output.size());
    prefetch(bytes_.data() + next, std::min(prefetch_size, capacity() - next));
}

void ByteRing::advance(std::uint64_t begin, bool is_empty) noexcept {
    STT_CHECK(begin >= begin_);
    begin_ = begin;
    if (is_empty && capacity() > capacity_min) clear();
}

void ByteRing::clear() noexcept {
    const std::size_t enough = needed_max_ > 0 ? std::bit_ceil(needed_max_) : 0;
    capacity_next_ = std::max(enough, capacity() / 2);
    needed_max_ = 0;
    bytes_.release();
}

}  // namespace stt
