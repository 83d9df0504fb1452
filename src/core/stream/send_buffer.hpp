#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/bytes.hpp>
#include <stt/time.hpp>

#include "base/byte_ring.hpp"
#include "base/fifo.hpp"
#include "base/interval_set.hpp"

namespace stt::stream {

// What an application handed over and the peer has not acknowledged yet. Spec protocol §7.1.
//
// One mechanism for all kinds of streams: bytes stay until their range is settled, which is
// when it was acknowledged or given up. What was lost comes before what is new. Streams of
// messages add where messages begin and end, so that no range crosses a boundary.
class SendBuffer {
public:
    // A stretch to put into one DATA frame.
    struct Range {
        std::uint64_t offset = 0;
        std::size_t size = 0;
        bool is_end = false;     // the frame carries STREAM_END
        std::uint64_t back = 0;  // from the start of its message
    };
    // A message that was begun, with its length field.
    struct Message {
        std::uint64_t number = 0;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        std::optional<Instant> deadline;
        bool is_given_up = false;
    };

    // `size_max` bounds what write() takes. As for ByteRing, `pool` may be null.
    explicit SendBuffer(std::size_t size_max, BufferPool* pool = nullptr) noexcept
        : size_max_(size_max), ring_(pool) {}

    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin()); }
    std::size_t room() const noexcept { return size_max_ - size(); }
    // Takes as much of `data` as there is room for; returns how much.
    std::size_t write(Bytes data);
    // Takes all of a message whose `number` is above the last one's. Its caller bounds memory.
    void begin_message(std::uint64_t number, std::optional<Instant> deadline, Bytes message);
    // Nothing more will be written: the end follows the last byte.
    void finish() noexcept;
    bool is_finished() const noexcept { return is_finished_; }
    // Drops everything, as RESET does: nothing is left to send or to wait for.
    void discard() noexcept;

    bool has_lost() const noexcept { return !lost_.is_empty(); }
    // Everything was sent once, and the end is to follow.
    bool is_end_due() const noexcept { return is_end_pending_ && sent_end_ == end_; }
    // True when there is something that may be sent below the peer's `limit`.
    bool has_pending(std::uint64_t limit) const noexcept;
    // Where the next stretch begins, and how far behind the start of its message, for the size
    // of its frame's prefix.
    std::uint64_t next_offset() const noexcept {
        return lost_.is_empty() ? sent_end_ : lost_.front().begin;
    }
    std::uint64_t next_back() const noexcept;
    // Takes the next stretch of at most `size_max` bytes, or nothing. A stretch of zero
    // bytes carries only the end.
    std::optional<Range> take(std::size_t size_max, std::uint64_t limit);
    // Puts the bytes of a stretch that take() gave into `output`.
    void copy(const Range& range, MutableBytes output) const noexcept;

    // The fate of a frame that carried [offset, offset + size), with the end or without.
    void on_acknowledged(std::uint64_t offset, std::size_t size, bool is_end);
    void on_lost(std::uint64_t offset, std::size_t size, bool is_end);
    // The same as on_lost() where bytes are not sent again, as on DATAGRAMS: the end is.
    void on_given_up(std::uint64_t offset, std::size_t size, bool is_end);

    // The message of this number, if it was begun and is not yet settled.
    Message* find_message(std::uint64_t number) noexcept;
    // Gives a message up: it counts as sent, and its range waits for on_skip_acknowledged().
    // False: it was acknowledged already, and nothing needs to be said.
    bool give_up(Message& message);
    // The only one that may not be all sent.
    Message* last_message() noexcept { return messages_.empty() ? nullptr : &messages_.back(); }
    const Fifo<Message>& messages() const noexcept { return messages_; }
    // Messages that are settled, each once, in order.
    std::optional<Message> pop_settled();

    // Ranges given up of which the peer has yet to be told by SKIP, or told again.
    bool has_skip() const noexcept { return !skips_pending_.is_empty(); }
    Interval next_skip() const noexcept { return skips_pending_.front(); }
    void on_skip_sent(const Interval& skip) { skips_pending_.erase(skip.begin, skip.end); }
    void on_skip_acknowledged(const Interval& skip) {
        skips_.erase(skip.begin, skip.end);
        skips_pending_.erase(skip.begin, skip.end);
    }
    void on_skip_lost(const Interval& skip);
    std::size_t skip_count() const noexcept { return skips_.count(); }

    // Everything below is settled.
    std::uint64_t begin() const noexcept { return ring_.begin(); }
    // Where the next written byte goes.
    std::uint64_t end() const noexcept { return end_; }
    // The highest offset sent so far: what counts for credit, and a RESET's final offset.
    std::uint64_t sent_end() const noexcept { return sent_end_; }
    bool is_all_acknowledged() const noexcept {
        return begin() == end_ && (!is_finished_ || is_end_acknowledged_) && skips_.is_empty();
    }

private:
    void append(Bytes data);
    const Message* message_at(std::uint64_t offset) const noexcept;
    void settle(std::uint64_t range_begin, std::uint64_t range_end);

    std::size_t size_max_;
    ByteRing ring_;
    IntervalSet settled_;  // above begin()
    IntervalSet lost_;
    IntervalSet skips_;          // not yet acknowledged
    IntervalSet skips_pending_;  // of these, to be sent
    Fifo<Message> messages_;
    std::uint64_t end_ = 0;
    std::uint64_t sent_end_ = 0;
    bool is_finished_ = false;
    bool is_end_pending_ = false;
    bool is_end_acknowledged_ = false;
};

}  // namespace stt::stream
