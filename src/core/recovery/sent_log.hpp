// Every session frame sent and not yet settled. Spec protocol §10.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <vector>

#include "base/buffer_pool.hpp"
#include "core/recovery/sequence_bits.hpp"
#include "core/wire/control.hpp"
#include "core/wire/faults.hpp"
#include "core/wire/frame.hpp"

namespace stt::recovery {

// The connection's name for a path. Never used for two paths of one session.
using PathNumber = std::uint32_t;

// What a frame carried, in the words of whoever would resend it: not read here.
struct Cargo {
    wire::FrameType type = wire::FrameType::data;
    bool is_end = false;  // STREAM_END
    std::uint16_t stream = 0;
    std::uint32_t size = 0;  // bytes of the stream
    std::uint64_t use = 0;
    std::uint64_t offset = 0;
    std::uint32_t items = 0;  // a bit set of control items
    std::uint64_t value = 0;
};

// Why a frame was declared lost.
enum class LossCause : std::uint8_t {
    none,
    datagram_threshold,  // one sent three datagrams later was acknowledged
    time_threshold,      // one sent later was acknowledged, and it is overdue
    path_left,           // its path is no longer in use (Spec protocol §10.5)
    evicted,             // pushed out of the log
};

// A frame as it was sent. It is in flight exactly when it elicits an acknowledgement
// (Spec protocol §10.4: a padded frame that elicits none does not count).
struct SentFrame {
    // Set by the sender.
    std::uint64_t sequence = 0;
    std::uint32_t size = 0;  // bytes on the wire
    bool elicits_ack = false;
    Cargo cargo;

    // Set by LossDetection::on_datagram_sent().
    bool is_mtu_probe = false;
    bool is_marked = false;       // sent with ECT(0)
    bool is_app_limited = false;  // nothing more was there to send
    PathNumber path = 0;
    std::uint32_t datagram_size = 0;  // on one eliciting frame of each datagram, 0 on the others
    std::uint64_t datagram = 0;       // counts the path's datagrams
    Instant sent_at{};
    // The path's delivery when it was sent (draft-cheng-iccrg-delivery-rate-estimation).
    std::uint64_t delivered = 0;  // bytes
    Instant delivered_at{};
    Instant first_sent_at{};
    std::uint64_t in_flight = 0;  // bytes, with this frame
    std::uint64_t lost = 0;       // bytes of the path declared lost so far

    // Set when it was declared lost.
    bool was_lost = false;  // in AckOutcome::acked: it came late, its loss was spurious
    LossCause loss_cause = LossCause::none;  // where it is reported as lost
    std::uint32_t loss_epoch = 0;
};

// Frames between the oldest outstanding one and the next: what the largest replay window
// of a receiver takes (Spec protocol §6). 65,536 × 152 bytes, in a buffer of 16 MiB, at worst for a
// session.
inline constexpr std::size_t sent_frames_max = 65'536;
// Ranges of one ACK that are read; a peer sends at most 64 (Spec protocol §10.2). This, and
// that reading stops below the log, bounds the work that an ACK can cost.
inline constexpr std::size_t ack_ranges_read_max = 256;
// Sequences that a sender may skip at once; chosen, it skips one (Spec protocol §10.3).
inline constexpr std::uint64_t skip_run_max = 16;

// A ring of SentFrame indexed by sequence. An eliciting frame is outstanding until it is
// acknowledged or declared lost. One that elicits nothing is never declared lost. What is
// settled leaves at the low end: see trim(). While it is empty the ring is given back; what it
// needed, it becomes at once when it is filled again, or half of what it was if that is more.
class SentLog {
public:
    // The ring comes from `pool`, which outlives the log; from the allocator if it is null.
    explicit SentLog(BufferPool* pool = nullptr) noexcept : pool_(pool) {}

    // The lowest sequence that may be sent next.
    std::uint64_t next_sequence() const noexcept { return next_; }
    std::uint64_t base() const noexcept { return base_; }
    // False: outstanding frames fill the log, no eliciting frame may be sent.
    bool has_room(std::size_t frame_count) const noexcept;

    // Sequences from next_sequence() to below frame.sequence are skips (Spec protocol §10.3).
    // The caller's sequences ascend, and it skips at most skip_run_max at a time. When the log
    // is full, the oldest is pushed out: into `evicted` if it was outstanding. What the log now
    // holds is returned, for its owner to complete: valid until the next call that is not const.
    SentFrame& append(const SentFrame& frame, std::vector<SentFrame>& evicted);

    // Refuses an ACK of a sequence never sent: not yet, or skipped and within the last 128 skips.
    // Error 1. Changes nothing. Spec protocol §10.3.
    Result<void, wire::Violation> check(const wire::Ack& ack) const noexcept;

    // Sent, and neither acknowledged nor let go.
    bool is_unacknowledged(std::uint64_t sequence) const noexcept;
    // The lowest unacknowledged sequence, or the lowest outstanding one, in [first, last] and
    // the log; null when there is none. Costs no more for what is settled in between.
    std::optional<std::uint64_t> next_unacknowledged(std::uint64_t first,
                                                     std::uint64_t last) const noexcept;
    std::optional<std::uint64_t> next_outstanding(std::uint64_t first,
                                                  std::uint64_t last) const noexcept;
    // An acknowledged frame is recognisable until the base passes it.
    bool was_acknowledged(std::uint64_t sequence) const noexcept;

    // `sequence` must lie in [base(), next_sequence()).
    const SentFrame& at(std::uint64_t sequence) const noexcept;
    void acknowledge(std::uint64_t sequence) noexcept;  // must be unacknowledged
    // Must be outstanding. It stays unacknowledged, so that a late ACK shows a spurious loss.
    void declare_lost(std::uint64_t sequence, std::uint32_t loss_epoch, Instant now) noexcept;

    bool is_empty() const noexcept { return base_ == next_; }
    // False: trim() would do nothing, as the oldest frame is outstanding.
    bool is_trimmable() const noexcept { return is_empty() || !outstanding_.contains(base_); }
    // Lets go of what is settled at the low end: lost frames only when declared before
    // `lost_before`.
    void trim(Instant lost_before);

private:
    enum class State : std::uint8_t { skipped, outstanding, acknowledged, lost };
    struct Entry {
        SentFrame frame;
        Instant lost_at{};
        State state = State::skipped;
    };

    Entry* ring() const noexcept { return reinterpret_cast<Entry*>(bytes_.data()); }
    Entry& entry(std::uint64_t sequence) noexcept { return ring()[sequence & (ring_size_ - 1)]; }
    const Entry& entry(std::uint64_t sequence) const noexcept {
        return ring()[sequence & (ring_size_ - 1)];
    }
    void make_room(std::vector<SentFrame>& evicted);
    void grow(std::size_t size);
    void resize_bits(std::size_t size);
    void give_back();
    SentFrame& push(const SentFrame& frame, State state, std::vector<SentFrame>& evicted);
    void pop() noexcept;

    BufferPool* pool_;
    BufferPool::Buffer bytes_;        // of ring_size_ entries, or none
    std::size_t ring_size_ = 0;       // a power of two, or 0
    std::size_t needed_max_ = 0;      // entries, since it was empty
    std::size_t ring_size_next_ = 0;  // to begin with when it is filled again
    // Of one size, at least ring_size_.
    SequenceBits unacknowledged_;
    SequenceBits outstanding_;
    std::uint64_t base_ = 0;
    std::uint64_t next_ = 0;

    static constexpr std::size_t skips_max = 128;  // one in 512 over sent_frames_max
    std::vector<std::uint64_t> skips_;             // ring, ascending; grows to skips_max
    std::uint64_t skip_count_ = 0;
};

}  // namespace stt::recovery
