// How many handshakes a node begins, in all and for each source. Spec protocol §4.1 (i).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stt/address.hpp>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <utility>

#include "core/wire/faults.hpp"

namespace stt::handshake {

// `per_second` on average, and `burst` of them at one moment. per_second 0: no limit.
struct HandshakeRate {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 1;
};

// Settable. They are for peers that hold a seed and are broken, or in other hands: a stranger's
// HELLO never comes so far. Chosen: a handshake costs a responder about 0.1 ms of CPU, so the
// first keeps two thirds of a core for others; the second leaves room for all the users behind
// one address translator who reconnect at once.
struct RateLimitConfig {
    HandshakeRate total{4'000, 8'192};
    HandshakeRate source{1'000, 4'096};
    std::size_t source_count_max = 4'096;  // about 200 bytes each: 800 KiB
};

// Counts handshakes that authenticated, and only those: whoever can write a false source
// address into a datagram must not use up what belongs to another.
//
// A source is an IPv4 address or an IPv6 /64: a host can choose freely within that. Two steps,
// so that a handshake that is refused for another reason uses nothing up.
class RateLimit {
public:
    explicit RateLimit(const RateLimitConfig& config) noexcept : config_(config) {}

    // Whether one more may begin now. Drops: handshake_rate, handshake_source_rate. Changes
    // nothing.
    Result<void, wire::DropReason> check(Instant now, const Address& source) const noexcept;
    // It begins.
    void count(Instant now, const Address& source);

    std::size_t source_count() const noexcept { return sources_.size(); }

private:
    using Source = std::array<std::uint8_t, 9>;  // the family, and 4 or 8 bytes

    static Source source_of(const Address& address) noexcept;
    static bool is_within(const HandshakeRate& rate, Instant now,
                          std::optional<Instant> paid_until) noexcept;
    static Instant paid_until_after(const HandshakeRate& rate, Instant now,
                                    std::optional<Instant> paid_until) noexcept;
    void forget(std::set<std::pair<Instant, Source>>::iterator place);

    RateLimitConfig config_;
    // Until when what was begun is paid for at the average rate. A source whose time has passed
    // is as good as one never seen, and is forgotten. When there are more than source_count_max
    // that are not, the one that would be first is forgotten early: it gains a burst at most.
    std::optional<Instant> total_;
    std::map<Source, Instant> sources_;
    std::set<std::pair<Instant, Source>> by_time_;
};

}  // namespace stt::handshake
