#include "core/handshake/nonce_store.hpp"

#include <algorithm>
#include <stt/check.hpp>

namespace stt::handshake {

void NonceStore::insert(const HandshakeNonce& nonce, std::int64_t expiry_ms) {
    STT_CHECK(!is_full() && !contains(nonce));
    by_expiry_.push_back({expiry_ms, &*nonces_.insert(nonce).first});
    std::push_heap(by_expiry_.begin(), by_expiry_.end(), is_later);
}

void NonceStore::expire(std::int64_t now_ms) noexcept {
    while (!by_expiry_.empty() && by_expiry_.front().at_ms < now_ms) {
        const Expiry oldest = by_expiry_.front();
        given_up_ms_ = std::max(given_up_ms_, oldest.at_ms);
        std::pop_heap(by_expiry_.begin(), by_expiry_.end(), is_later);
        by_expiry_.pop_back();
        nonces_.erase(nonces_.find(*oldest.nonce));
    }
}

}  // namespace stt::handshake
