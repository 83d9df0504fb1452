// The few buffers that hold everything a transfer has on its way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <stt/bytes.hpp>
#include <utility>
#include <vector>

namespace stt::cli {

// Four of 512 KiB, chosen: the disk, the hash and the network each have one at hand, and
// a step on the worker is long enough that handing over costs nothing.
inline constexpr std::size_t transfer_buffer_count = 4;
inline constexpr std::size_t transfer_buffer_size = 512u * 1024;

struct TransferBuffer {
    std::unique_ptr<std::uint8_t[]> memory;
    std::size_t size = 0;  // bytes of use

    MutableBytes all() const noexcept { return {memory.get(), transfer_buffer_size}; }
    Bytes used() const noexcept { return {memory.get(), size}; }
};

class BufferPool {
public:
    BufferPool() {
        for (std::size_t i = 0; i < transfer_buffer_count; ++i) {
            // Not zeroed: every byte of use is written first.
            free_.push_back(
                {std::unique_ptr<std::uint8_t[]>(new std::uint8_t[transfer_buffer_size]), 0});
        }
    }

    bool has_free() const noexcept { return !free_.empty(); }
    bool has_full() const noexcept { return !full_.empty(); }
    TransferBuffer take_free() {
        TransferBuffer buffer = std::move(free_.back());
        free_.pop_back();
        return buffer;
    }
    TransferBuffer take_full() {
        TransferBuffer buffer = std::move(full_.front());
        full_.pop_front();
        return buffer;
    }
    void put_free(TransferBuffer buffer) { free_.push_back(std::move(buffer)); }
    void put_full(TransferBuffer buffer) { full_.push_back(std::move(buffer)); }

private:
    std::vector<TransferBuffer> free_;
    std::deque<TransferBuffer> full_;
};

}  // namespace stt::cli
