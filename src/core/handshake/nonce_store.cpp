#include "core/handshake/nonce_store.hpp"

#include <algorithm>
#include <stt/check.hpp>

namespace stt::handshake {

void NonceStore::insert(const HandshakeNonce& nonce, std::int64_t expiry_ms) {
    STT_CHECK(!is_full() && !contains(nonce));
    nonces_.insert(nonce);
    by_expiry_.emplace(expiry_ms, nonce);
}

void NonceStore::expire(std::int64_t now_ms) noexcept {
    while (!by_expiry_.empty() && by_expiry_.begin()->first < now_ms) {
        const auto oldest = by_expiry_.begin();
        given_up_ms_ = std::max(given_up_ms_, oldest->first);
        nonces_.erase(oldest->second);
        by_expiry_.erase(oldest);
    }
}

}  // namespace stt::handshake
