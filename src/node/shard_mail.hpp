// What the shards of a node send one another: a ring for each pair, so that no thread ever waits
// for another's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stt/bytes.hpp>
#include <stt/node_group_statistics.hpp>
#include <vector>

#include "node/record_ring.hpp"

namespace stt::node {

// Of each ring, so of what one shard lets wait for another: chosen, as ten bursts of UDP are
// lost to a shard that falls behind by more, and as much again waits for its WebSockets.
inline constexpr std::size_t shard_ring_size = 1u << 20;
// With more than this waiting, a WebSocket of that shard counts as full. Chosen: as much again as
// fits into its own queue, and room for what is under way of all others.
inline constexpr std::size_t shard_ring_full = 256u << 10;

// Frames for another shard's sessions go while no more than this waits. What they leave is for
// messages to WebSockets, which cannot wait: a burst of each that was not yet told to be full.
inline constexpr std::size_t shard_ring_frames = 640u << 10;

// Outlives the shards. Memory: shard_ring_size for each ordered pair, where it was used.
class ShardMail {
public:
    // Makes the shard's thread call its take_all() soon; called from any thread.
    using Wake = std::function<void()>;

    explicit ShardMail(std::size_t count);
    std::size_t count() const noexcept { return boxes_.size(); }
    // Before anything is sent.
    void set_wake(std::size_t shard, Wake wake) { boxes_[shard].wake = std::move(wake); }

    struct Way {
        std::size_t from = 0;
        std::size_t to = 0;
    };
    // On the thread of `way.from`. False: there is no room, and room is told by waking it.
    [[nodiscard]] bool send(Way way, const Record& record, Bytes payload);
    // On the thread of `way.from`: whether over shard_ring_full wait; then it is woken later.
    bool is_full(Way way) { return is_over(way, shard_ring_full); }
    // The same of shard_ring_frames.
    bool is_full_for_frames(Way way) { return is_over(way, shard_ring_frames); }

    // On the thread of `to`: visit(from, record, payload) with all that waits.
    template <class Visit>
    void take_all(std::size_t to, Visit visit) {
        boxes_[to].is_woken.exchange(false, std::memory_order_acq_rel);
        for (std::size_t from = 0; from < count(); ++from) {
            if (from == to) continue;
            Lane& lane = lane_of({from, to});
            lane.ring.take_all(
                [&](const Record& record, MutableBytes payload) { visit(from, record, payload); });
            if (lane.wants_room.exchange(false, std::memory_order_acq_rel)) wake(from);
        }
    }

    // Of a shard that has sent all it wanted, once. With all of them, none waits for another.
    void set_finished() noexcept { finished_.fetch_add(1, std::memory_order_acq_rel); }
    bool are_all_finished() const noexcept {
        return finished_.load(std::memory_order_acquire) == count();
    }

    // Counts of a shard, written by its thread and read by any.
    struct Counters {
        std::atomic<std::uint64_t> sessions{0};
        std::atomic<std::uint64_t> sessions_accepted{0};
        std::atomic<std::uint64_t> datagrams_forwarded{0};
        std::atomic<std::uint64_t> messages_forwarded{0};
        std::atomic<std::uint64_t> drops_full{0};
    };
    Counters& counters(std::size_t shard) noexcept { return boxes_[shard].counters; }
    NodeGroupStatistics statistics() const;

private:
    struct Lane {
        RecordRing ring{shard_ring_size};
        std::atomic<bool> wants_room{false};
    };
    struct alignas(64) Box {
        Wake wake;
        std::atomic<bool> is_woken{false};
        Counters counters;
    };

    bool is_over(Way way, std::size_t size);
    Lane& lane_of(Way way) { return *lanes_[way.from * count() + way.to]; }
    void wake(std::size_t shard);

    std::vector<Box> boxes_;
    std::vector<std::unique_ptr<Lane>> lanes_;  // null from a shard to itself
    std::atomic<std::size_t> finished_{0};
};

}  // namespace stt::node
