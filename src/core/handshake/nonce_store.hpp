#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "base/keyed_hash.hpp"
#include "core/handshake/messages.hpp"

namespace stt::handshake {

// The HELLO nonces that were taken, exactly, each until its time is over. Spec protocol §4.1.
//
// Times are milliseconds of whatever clock the caller uses throughout. A clock that is set
// back lets no nonce in twice: what would already have been over before is refused.
class NonceStore {
public:
    // Up to `count_max` nonces, about 100 bytes each. Peers choose them: `key` is a secret.
    NonceStore(std::size_t count_max, const HashKey& key)
        : count_max_(count_max), nonces_(0, KeyedHash(key)) {}

    bool contains(const HandshakeNonce& nonce) const noexcept { return nonces_.contains(nonce); }
    // Whether an entry with this expiry may already have been given up.
    bool is_given_up(std::int64_t expiry_ms) const noexcept { return expiry_ms <= given_up_ms_; }
    bool is_full() const noexcept { return nonces_.size() >= count_max_; }
    std::size_t count() const noexcept { return nonces_.size(); }

    // Keeps a nonce that is not contained while there is room, up to and including expiry_ms.
    void insert(const HandshakeNonce& nonce, std::int64_t expiry_ms);
    // Gives up every nonce whose expiry lies before `now_ms`.
    void expire(std::int64_t now_ms) noexcept;

private:
    std::size_t count_max_;
    std::int64_t given_up_ms_ = INT64_MIN;
    std::unordered_set<HandshakeNonce, KeyedHash> nonces_;
    // A heap, the first to expire in front.
    struct Expiry {
        std::int64_t at_ms;
        const HandshakeNonce* nonce;  // of nonces_
    };
    static bool is_later(const Expiry& a, const Expiry& b) noexcept { return a.at_ms > b.at_ms; }
    std::vector<Expiry> by_expiry_;
};

}  // namespace stt::handshake
