#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>
#include <stt/time.hpp>
#include <vector>

#include "testing/seeded_random.hpp"

namespace stt::testing {

// Gilbert and Elliott's model: a link is good or bad, and changes with each datagram.
struct BurstLoss {
    PerMillion becomes_bad = 0;
    PerMillion becomes_good = always;
    PerMillion loss_while_bad = always;
};

// Exact bursts: a datagram begins one by chance, and it and the following ones are lost.
struct LossRun {
    PerMillion begins = 0;
    std::uint32_t length = 0;  // datagrams
};
// Runs of `length` that lose `loss` of all datagrams in the long run.
constexpr LossRun loss_in_runs(PerMillion loss, std::uint32_t length) noexcept {
    const std::uint64_t kept = std::uint64_t{length} * (always - loss) + loss;
    return {static_cast<PerMillion>(std::uint64_t{loss} * always / kept), length};
}

// One direction of a path. The default carries everything at once and unharmed.
struct LinkOptions {
    Duration delay{0};
    Duration jitter{0};                // added to the delay, up to this; keeps the order
    std::uint64_t rate = 0;            // bytes a second; 0: no limit
    std::size_t queue_size = 1 << 18;  // bytes that wait for the rate; what is more is lost
    PerMillion loss = 0;
    BurstLoss burst;
    LossRun run;
    PerMillion reorder = 0;  // held back by up to reorder_delay, past others
    Duration reorder_delay = std::chrono::milliseconds(10);
    PerMillion duplicate = 0;
    PerMillion corrupt = 0;                 // one to eight bits are flipped
    PerMillion congestion_mark = 0;         // ECT(0) becomes CE
    std::size_t datagram_size_max = 1'472;  // larger ones vanish, as on a path that drops them
};

inline LinkOptions delayed(Duration delay, std::uint64_t rate = 0) {
    LinkOptions link;
    link.delay = delay;
    link.rate = rate;
    return link;
}

// What became of the datagrams, for tests that want each one explained.
struct LinkCounters {
    std::uint64_t offered = 0;
    std::uint64_t lost = 0;        // by chance
    std::uint64_t cut = 0;         // the link was cut
    std::uint64_t overflowed = 0;  // the queue was full
    std::uint64_t too_large = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t corrupted = 0;
    std::uint64_t reordered = 0;
};

class Link {
public:
    // A datagram that will arrive.
    struct Arrival {
        Instant at{};
        std::uint8_t ecn = 0;
        std::vector<std::uint8_t> bytes;
    };

    Link(const LinkOptions& options, std::uint64_t seed) noexcept
        : options_(options), random_(seed) {}

    const LinkOptions& options() const noexcept { return options_; }
    // From here on; what is under way stays so.
    void set_options(const LinkOptions& options) noexcept { options_ = options; }
    // A link that is cut loses everything. Cuts add up: each is to be mended.
    void cut() noexcept { ++cuts_; }
    void mend() noexcept { cuts_ -= cuts_ > 0 ? 1 : 0; }
    const LinkCounters& counters() const noexcept { return counters_; }

    // Appends what arrives of it: nothing, one copy or two.
    void send(Instant now, Bytes datagram, std::uint8_t ecn, std::vector<Arrival>& arrivals);

private:
    bool is_lost() noexcept;
    // When its last byte is on the line; null time: the queue has no room.
    bool queue(Instant now, std::size_t size, Instant& sent) noexcept;
    Arrival arrive(Instant sent, Bytes datagram, std::uint8_t ecn);

    LinkOptions options_;
    SeededRandom random_;
    LinkCounters counters_;
    unsigned cuts_ = 0;
    std::uint32_t run_left_ = 0;  // datagrams of a run that are still to be lost
    bool is_bad_ = false;
    std::chrono::nanoseconds busy_until_{0};
    Instant last_arrival_{};
};

}  // namespace stt::testing
