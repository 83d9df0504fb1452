#include "stc/cke.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "codec/dict_encoder.hpp"
#include "samples.hpp"
#include "stc/pcf.hpp"

using namespace stt;
using namespace stt::stc;
using namespace stt::stc::test;

TEST_CASE("stc CKE (a): a derivation is TurboSHAKE128 of the key's block and the context") {
    codec::ContextDict context;
    context.string("purpose", "test");
    for (std::size_t key_size : {16u, 32u, 166u, 167u, 4096u}) {
        const Buffer key = pattern(key_size);
        TurboShake128 sponge;
        sponge.absorb_key_block(key);
        sponge.absorb(context.encoded());
        sponge.finish(0x12);
        Buffer expected(100);
        sponge.squeeze(expected);
        Buffer output(100);
        DerivationKey{Bytes{key}}.derive(context.encoded(), output);
        CHECK(output == expected);
        const Key derived = DerivationKey{Bytes{key}}.derive_key(context.encoded());
        CHECK(hex(derived.bytes()) == hex(Bytes{expected}.first(32)));
    }
}

TEST_CASE("stc CKE (b): L is 1 to 4,096, K is 16 to 4,096 bytes") {
    const auto derive_to = [](std::size_t size) {
        return stops_process([size] {
            Buffer output(size);
            DerivationKey{Bytes{pattern(32)}}.derive({}, output);
        });
    };
    CHECK(derive_to(0));
    CHECK_FALSE(derive_to(1));
    CHECK_FALSE(derive_to(4096));
    CHECK(derive_to(4097));
    const auto key_of = [](std::size_t size) {
        return stops_process([size] { DerivationKey{Bytes{Buffer(size)}}; });
    };
    CHECK(key_of(15));
    CHECK_FALSE(key_of(16));
    CHECK_FALSE(key_of(4096));
    CHECK(key_of(4097));
}

TEST_CASE("stc CKE (a): deriving for many keys gives the same bytes as one by one") {
    Samples samples{5};
    for (std::size_t count = 0; count <= 20; ++count) {
        // Outputs and contexts of one block and of more.
        for (std::size_t size : {1u, 8u, 13u, 32u, 168u, 169u, 400u}) {
            for (std::size_t context_size : {5u, 60u, 167u, 168u, 300u}) {
                std::vector<DerivationKey> keys;
                std::vector<const DerivationKey*> pointers;
                for (std::size_t i = 0; i < count; ++i) {
                    keys.emplace_back(Bytes{samples.bytes(samples.number(16, 200))});
                }
                for (const DerivationKey& key : keys) pointers.push_back(&key);
                const Buffer context = samples.bytes(context_size);
                Buffer output(count * size);
                DerivationKey::derive_many(pointers, context, output);
                Buffer expected(count * size);
                for (std::size_t i = 0; i < count; ++i) {
                    keys[i].derive(context, MutableBytes{expected}.subspan(i * size, size));
                }
                CHECK(output == expected);
            }
        }
    }
}

TEST_CASE("stc PCF (a): rotation derives the next key from nonce and epoch") {
    Samples samples{6};
    const Buffer nonce = samples.bytes(32);
    const Key key{std::span<const std::uint8_t, 32>{samples.bytes(32).data(), 32}};
    codec::ContextDict context;
    context.integer("epoch", 3).bytes("nonce", nonce).string("purpose", "rotation");
    const auto fixed = std::span<const std::uint8_t, 32>{nonce.data(), 32};
    const Key expected = DerivationKey{key}.derive_key(context.encoded());
    CHECK(hex(rotate(key, fixed, 3).bytes()) == hex(expected.bytes()));
    CHECK(hex(rotate(key, fixed, 4).bytes()) != hex(expected.bytes()));
}
