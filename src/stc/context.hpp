// What holds a shared seed. Spec stc §Context and §Stream contexts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <vector>

#include "stc/cke.hpp"
#include "stc/dsf.hpp"
#include "stc/random.hpp"

namespace stt::stc {

inline constexpr std::size_t seed_size_min = 16;
inline constexpr std::size_t seed_size_max = 4096;
inline constexpr std::size_t nonce_size = 16;
inline constexpr std::size_t seed_hint_size = 8;
// 0x01 ‖ N ‖ T.
inline constexpr std::size_t metadata_size = 1 + nonce_size + 32;

using Nonce = std::span<const std::uint8_t, nonce_size>;
using SeedHint = std::array<std::uint8_t, seed_hint_size>;
using Metadata = std::array<std::uint8_t, metadata_size>;

enum class SeedError { too_short, too_long };

// The keys that come from one seed; the seed itself is not kept. Wipes itself.
//
// Every `context` is the canonical encoding of a DICT. These are the protocol's own
// contexts: what an application asks for goes through application_context().
class Context {
public:
    static Result<Context, SeedError> create(Bytes seed) noexcept;
    Context(Context&&) noexcept = default;
    Context& operator=(Context&&) noexcept = default;

    // Context.hash(data, ctx, L): L is the size of `output`, 1 to 4,096.
    void hash(Bytes data, Bytes context, MutableBytes output) const noexcept;
    // Context.derive_key(ctx, L).
    void derive_key(Bytes context, MutableBytes output) const noexcept;
    Key derive_key(Bytes context) const noexcept;

    // Context.encrypt with N given: encrypts `data` in place. N must be fresh random
    // bytes; the split lets vectors fix it.
    Metadata encrypt(MutableBytes data, Bytes context, Nonce nonce) const;
    // Decrypts in place; false, and `data` wiped, when it does not open.
    [[nodiscard]] bool decrypt(MutableBytes data, Bytes context,
                               std::span<const std::uint8_t, metadata_size> metadata) const;

    // Context.seed_hint(N): finds the seed of a HELLO among many.
    SeedHint seed_hint(Nonce nonce) const noexcept;
    // The same for each of `contexts`, several side by side; as many `hints` as contexts.
    static void seed_hints(std::span<const Context* const> contexts, Nonce nonce,
                           std::span<SeedHint> hints) noexcept;

    // The key of a stream's chunks outside frames. Spec stc Stream contexts (c).
    Key chunk_key(std::span<const std::uint8_t, 8> session_id, std::uint32_t stream_id,
                  bool is_from_initiator) const noexcept;

private:
    Context(DerivationKey root, DerivationKey hash_key, FoldKey encrypt_key,
            DerivationKey derive_root) noexcept;

    DerivationKey root_;
    DerivationKey hash_key_;
    FoldKey encrypt_key_;
    DerivationKey derive_root_;
};

// encrypt_chunk and decrypt_chunk. Spec stc Stream contexts (c). In place; `data` is the
// caller's own.
Metadata encrypt_chunk(const FoldKey& key, MutableBytes chunk, std::uint64_t index, Bytes data,
                       Nonce nonce);
[[nodiscard]] bool decrypt_chunk(const FoldKey& key, MutableBytes chunk, std::uint64_t index,
                                 Bytes data, std::span<const std::uint8_t, metadata_size> metadata);

// {"purpose": "app", "context": …}: wraps what an application asks of a Context, so
// that it never meets the protocol's own contexts. `context` is a canonical value.
// Result: encoded bytes.
std::vector<std::uint8_t> application_context(Bytes context);

}  // namespace stt::stc
