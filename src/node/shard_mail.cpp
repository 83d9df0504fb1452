#include "node/shard_mail.hpp"

namespace stt::node {

ShardMail::ShardMail(std::size_t count) : boxes_(count), lanes_(count * count) {
    for (std::size_t from = 0; from < count; ++from) {
        for (std::size_t to = 0; to < count; ++to) {
            if (from != to) lanes_[from * count + to] = std::make_unique<Lane>();
        }
    }
}

bool ShardMail::send(Way way, const Record& record, Bytes payload) {
    Lane& lane = lane_of(way);
    bool is_sent = lane.ring.put(record, payload);
    if (!is_sent) {
        // Whoever is second of this exchange and the reader's sees what the other did before it:
        // either there is room now, or the reader wakes this shard.
        lane.wants_room.exchange(true, std::memory_order_acq_rel);
        is_sent = lane.ring.put(record, payload);
    }
    wake(way.to);
    return is_sent;
}

bool ShardMail::is_over(Way way, std::size_t size) {
    Lane& lane = lane_of(way);
    if (lane.ring.used() <= size) return false;
    lane.wants_room.exchange(true, std::memory_order_acq_rel);
    return lane.ring.used() > size;
}

// One post of a wake is under way at most: what comes meanwhile is taken with the rest.
void ShardMail::wake(std::size_t shard) {
    Box& box = boxes_[shard];
    if (!box.is_woken.exchange(true, std::memory_order_acq_rel)) box.wake();
}

NodeGroupStatistics ShardMail::statistics() const {
    NodeGroupStatistics statistics;
    for (const Box& box : boxes_) {
        const auto value = [](const std::atomic<std::uint64_t>& count) {
            return count.load(std::memory_order_relaxed);
        };
        statistics.threads.push_back(
            {value(box.counters.sessions), value(box.counters.sessions_accepted),
             value(box.counters.datagrams_forwarded), value(box.counters.messages_forwarded),
             value(box.counters.drops_full)});
    }
    return statistics;
}

}  // namespace stt::node
