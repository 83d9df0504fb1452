#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/bytes.hpp>
#include <stt/result.hpp>

#include "base/byte_ring.hpp"
#include "base/interval_set.hpp"
#include "core/wire/faults.hpp"

namespace stt::stream {

// Gaps that a receive buffer keeps track of: a peer that sends every other byte must
// not make the bookkeeping outgrow the bytes. A frame that would open one more is not
// taken, and so comes again. Chosen: a path that loses 10 % of 10,000 frames in flight
// stays under it.
inline constexpr std::size_t receive_gap_count_max = 1'024;

// True when some of [begin, end) is in the set.
bool intersects(const IntervalSet& set, std::uint64_t begin, std::uint64_t end) noexcept;

// What a peer sent and the application has not read. Spec protocol §7.1, §7.3.
//
// One mechanism for all kinds of streams: ranges that were received, and ranges of these that
// were consumed, which is read, dropped, or given up by the peer. What is consumed in front
// gives credit.
class ReceiveBuffer {
public:
    enum class Outcome {
        taken,      // stored, or known already
        not_taken,  // too many gaps: must not be acknowledged
    };

    // As for ByteRing, `pool` may be null.
    explicit ReceiveBuffer(BufferPool* pool = nullptr) noexcept : ring_(pool) {}

    // Stores the bytes of a DATA frame. The caller has checked the limits, which bound
    // the memory. Error 5: a final offset that changes or lies below what was received,
    // or bytes beyond it. `may_open_gap`: the session has room to keep track of one more.
    Result<Outcome, wire::Violation> receive(std::uint64_t offset, Bytes bytes, bool is_end,
                                             bool may_open_gap = true);
    // SKIP: [from, to) counts as received; its caller says what of it is consumed.
    Result<Outcome, wire::Violation> skip(std::uint64_t from, std::uint64_t to,
                                          bool may_open_gap = true);
    // RESET: the same checks of the final offset; drops what is unread.
    Result<void, wire::Violation> reset(std::uint64_t final_offset);
    // A frame of DATAGRAMS, which is kept elsewhere: the end alone decides. Spec protocol §7.3.
    Result<void, wire::Violation> pass(std::uint64_t end, bool is_end);
    // What was received becomes a stream of DATAGRAMS, for which pass() is called from now on.
    void become_passing();
    // The application wants nothing more: what is here is dropped, and what comes counts only.
    void discard() noexcept;
    bool is_discarding() const noexcept { return is_discarding_ || is_reset_; }

    // Bytes that can be read now in order.
    std::size_t readable() const noexcept;
    // Copies out up to |output| bytes in order and forgets them; returns how many.
    std::size_t read(MutableBytes output) noexcept;
    // For streams of messages, out of order: all of the range was received, none consumed.
    void copy(std::uint64_t offset, MutableBytes output) const noexcept;
    void consume(std::uint64_t begin, std::uint64_t end);

    // Everything in [begin, end) was received, or consumed.
    bool contains(std::uint64_t begin, std::uint64_t end) const noexcept;
    bool is_any_consumed(std::uint64_t begin, std::uint64_t end) const noexcept {
        return begin < read_end_ || intersects(consumed_, begin, end);
    }
    // Gaps in front of what was received: what the bookkeeping costs.
    std::size_t gap_count() const noexcept { return received_.count() - (readable() > 0 ? 1 : 0); }

    // Offsets below are read or dropped: they are what credit is given for.
    std::uint64_t read_end() const noexcept { return read_end_; }
    // The highest end offset seen: what counts against the limits.
    std::uint64_t highest_end() const noexcept { return highest_end_; }
    std::optional<std::uint64_t> final_offset() const noexcept { return final_offset_; }
    // Everything up to the final offset came, or a RESET did.
    bool is_complete() const noexcept;
    // All is read, and the end was reached.
    bool is_at_end() const noexcept { return final_offset_ && read_end_ == *final_offset_; }

private:
    Result<void, wire::Violation> check_final_offset(std::uint64_t end, bool is_final) const;
    // True when the range stands alone and may not.
    bool opens_one_gap_too_many(std::uint64_t begin, std::uint64_t end,
                                bool may_open_gap) const noexcept;
    void note(std::uint64_t end, bool is_end) noexcept;
    void skip_to(std::uint64_t offset) noexcept;
    void drop_front() noexcept;

    ByteRing ring_;
    IntervalSet received_;  // above read_end_
    IntervalSet consumed_;  // above read_end_, of received_
    std::uint64_t read_end_ = 0;
    std::uint64_t highest_end_ = 0;
    std::optional<std::uint64_t> final_offset_;
    bool is_discarding_ = false;
    bool is_reset_ = false;
};

}  // namespace stt::stream
