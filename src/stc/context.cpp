#include "stc/context.hpp"

#include <algorithm>
#include <array>
#include <stt/check.hpp>

#include "base/byte_order.hpp"
#include "codec/dict_encoder.hpp"
#include "stc/encoded_context.hpp"
#include "stc/permutation/permutation.hpp"
#include "stc/phe.hpp"

namespace stt::stc {
namespace {

// The first byte of metadata.
constexpr std::uint8_t metadata_version = 0x01;
constexpr std::size_t tag_size = metadata_size - 1 - nonce_size;

Key derive_for(const DerivationKey& key, std::string_view purpose) noexcept {
    codec::ContextDict context;
    context.string("purpose", purpose);
    return key.derive_key(context.encoded());
}

// metadata = 0x01 ‖ N ‖ T, around fold.
Metadata seal(const FoldKey& key, const std::array<Bytes, 2>& associated_data, MutableBytes data,
              Nonce nonce) noexcept {
    Metadata metadata;
    metadata[0] = metadata_version;
    std::copy(nonce.begin(), nonce.end(), metadata.begin() + 1);
    fold({.key = &key,
          .associated_data = associated_data,
          .data = data,
          .tag = MutableBytes{metadata}.last(tag_size)});
    return metadata;
}

bool open(const FoldKey& key, const std::array<Bytes, 2>& associated_data, MutableBytes data,
          std::span<const std::uint8_t, metadata_size> metadata) noexcept {
    if (metadata[0] != metadata_version) {
        wipe(data);
        return false;
    }
    UnfoldJob job{.key = &key,
                  .associated_data = associated_data,
                  .data = data,
                  .tag = metadata.last<tag_size>()};
    return unfold(job);
}

// N ‖ u64_be(index), in front of the caller's data.
std::array<std::uint8_t, nonce_size + 8> chunk_prefix(Nonce nonce, std::uint64_t index) noexcept {
    std::array<std::uint8_t, nonce_size + 8> prefix;
    std::copy(nonce.begin(), nonce.end(), prefix.begin());
    store_big_endian(prefix.data() + nonce_size, index);
    return prefix;
}

Nonce nonce_of(std::span<const std::uint8_t, metadata_size> metadata) noexcept {
    return metadata.subspan<1, nonce_size>();
}

}  // namespace

Context::Context(DerivationKey root, DerivationKey hash_key, FoldKey encrypt_key,
                 DerivationKey derive_root) noexcept
    : root_(std::move(root)),
      hash_key_(std::move(hash_key)),
      encrypt_key_(std::move(encrypt_key)),
      derive_root_(std::move(derive_root)) {}

Result<Context, SeedError> Context::create(Bytes seed) noexcept {
    if (seed.size() < seed_size_min) return Unexpected(SeedError::too_short);
    if (seed.size() > seed_size_max) return Unexpected(SeedError::too_long);
    codec::ContextDict context;
    context.string("purpose", "stc_root").integer("version", 1);
    DerivationKey root{DerivationKey{seed}.derive_key(context.encoded())};
    DerivationKey hash_key{derive_for(root, "hash")};
    FoldKey encrypt_key{derive_for(root, "encrypt")};
    DerivationKey derive_root{derive_for(root, "derive")};
    return Context{std::move(root), std::move(hash_key), std::move(encrypt_key),
                   std::move(derive_root)};
}

void Context::hash(Bytes data, Bytes context, MutableBytes output) const noexcept {
    KeyedDigest sponge{hash_key_, context};
    sponge.update(data);
    sponge.finish(output);
}

void Context::derive_key(Bytes context, MutableBytes output) const noexcept {
    derive_root_.derive(context, output);
}

Key Context::derive_key(Bytes context) const noexcept {
    return derive_root_.derive_key(context);
}

Metadata Context::encrypt(MutableBytes data, Bytes context, Nonce nonce) const {
    return seal(encrypt_key_, {nonce, encoded_context(context)}, data, nonce);
}

bool Context::decrypt(MutableBytes data, Bytes context,
                      std::span<const std::uint8_t, metadata_size> metadata) const {
    return open(encrypt_key_, {nonce_of(metadata), encoded_context(context)}, data, metadata);
}

SeedHint Context::seed_hint(Nonce nonce) const noexcept {
    codec::ContextDict context;
    context.bytes("nonce", nonce).string("purpose", "seed_hint");
    SeedHint hint;
    root_.derive(context.encoded(), hint);
    return hint;
}

void Context::seed_hints(std::span<const Context* const> contexts, Nonce nonce,
                         std::span<SeedHint> hints) noexcept {
    STT_CHECK(contexts.size() == hints.size());
    codec::ContextDict context;
    context.bytes("nonce", nonce).string("purpose", "seed_hint");
    while (!contexts.empty()) {
        // As many at a time as the widest kernel takes: no allocation.
        const std::size_t count = std::min(contexts.size(), width_max);
        std::array<const DerivationKey*, width_max> roots;
        for (std::size_t i = 0; i < count; ++i) roots[i] = &contexts[i]->root_;
        std::array<std::uint8_t, width_max * seed_hint_size> output;
        const auto some = MutableBytes{output}.first(count * seed_hint_size);
        DerivationKey::derive_many(std::span{roots}.first(count), context.encoded(), some);
        for (std::size_t i = 0; i < count; ++i) {
            std::copy_n(some.begin() + static_cast<std::ptrdiff_t>(i * seed_hint_size),
                        seed_hint_size, hints[i].begin());
        }
        contexts = contexts.subspan(count);
        hints = hints.subspan(count);
    }
}

Key Context::chunk_key(std::span<const std::uint8_t, 8> session_id, std::uint32_t stream_id,
                       bool is_from_initiator) const noexcept {
    codec::ContextDict context;
    context.string("from", is_from_initiator ? "initiator" : "responder")
        .string("purpose", "chunks")
        .bytes("session_id", session_id)
        .integer("stream_id", stream_id);
    return derive_root_.derive_key(context.encoded());
}

Metadata encrypt_chunk(const FoldKey& key, MutableBytes chunk, std::uint64_t index, Bytes data,
                       Nonce nonce) {
    const auto prefix = chunk_prefix(nonce, index);
    return seal(key, {prefix, data}, chunk, nonce);
}

bool decrypt_chunk(const FoldKey& key, MutableBytes chunk, std::uint64_t index, Bytes data,
                   std::span<const std::uint8_t, metadata_size> metadata) {
    const auto prefix = chunk_prefix(nonce_of(metadata), index);
    return open(key, {prefix, data}, chunk, metadata);
}

std::vector<std::uint8_t> application_context(Bytes context) {
    // A tag and a count, two keys and the text "app", each with a length: well within 64 bytes.
    constexpr std::size_t overhead_max = 64;
    std::vector<std::uint8_t> storage(encoded_context(context).size() + overhead_max);
    codec::DictEncoder encoder{storage};
    encoder.encoded_value("context", encoded_context(context)).string("purpose", "app");
    storage.resize(encoder.encoded().size());
    return storage;
}

}  // namespace stt::stc
