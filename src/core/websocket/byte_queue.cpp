#include "core/websocket/byte_queue.hpp"

#include <algorithm>
#include <cstring>
#include <stt/check.hpp>

namespace stt::websocket {
namespace {

// Chosen: holds an answer, a control frame and some short messages without growing.
constexpr std::size_t capacity_min = 512;

}  // namespace

MutableBytes ByteQueue::append(std::size_t size) {
    if (capacity_ - end_ < size) {
        const std::size_t waiting_size = end_ - begin_;
        STT_CHECK(size <= SIZE_MAX / 4 && waiting_size <= SIZE_MAX / 4);
        // To the front only where no more bytes move than have left since the last time.
        if (begin_ >= waiting_size && capacity_ - waiting_size >= size) {
            if (waiting_size > 0) std::memcpy(bytes_.get(), bytes_.get() + begin_, waiting_size);
        } else {
            const std::size_t needed = std::max(waiting_size + size, capacity_min);
            const std::size_t capacity = std::max(needed, capacity_ * 2);
            auto bytes = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
            if (waiting_size > 0) std::memcpy(bytes.get(), bytes_.get() + begin_, waiting_size);
            bytes_ = std::move(bytes);
            capacity_ = capacity;
        }
        begin_ = 0;
        end_ = waiting_size;
    }
    const MutableBytes room(bytes_.get() + end_, size);
    end_ += size;
    return room;
}

void ByteQueue::append_copy(Bytes data) {
    const MutableBytes room = append(data.size());
    if (!data.empty()) std::memcpy(room.data(), data.data(), data.size());
}

void ByteQueue::consume(std::size_t size) noexcept {
    STT_CHECK(size <= end_ - begin_);
    begin_ += size;
    if (begin_ == end_) clear();
}

void ByteQueue::release_if_empty() noexcept {
    if (!is_empty()) return;
    bytes_.reset();
    capacity_ = 0;
}

}  // namespace stt::websocket
