// Someone on the wire who holds no key and means no good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <stt/address.hpp>
#include <stt/bytes.hpp>
#include <utility>
#include <vector>

#include "core/wire/frame.hpp"
#include "testing/simulated_network.hpp"

namespace stt::testing {

// How often each deed befalls a datagram, or is inspired by one.
struct AdversaryOptions {
    PerMillion drop = 0;
    PerMillion delay = 0;     // held back, others overtake it
    PerMillion replay = 0;    // an earlier datagram again, as it was
    PerMillion displace = 0;  // an earlier datagram again, from somebody else's address
    PerMillion reflect = 0;   // back to its sender, in its receiver's name
    PerMillion splice = 0;    // frames of several datagrams in one
    PerMillion truncate = 0;
    PerMillion flip = 0;   // one to eight bits
    PerMillion forge = 0;  // a frame with a guessed header, or noise
    Duration delay_max = std::chrono::milliseconds(500);
    Duration replay_after_max = std::chrono::seconds(3);
    // What is older is forgotten: frames that never arrived keep a dead peer's session alive.
    Duration memory_age_max = std::chrono::seconds(30);
    std::uint64_t deed_count_max = 10'000;
};

struct AdversaryCounters {
    std::uint64_t seen = 0;
    std::uint64_t dropped = 0;
    std::uint64_t delayed = 0;
    std::uint64_t replayed = 0;
    std::uint64_t displaced = 0;
    std::uint64_t reflected = 0;
    std::uint64_t spliced = 0;
    std::uint64_t truncated = 0;
    std::uint64_t flipped = 0;
    std::uint64_t forged = 0;
};

// To be given to SimulatedNetwork::set_interceptor(). What it injects it does not see again.
class Adversary final : public Interceptor {
public:
    Adversary(SimulatedNetwork& network, std::uint64_t seed, const AdversaryOptions& options)
        : network_(network), random_(seed), options_(options) {}

    // Only these directions from here on; all of them before the first call.
    void watch(NodeNumber from, NodeNumber to) { watched_.insert({from, to}); }
    void set_options(const AdversaryOptions& options) noexcept { options_ = options; }
    const AdversaryCounters& counters() const noexcept { return counters_; }

    Verdict intercept(const DatagramView& datagram) override;

private:
    struct Memory {
        NodeNumber from = 0;
        NodeNumber to = 0;
        Instant at{};
        Address source;
        Address destination;
        std::vector<std::uint8_t> bytes;
    };

    bool does(PerMillion probability) noexcept {
        return deed_count_ < options_.deed_count_max && random_.chance(probability);
    }
    const Memory& remembered() { return memory_[random_.below(memory_.size())]; }
    // Past the deed's delay, to whoever has the address then.
    void send(const Memory& like, const Address& source, NodeNumber from, Bytes bytes,
              Duration delay_max);
    Address somebody();
    void damage(const Memory& current);
    std::vector<std::uint8_t> spliced();
    std::vector<std::uint8_t> forged();
    std::vector<std::uint8_t> guessed(const wire::FrameView& like);
    void append_part(std::vector<std::uint8_t>& bytes, const Memory& from);

    SimulatedNetwork& network_;
    SeededRandom random_;
    AdversaryOptions options_;
    AdversaryCounters counters_;
    std::uint64_t deed_count_ = 0;
    std::set<std::pair<NodeNumber, NodeNumber>> watched_;
    std::deque<Memory> memory_;
};

}  // namespace stt::testing
