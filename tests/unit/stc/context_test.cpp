#include "stc/context.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "codec/dict_encoder.hpp"
#include "samples.hpp"
#include "stc/phe.hpp"

using namespace stt;
using namespace stt::stc;
using namespace stt::stc::test;

namespace {

Context context_of(const Buffer& seed) {
    auto created = Context::create(seed);
    REQUIRE(created);
    return *std::move(created);
}

Nonce nonce_of(const Buffer& bytes) {
    return Nonce{bytes.data(), nonce_size};
}

Buffer purpose(std::string_view text) {
    codec::ContextDict context;
    context.string("purpose", text);
    return {context.encoded().begin(), context.encoded().end()};
}

}  // namespace

TEST_CASE("stc Context (b): the seed is 16 to 4,096 bytes") {
    CHECK(Context::create(Buffer(15)).error() == SeedError::too_short);
    CHECK(Context::create(Buffer(16)));
    CHECK(Context::create(Buffer(4096)));
    CHECK(Context::create(Buffer(4097)).error() == SeedError::too_long);
}

TEST_CASE("stc Context (a): its keys are derived from the root, each for a purpose") {
    const Buffer seed = sequence(32);
    const Context context = context_of(seed);
    codec::ContextDict root_context;
    root_context.string("purpose", "stc_root").integer("version", 1);
    const DerivationKey root{DerivationKey{Bytes{seed}}.derive_key(root_context.encoded())};

    Buffer hash(32);
    Buffer expected(32);
    context.hash(pattern(100), purpose("x"), hash);
    keyed_digest(root.derive_key(purpose("hash")).bytes(), pattern(100), purpose("x"), expected);
    CHECK(hash == expected);

    const DerivationKey derive_root{root.derive_key(purpose("derive"))};
    CHECK(hex(context.derive_key(purpose("x")).bytes()) ==
          hex(derive_root.derive_key(purpose("x")).bytes()));
    Buffer derived(100);
    Buffer derived_expected(100);
    context.derive_key(purpose("x"), derived);
    derive_root.derive(purpose("x"), derived_expected);
    CHECK(derived == derived_expected);
}

TEST_CASE("stc Context (a): metadata is 0x01, N and T, and what is encrypted decrypts") {
    const Context context = context_of(sequence(32));
    const Buffer nonce = sequence(16, 0x40);
    for (std::size_t size : {0u, 1u, 160u, 1000u}) {
        const Buffer plain = pattern(size);
        Buffer data = plain;
        const Metadata metadata = context.encrypt(data, purpose("x"), nonce_of(nonce));
        CHECK(metadata[0] == 0x01);
        CHECK(hex(Bytes{metadata}.subspan(1, nonce_size)) == hex(nonce));
        CHECK((size == 0 || data != plain));
        CHECK(context.decrypt(data, purpose("x"), metadata));
        CHECK(data == plain);
    }
}

TEST_CASE("stc Context (a): another context, nonce, version or seed does not decrypt, and wipes") {
    const Context context = context_of(sequence(32));
    const Buffer nonce = sequence(16);
    Buffer folded = pattern(200);
    const Metadata metadata = context.encrypt(folded, purpose("x"), nonce_of(nonce));
    const auto refuses = [&](const Context& other, const Buffer& with, const Metadata& changed) {
        Buffer data = folded;
        return !other.decrypt(data, with, changed) && data == Buffer(folded.size());
    };
    CHECK(refuses(context, purpose("y"), metadata));
    CHECK(refuses(context, {}, metadata));
    CHECK(refuses(context_of(sequence(33)), purpose("x"), metadata));
    for (std::size_t i = 0; i < metadata.size(); ++i) {
        Metadata changed = metadata;
        changed[i] ^= 0x10;
        CHECK(refuses(context, purpose("x"), changed));
    }
}

TEST_CASE("stc Context (c): encryption is probabilistic") {
    const Context context = context_of(sequence(32));
    Buffer one = pattern(50);
    Buffer two = pattern(50);
    context.encrypt(one, {}, nonce_of(sequence(16, 0)));
    context.encrypt(two, {}, nonce_of(sequence(16, 1)));
    CHECK(one != two);
}

TEST_CASE("stc Context (e): the hints of many seeds are those of each") {
    Samples samples{16};
    const Buffer nonce = samples.bytes(nonce_size);
    for (std::size_t count = 0; count <= 20; ++count) {
        std::vector<Context> contexts;
        std::vector<const Context*> pointers;
        for (std::size_t i = 0; i < count; ++i) contexts.push_back(context_of(samples.bytes(32)));
        for (const Context& context : contexts) pointers.push_back(&context);
        std::vector<SeedHint> hints(count);
        Context::seed_hints(pointers, nonce_of(nonce), hints);
        for (std::size_t i = 0; i < count; ++i) {
            CHECK(hints[i] == contexts[i].seed_hint(nonce_of(nonce)));
        }
    }
}

TEST_CASE("stc Stream contexts (c): a chunk opens with its index, data and stream, and no other") {
    const Context context = context_of(sequence(32));
    const Buffer session_id = sequence(8, 0x90);
    const auto session = std::span<const std::uint8_t, 8>{session_id.data(), 8};
    const FoldKey key{context.chunk_key(session, 7, true)};
    const FoldKey other_stream{context.chunk_key(session, 8, true)};
    const FoldKey other_side{context.chunk_key(session, 7, false)};
    const Buffer nonce = sequence(16);
    const Buffer mine = pattern(5);
    Buffer chunk = pattern(300);
    const Metadata metadata = encrypt_chunk(key, chunk, 5, mine, nonce_of(nonce));
    const auto opens = [&](const FoldKey& with, std::uint64_t index, const Buffer& data) {
        Buffer copy = chunk;
        return decrypt_chunk(with, copy, index, data, metadata) && copy == pattern(300);
    };
    CHECK(opens(key, 5, mine));
    CHECK_FALSE(opens(key, 6, mine));
    CHECK_FALSE(opens(key, 5, pattern(6)));
    CHECK_FALSE(opens(key, 5, {}));
    CHECK_FALSE(opens(other_stream, 5, mine));
    CHECK_FALSE(opens(other_side, 5, mine));
}

TEST_CASE("stc Context (d): what an application asks is wrapped in a context of its own") {
    const Buffer inner = purpose("stc_root");
    const std::vector<std::uint8_t> wrapped = application_context(inner);
    std::array<std::uint8_t, 256> storage;
    codec::DictEncoder encoder{storage};
    encoder.encoded_value("context", inner).string("purpose", "app");
    CHECK(hex(wrapped) == hex(encoder.encoded()));
    CHECK(application_context({}) == application_context(Buffer{0x41, 0, 0, 0, 0}));
    CHECK(application_context(Buffer(100000, 0)).size() > 100000);
}
