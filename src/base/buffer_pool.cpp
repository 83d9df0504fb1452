#include "base/buffer_pool.hpp"

#include <bit>
#include <stt/check.hpp>

namespace stt {

std::size_t BufferPool::class_of(std::size_t size) noexcept {
    static_assert(std::has_single_bit(buffer_size_min));
    return static_cast<std::size_t>(std::countr_zero(size) - std::countr_zero(buffer_size_min));
}

BufferPool::Buffer BufferPool::take(BufferPool* pool, std::size_t size) {
    STT_CHECK(std::has_single_bit(size) && size >= buffer_size_min && size <= buffer_size_max);
    Buffer buffer;
    buffer.pool_ = pool;
    buffer.size_ = size;
    if (pool != nullptr && !pool->free_[class_of(size)].empty()) {
        auto& free = pool->free_[class_of(size)];
        buffer.bytes_ = std::move(free.back());
        free.pop_back();
        pool->size_ -= size;
    } else {
        // Not make_unique(): what is about to be overwritten need not be zeroed first.
        buffer.bytes_.reset(new std::uint8_t[size]);
    }
    return buffer;
}

void BufferPool::set_size_max(std::size_t size_max) noexcept {
    size_max_ = size_max;
    for (std::size_t i = free_.size(); size_ > size_max_ && i-- > 0;) {
        for (; size_ > size_max_ && !free_[i].empty(); free_[i].pop_back()) {
            size_ -= buffer_size_min << i;
        }
    }
}

void BufferPool::Buffer::discard() noexcept {
    bytes_.reset();
    size_ = 0;
}

void BufferPool::Buffer::release() noexcept {
    if (bytes_ != nullptr && pool_ != nullptr && size_ <= pool_->size_max_ - pool_->size_) {
        pool_->free_[class_of(size_)].push_back(std::move(bytes_));
        pool_->size_ += size_;
    }
    discard();
}

}  // namespace stt
