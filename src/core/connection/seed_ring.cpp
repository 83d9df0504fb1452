#include "core/connection/seed_ring.hpp"

namespace stt::connection {

Result<handshake::SeedId, AddSeedError> SeedRing::add(Bytes seed,
                                                      std::optional<Instant> expires_at) {
    if (seeds_.size() >= count_max_) return Unexpected(AddSeedError::too_many);
    auto context = stc::Context::create(seed);
    if (!context) {
        return Unexpected(context.error() == stc::SeedError::too_short ? AddSeedError::too_short
                                                                       : AddSeedError::too_long);
    }
    const handshake::SeedId id = next_id_++;
    seeds_[id] = {std::make_unique<stc::Context>(*std::move(context)), expires_at};
    if (expires_at) by_expiry_.emplace(*expires_at, id);
    return id;
}

bool SeedRing::remove(handshake::SeedId id) {
    const auto found = seeds_.find(id);
    if (found == seeds_.end()) return false;
    if (found->second.expires_at) by_expiry_.erase({*found->second.expires_at, id});
    seeds_.erase(found);
    return true;
}

const stc::Context* SeedRing::find(handshake::SeedId id) const noexcept {
    const auto found = seeds_.find(id);
    return found == seeds_.end() ? nullptr : found->second.context.get();
}

std::optional<handshake::SeedId> SeedRing::poll_expired(Instant now) const noexcept {
    if (by_expiry_.empty() || by_expiry_.begin()->first > now) return std::nullopt;
    return by_expiry_.begin()->second;
}

std::optional<Instant> SeedRing::poll_timeout() const noexcept {
    if (by_expiry_.empty()) return std::nullopt;
    return by_expiry_.begin()->first;
}

}  // namespace stt::connection
