#include "base/byte_ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stt/check.hpp>

namespace stt {
namespace {

// Small enough that a thousand streams of a few bytes cost little.
constexpr std::size_t capacity_min = 1024;
constexpr std::uint64_t window_max = std::uint64_t{1} << 40;

}  // namespace

void ByteRing::reserve_until(std::uint64_t end) {
    if (end <= begin_) return;
    const std::uint64_t needed = end - begin_;
    if (needed <= capacity_) return;
    STT_CHECK(needed <= window_max);
    const std::size_t grown_capacity =
        std::max(capacity_min, std::bit_ceil(static_cast<std::size_t>(needed)));
    // Not make_unique(): what is about to be overwritten need not be zeroed first.
    std::unique_ptr<std::uint8_t[]> grown(new std::uint8_t[grown_capacity]);
    // Every byte keeps its offset; where it lies follows from the new capacity.
    for (std::size_t copied = 0; copied < capacity_;) {
        const std::uint64_t offset = begin_ + copied;
        const std::size_t from = position(offset);
        const auto to = static_cast<std::size_t>(offset) & (grown_capacity - 1);
        const std::size_t size =
            std::min({capacity_ - copied, capacity_ - from, grown_capacity - to});
        std::memcpy(grown.get() + to, bytes_.get() + from, size);
        copied += size;
    }
    bytes_ = std::move(grown);
    capacity_ = grown_capacity;
}

void ByteRing::put(std::uint64_t offset, Bytes data) noexcept {
    if (data.empty()) return;
    STT_CHECK(offset >= begin_ && offset - begin_ + data.size() <= capacity_);
    const std::size_t at = position(offset);
    const std::size_t first = std::min(data.size(), capacity_ - at);
    std::memcpy(bytes_.get() + at, data.data(), first);
    if (first < data.size()) std::memcpy(bytes_.get(), data.data() + first, data.size() - first);
}

void ByteRing::get(std::uint64_t offset, MutableBytes output) const noexcept {
    if (output.empty()) return;
    STT_CHECK(offset >= begin_ && offset - begin_ + output.size() <= capacity_);
    const std::size_t at = position(offset);
    const std::size_t first = std::min(output.size(), capacity_ - at);
    std::memcpy(output.data(), bytes_.get() + at, first);
    if (first < output.size()) {
        std::memcpy(output.data() + first, bytes_.get(), output.size() - first);
    }
}

void ByteRing::advance(std::uint64_t begin, bool is_empty) noexcept {
    STT_CHECK(begin >= begin_);
    begin_ = begin;
    if (is_empty && capacity_ > capacity_min) {
        bytes_.reset();
        capacity_ = 0;
    }
}

}  // namespace stt
