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

// What a peer sent and the application has not read. Spec protocol §7.1, §7.3.
class ReceiveBuffer {
public:
    enum class Outcome {
        taken,      // stored, or known already
        not_taken,  // too many gaps: must not be acknowledged
    };

    // Stores the bytes of a DATA frame. The caller has checked the limits, which bound
    // the memory. Error 5: a final offset that changes or lies below what was received,
    // or bytes beyond it.
    Result<Outcome, wire::Violation> receive(std::uint64_t offset, Bytes bytes, bool is_end);
    // RESET: the same checks of the final offset; drops what is unread.
    Result<void, wire::Violation> reset(std::uint64_t final_offset);
    // The application wants nothing more: what is here is dropped, and what comes counts only.
    void discard() noexcept;

    // Bytes that can be read now.
    std::size_t readable() const noexcept;
    // Copies out up to |output| bytes in order and forgets them; returns how many.
    std::size_t read(MutableBytes output) noexcept;

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
    void skip_to(std::uint64_t offset) noexcept;

    ByteRing ring_;
    IntervalSet received_;  // above read_end_
    std::uint64_t read_end_ = 0;
    std::uint64_t highest_end_ = 0;
    std::optional<std::uint64_t> final_offset_;
    bool is_discarding_ = false;
    bool is_reset_ = false;
};

}  // namespace stt::stream
