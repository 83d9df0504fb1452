// The seeds that a node knows now.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <utility>

#include "core/handshake/responder.hpp"
#include "stc/context.hpp"

namespace stt::connection {

enum class AddSeedError {
    too_short,  // Spec stc Context: 16 to 4,096 bytes
    too_long,
    too_many,  // seed_count_max
};

// Seeds by their id, each with the keys that come from it, until it is removed or its time is
// over. Ids are never used again. Keys are wiped with their seed.
class SeedRing {
public:
    // `count_max` bounds what a stranger's HELLO costs: a hint for each seed, eight at a time.
    explicit SeedRing(std::size_t count_max) noexcept : count_max_(count_max) {}

    // `expires_at`: poll_expired() gives it out from then on.
    Result<handshake::SeedId, AddSeedError> add(Bytes seed, std::optional<Instant> expires_at);
    // Whoever refers to its context must have let go. False: no such seed.
    bool remove(handshake::SeedId id);

    // Null: no such seed. Good until remove().
    const stc::Context* find(handshake::SeedId id) const noexcept;
    std::size_t count() const noexcept { return seeds_.size(); }

    // A seed whose time is over and that the caller shall remove.
    std::optional<handshake::SeedId> poll_expired(Instant now) const noexcept;
    std::optional<Instant> poll_timeout() const noexcept;

private:
    struct Seed {
        std::unique_ptr<stc::Context> context;
        std::optional<Instant> expires_at;
    };

    std::size_t count_max_;
    std::map<handshake::SeedId, Seed> seeds_;
    std::set<std::pair<Instant, handshake::SeedId>> by_expiry_;
    handshake::SeedId next_id_ = 1;
};

}  // namespace stt::connection
