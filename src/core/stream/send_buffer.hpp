#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/bytes.hpp>

#include "base/byte_ring.hpp"
#include "base/interval_set.hpp"

namespace stt::stream {

// What an application wrote and the peer has not acknowledged yet. Spec protocol §7.1.
//
// Bytes stay until acknowledged. What was lost comes before what is new.
class SendBuffer {
public:
    // A stretch to put into one DATA frame.
    struct Range {
        std::uint64_t offset = 0;
        std::size_t size = 0;
        bool is_end = false;  // the frame carries STREAM_END
    };

    // `size_max` bounds the bytes held.
    explicit SendBuffer(std::size_t size_max) noexcept : size_max_(size_max) {}

    std::size_t room() const noexcept {
        return size_max_ - static_cast<std::size_t>(end_ - begin());
    }
    // Takes as much of `data` as there is room for; returns how much.
    std::size_t write(Bytes data);
    // Nothing more will be written: the end follows the last byte.
    void finish() noexcept;
    bool is_finished() const noexcept { return is_finished_; }
    // Drops everything, as RESET does: nothing is left to send or to wait for.
    void discard() noexcept;

    // True when there is something that may be sent below the peer's `limit`.
    bool has_pending(std::uint64_t limit) const noexcept;
    // Where the next stretch begins, for the size of its frame's prefix.
    std::uint64_t next_offset() const noexcept {
        return lost_.is_empty() ? sent_end_ : lost_.front().begin;
    }
    // Takes the next stretch of at most `size_max` bytes, or nothing. A stretch of zero
    // bytes carries only the end.
    std::optional<Range> take(std::size_t size_max, std::uint64_t limit);
    // Puts the bytes of a stretch that take() gave into `output`.
    void copy(const Range& range, MutableBytes output) const noexcept;

    // The fate of a frame that carried [offset, offset + size), with the end or without.
    void on_acknowledged(std::uint64_t offset, std::size_t size, bool is_end);
    void on_lost(std::uint64_t offset, std::size_t size, bool is_end);

    // Everything below is acknowledged.
    std::uint64_t begin() const noexcept { return ring_.begin(); }
    // Where the next written byte goes.
    std::uint64_t end() const noexcept { return end_; }
    // The highest offset sent so far: what counts for credit, and a RESET's final offset.
    std::uint64_t sent_end() const noexcept { return sent_end_; }
    bool is_all_acknowledged() const noexcept {
        return begin() == end_ && (!is_finished_ || is_end_acknowledged_);
    }

private:
    std::size_t size_max_;
    ByteRing ring_;
    IntervalSet acknowledged_;  // above begin()
    IntervalSet lost_;
    std::uint64_t end_ = 0;
    std::uint64_t sent_end_ = 0;
    bool is_finished_ = false;
    bool is_end_pending_ = false;
    bool is_end_acknowledged_ = false;
};

}  // namespace stt::stream
