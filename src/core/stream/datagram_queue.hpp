// Messages of DATAGRAMS that came and were not read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>
#include <utility>
#include <vector>

#include "base/fifo.hpp"
#include "core/stream/stream_kind.hpp"

namespace stt::stream {

class DatagramQueue {
public:
    void push(Bytes message) {
        size_ += message.size() + message_overhead;
        messages_.push_back(std::vector<std::uint8_t>(message.begin(), message.end()));
    }
    bool is_empty() const noexcept { return messages_.empty(); }
    std::vector<std::uint8_t> pop_front() {
        std::vector<std::uint8_t> message = std::move(messages_.front());
        messages_.pop_front();
        size_ -= message.size() + message_overhead;
        return message;
    }
    void clear() {
        messages_.clear();
        size_ = 0;
    }
    // Bytes, with what each message costs beside them.
    std::size_t size() const noexcept { return size_; }

private:
    Fifo<std::vector<std::uint8_t>> messages_;
    std::size_t size_ = 0;
};

}  // namespace stt::stream
