#include "core/handshake/nonce_store.hpp"

#include <doctest/doctest.h>

#include <map>

#include "tests/unit/codec/seeded.hpp"

namespace stt::handshake {
namespace {

HandshakeNonce nonce_of(std::uint64_t number) {
    HandshakeNonce nonce{};
    for (std::size_t i = 0; i < 8; ++i) nonce[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return nonce;
}

}  // namespace

TEST_CASE("protocol §4.1 (e): a nonce is kept up to and including its expiry") {
    NonceStore store(10, hash_key_public);
    store.insert(nonce_of(1), 100);
    store.insert(nonce_of(2), 101);
    store.expire(100);
    CHECK(store.contains(nonce_of(1)));
    store.expire(101);
    CHECK(!store.contains(nonce_of(1)));
    CHECK(store.contains(nonce_of(2)));
    CHECK(store.is_given_up(100));
    CHECK(!store.is_given_up(101));
    // A clock that goes back brings nothing back, and gives nothing up.
    store.expire(0);
    CHECK(store.is_given_up(100));
    CHECK(store.contains(nonce_of(2)));
}

TEST_CASE("protocol §4.1 (e)(i): 65,536 nonces are kept, all of them exactly") {
    NonceStore store(65'536, hash_key_public);
    for (std::uint64_t i = 0; i < 65'535; ++i) store.insert(nonce_of(i), 1'000);
    CHECK(!store.is_full());
    store.insert(nonce_of(65'535), 2'000);
    CHECK(store.is_full());
    CHECK(store.count() == 65'536);
    for (std::uint64_t i = 0; i < 65'536; ++i) REQUIRE(store.contains(nonce_of(i)));
    CHECK(!store.contains(nonce_of(65'536)));
    store.expire(1'001);
    CHECK(store.count() == 1);
}

TEST_CASE("protocol §4.1 (e): seeded random steps are answered as by a naive model") {
    test::Seeded seeded(41);
    NonceStore store(200, hash_key_public);
    std::map<HandshakeNonce, std::int64_t> naive;
    std::int64_t now = 0;
    for (int step = 0; step < 50'000; ++step) {
        const HandshakeNonce nonce = nonce_of(seeded.below(400));
        CHECK(store.contains(nonce) == naive.contains(nonce));
        if (!store.contains(nonce) && !store.is_full()) {
            const auto expiry = now + static_cast<std::int64_t>(seeded.below(300)) - 20;
            store.insert(nonce, expiry);
            naive.emplace(nonce, expiry);
        }
        now += static_cast<std::int64_t>(seeded.below(3));
        store.expire(now);
        std::erase_if(naive, [&](const auto& entry) { return entry.second < now; });
        CHECK(store.count() == naive.size());
        CHECK(store.is_full() == (naive.size() >= 200));
    }
}

}  // namespace stt::handshake
