// Bytes that wait: for a socket, or for the rest of their message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stt/bytes.hpp>

namespace stt::websocket {

// A queue of bytes that lie one behind the other: what waits is one span, whatever part of it is
// taken. Each byte is moved O(1) times on average, and storage grows by doubling and is
// used again. Whoever appends bounds the size.
class ByteQueue {
public:
    Bytes waiting() const noexcept { return {bytes_.get() + begin_, end_ - begin_}; }
    MutableBytes waiting() noexcept { return {bytes_.get() + begin_, end_ - begin_}; }
    std::size_t size() const noexcept { return end_ - begin_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool is_empty() const noexcept { return begin_ == end_; }

    // Room for `size` bytes behind what waits, to be filled before any other call; views into the
    // buffer end. Nothing in it is initialised.
    MutableBytes append(std::size_t size);
    void append_copy(Bytes data);
    // The first `size` waiting bytes are done with.
    void consume(std::size_t size) noexcept;
    // Nothing waits any longer; the storage is kept.
    void clear() noexcept { begin_ = end_ = 0; }
    // Gives storage back, where nothing waits.
    void release_if_empty() noexcept;

private:
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace stt::websocket
