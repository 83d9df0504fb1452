// Acknowledgement, loss and probe timeout at the sender. Spec protocol §10.1, §10.3, §10.5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <vector>

#include "core/recovery/path_recovery.hpp"
#include "core/recovery/sent_log.hpp"
#include "core/wire/control.hpp"
#include "core/wire/faults.hpp"

namespace stt::recovery {

// RFC 9002 §6.1.1, counted in datagrams (Spec protocol §10.1).
inline constexpr std::uint64_t datagram_threshold = 3;
// Datagrams at a probe timeout: RFC 9002 §6.2.4 allows two, so that one loss does not double the
// wait.
inline constexpr unsigned probes_per_timeout = 2;
// The path, a candidate, former ones.
inline constexpr std::size_t paths_max = 8;

// What outcomes are views of. Those who share one, as all sessions of a node do, share that time:
// an outcome is valid until the next call of any of them that is not const.
struct LossScratch {
    std::vector<SentFrame> acked;  // at a timeout: the oldest in flight
    std::vector<SentFrame> lost;
};

// Views into LossScratch.
struct AckOutcome {
    // Newly acknowledged, each reported once ever; frames with was_lost had been
    // reported as lost before. No particular order.
    std::span<const SentFrame> acked;
    // To be resent, or given up, by their owners; oldest first.
    std::span<const SentFrame> lost;
    // A new sample of this path's round trip was taken.
    std::optional<PathNumber> round_trip_of;
};

struct TimeoutOutcome {
    std::span<const SentFrame> lost;
    // Datagrams that should each carry something eliciting, data or else PING, on `path`, window
    // and pacing notwithstanding.
    unsigned probes = 0;
    PathNumber path = 0;
    // What the oldest datagrams in flight carried, as many as there are probes. Not lost, but
    // worth another copy: of all that a probe can carry it is what the peer waits for longest
    // (RFC 9002 §6.2.4).
    std::span<const SentFrame> oldest;
};

// One sequence space over all paths. Loss, RTT and congestion belong to the path
// on which a frame was sent. Exactly one path is the path in use: only it has probe timeouts.
class LossDetection {
public:
    // `scratch` and `pool` outlive this; null: it has its own, and asks the allocator.
    explicit LossDetection(LossScratch* scratch = nullptr, BufferPool* pool = nullptr)
        : log_(pool),
          own_scratch_(scratch == nullptr ? std::make_unique<LossScratch>() : nullptr),
          scratch_(scratch == nullptr ? own_scratch_.get() : scratch) {}

    // ---- paths
    // `number` must be new; at most paths_max at a time. Not yet in use: see take_path().
    PathRecovery& add_path(PathNumber number, const PathConfig& config);
    // `number` becomes the path in use. What is unacknowledged on the former counts as lost one
    // of its PTOs later, or at once if it is reliable: deadline() then is due, and on_timeout()
    // reports. Taking back a former path ends that. Where only the peer's port changed, keep the
    // number and do not call this (Spec protocol §10.5, §11.3).
    void take_path(Instant now, PathNumber number);
    // A WebSocket closed, or a path is given up: what is unacknowledged on it counts as lost at
    // once, by on_timeout(), and the path is forgotten.
    void remove_path(Instant now, PathNumber number);
    bool has_path(PathNumber number) const noexcept;
    PathRecovery& path(PathNumber number) noexcept;  // must exist
    const PathRecovery& path(PathNumber number) const noexcept;
    std::optional<PathNumber> path_in_use() const noexcept { return in_use_; }
    // What the peer last told of marks that came with this side's frames.
    const wire::EcnCounts& ecn_counts() const noexcept { return ecn_counts_; }

    // ---- sending
    std::uint64_t next_sequence() const noexcept { return log_.next_sequence(); }
    // False: 65,536 sequences are outstanding; nothing eliciting may be sent but probes.
    bool has_room(std::size_t frame_count) const noexcept { return log_.has_room(frame_count); }

    struct Datagram {
        PathNumber path = 0;
        std::size_t size = 0;  // bytes, with what is not a session frame
        bool is_mtu_probe = false;
        bool is_marked = false;  // ECT(0)
    };
    // A datagram with `frames` (ascending sequences, first at least next_sequence(); what lies
    // between is skipped, Spec protocol §10.3) was handed to the transport.
    void on_datagram_sent(Instant now, const Datagram& datagram, std::span<const SentFrame> frames);

    // ---- receiving
    // An ACK as it was parsed, from whatever path. One that repeats or is older changes nothing.
    // Error 1: it names a sequence that was never sent.
    Result<AckOutcome, wire::Violation> on_ack(Instant now, const wire::Ack& ack);

    // ---- time
    // The next instant for on_timeout(); null: none. It may lie in the past.
    std::optional<Instant> deadline() const noexcept;
    TimeoutOutcome on_timeout(Instant now);

private:
    struct NumberedPath {
        PathNumber number;
        std::unique_ptr<PathRecovery> state;
    };

    PathRecovery* find(PathNumber number) const noexcept;
    void begin_gathering() noexcept;
    void acknowledge_ranges(Instant now, const wire::Ack& ack);
    void acknowledge(Instant now, std::uint64_t sequence);
    std::optional<PathNumber> sample_round_trip(Instant now, const wire::Ack& ack,
                                                const SentFrame& largest) noexcept;
    void process_ecn(const wire::Ack& ack, const SentFrame& largest) noexcept;
    void detect_losses(Instant now, PathNumber number, PathRecovery& path);
    bool was_acknowledged_between(std::uint64_t first, std::uint64_t last,
                                  PathNumber number) const noexcept;
    void lose(Instant now, std::uint64_t sequence, PathRecovery& path, LossCause cause,
              std::vector<SentFrame>& into);
    void lose_all(Instant now, NumberedPath& path, std::vector<SentFrame>& into);
    void collect_oldest(PathNumber number, const PathRecovery& path);
    void trim(Instant now);

    SentLog log_;
    std::vector<NumberedPath> paths_;
    std::optional<PathNumber> in_use_;
    std::optional<std::uint64_t> largest_acked_;  // sequence, of all paths
    wire::EcnCounts ecn_counts_{};                // of the ACK with the largest sequence so far

    std::unique_ptr<LossScratch> own_scratch_;
    LossScratch* scratch_;
    std::vector<SentFrame> forced_;  // lost outside an ACK or timeout: the next timeout reports
    Instant forced_at_{};
};

}  // namespace stt::recovery
