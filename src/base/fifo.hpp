// A queue that costs nothing while it is empty.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stt/check.hpp>
#include <utility>
#include <vector>

namespace stt {

// First in, first out. Unlike std::deque, which allocates 576 bytes before the first element, an
// empty queue that never held much is its 32 bytes: a node has ten of them for each of
// its sessions, and most are empty for ever. push_back() and pop_front() are O(1) on average.
// Whoever pushes what a peer caused bounds size().
template <class T>
class Fifo {
public:
    bool empty() const noexcept { return head_ == items_.size(); }
    std::size_t size() const noexcept { return items_.size() - head_; }

    // Only while not empty().
    T& front() noexcept { return items_[head_]; }
    const T& front() const noexcept { return items_[head_]; }
    T& back() noexcept { return items_.back(); }
    const T& back() const noexcept { return items_.back(); }

    void push_back(T item) {
        // The places of what was popped are used again before the storage grows.
        if (items_.size() == items_.capacity() && head_ > items_.size() / 2) compact();
        items_.push_back(std::move(item));
    }
    // One that is empty then keeps its storage if that is for `kept_count` elements at most, or
    // small.
    void pop_front(std::size_t kept_count = 0) {
        STT_CHECK(!empty());
        ++head_;
        if (empty()) clear(kept_count);
    }
    void clear(std::size_t kept_count = 0) noexcept {
        head_ = 0;
        items_.clear();
        const bool is_small = items_.capacity() * sizeof(T) <= idle_size_max;
        if (!is_small && items_.capacity() > kept_count) std::vector<T>().swap(items_);
    }
    // Takes every element equal to `item` out: O(size()).
    void erase(const T& item) {
        compact();
        std::erase(items_, item);
        if (empty()) clear();
    }

    // Elements for which storage is held.
    std::size_t storage_count() const noexcept { return items_.capacity(); }

    auto begin() noexcept { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
    auto end() noexcept { return items_.end(); }
    auto begin() const noexcept { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
    auto end() const noexcept { return items_.end(); }

private:
    // Storage that an empty queue keeps, so that one in use need not allocate each time. Bytes.
    static constexpr std::size_t idle_size_max = 256;

    void compact() {
        items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
        head_ = 0;
    }

    std::vector<T> items_;
    std::size_t head_ = 0;
};

}  // namespace stt
