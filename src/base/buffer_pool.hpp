// Storage that is given back and taken again, without asking the allocator each time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace stt {

// Buffers of buffer_size_min to buffer_size_max bytes in powers of two, the last given back first
// out: its bytes are the likeliest to lie in a cache. Keeps at most `size_max` bytes; what is
// beyond goes back to the allocator. Outlives its buffers. Not for secrets: nothing is wiped.
class BufferPool {
public:
    // One buffer; goes back to its pool, or without one to the allocator, at its end.
    class Buffer {
    public:
        Buffer() = default;
        Buffer(Buffer&& other) noexcept
            : pool_(other.pool_),
              bytes_(std::move(other.bytes_)),
              size_(std::exchange(other.size_, 0)) {}
        Buffer& operator=(Buffer&& other) noexcept {
            release();
            pool_ = other.pool_;
            bytes_ = std::move(other.bytes_);
            size_ = std::exchange(other.size_, 0);
            return *this;
        }
        ~Buffer() { release(); }

        std::uint8_t* data() const noexcept { return bytes_.get(); }
        std::size_t size() const noexcept { return size_; }
        void release() noexcept;
        // To the allocator: nothing of this size will be wanted soon.
        void discard() noexcept;

    private:
        friend class BufferPool;
        BufferPool* pool_ = nullptr;
        std::unique_ptr<std::uint8_t[]> bytes_;
        std::size_t size_ = 0;
    };

    explicit BufferPool(std::size_t size_max) noexcept : size_max_(size_max) {}
    // What is kept above a smaller limit goes back to the allocator, the largest buffers first.
    void set_size_max(std::size_t size_max) noexcept;
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;

    static constexpr std::size_t buffer_size_min = 1'024;
    // 2^40, or what an address of 32 bits allows.
    static constexpr std::size_t buffer_size_max = std::size_t{1}
                                                   << (sizeof(std::size_t) > 4 ? 40 : 30);

    // `size` is a power of two in these limits. The bytes are whatever they are. `pool` may be
    // null: then they come from the allocator.
    static Buffer take(BufferPool* pool, std::size_t size);
    // Bytes that wait here to be taken.
    std::size_t size() const noexcept { return size_; }

private:
    static std::size_t class_of(std::size_t size) noexcept;

    std::array<std::vector<std::unique_ptr<std::uint8_t[]>>, 31> free_;
    std::size_t size_ = 0;
    std::size_t size_max_;
};

}  // namespace stt
