// Messages that were handed over and have not begun.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/bytes.hpp>
#include <stt/time.hpp>
#include <utility>
#include <vector>

#include "base/fifo.hpp"
#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "core/stream/stream_kind.hpp"

namespace stt::stream {

// A message has no place in the space of offsets before it begins: so what expires until
// then needs no SKIP, and costs no credit.
class OutgoingMessages {
public:
    struct Message {
        std::uint64_t number = 0;
        std::optional<Instant> deadline;
        std::vector<std::uint8_t> bytes;  // with the length field; empty: it expired
    };

    // Returns its number; numbers rise.
    std::uint64_t push(Bytes message, std::optional<Instant> deadline) {
        messages_.push_back({});
        Message& added = messages_.back();
        added.number = next_number_++;
        added.deadline = deadline;
        const std::size_t length_size = codec::varint_size(message.size());
        added.bytes.resize(length_size + message.size());
        codec::Writer writer(added.bytes);
        writer.varint(message.size());
        writer.bytes(message);
        size_ += added.bytes.size() + message_overhead;
        ++count_;
        return added.number;
    }

    bool is_empty() const noexcept { return messages_.empty(); }
    const Message& front() const noexcept { return messages_.front(); }
    Message pop_front() {
        Message message = std::move(messages_.front());
        size_ -= message.bytes.size();
        --count_;
        drop_front();
        drop_expired_front();
        return message;
    }
    // False: no message of this number waits here.
    bool expire(std::uint64_t number) {
        const auto at = std::lower_bound(
            messages_.begin(), messages_.end(), number,
            [](const Message& message, std::uint64_t value) { return message.number < value; });
        if (at == messages_.end() || at->number != number || at->bytes.empty()) return false;
        size_ -= at->bytes.size();
        --count_;
        at->bytes = {};
        drop_expired_front();
        return true;
    }

    const Fifo<Message>& all() const noexcept { return messages_; }
    std::size_t count() const noexcept { return count_; }
    // Bytes, with what each message costs beside them.
    std::size_t size() const noexcept { return size_; }

private:
    // What expired keeps its record, and what that costs, until it is first.
    void drop_front() noexcept {
        messages_.pop_front();
        size_ -= message_overhead;
    }
    void drop_expired_front() noexcept {
        while (!messages_.empty() && messages_.front().bytes.empty()) drop_front();
    }

    Fifo<Message> messages_;
    std::size_t count_ = 0;
    std::size_t size_ = 0;
    std::uint64_t next_number_ = 0;
};

}  // namespace stt::stream
