// CKE, Contextual Key Emergence: keys derived from a key and a context. Spec stc §CKE.
#pragma once

#include <cstddef>
#include <span>
#include <stt/bytes.hpp>

#include "base/secret.hpp"
#include "stc/turboshake.hpp"

namespace stt::stc {

inline constexpr std::size_t derive_key_size_min = 16;
inline constexpr std::size_t derive_key_size_max = 4096;
inline constexpr std::size_t derive_output_size_max = 4096;

using Key = Secret<32>;

// The state after a key's block, from which keys are derived; for a key of up to
// 166 bytes a derivation is one permutation. Wipes itself.
class DerivationKey {
public:
    // `key` is of 16 to 4,096 bytes: anything else breaks an STT_CHECK.
    explicit DerivationKey(Bytes key) noexcept;
    explicit DerivationKey(const Key& key) noexcept : DerivationKey(Bytes{key.bytes()}) {}
    DerivationKey(DerivationKey&&) noexcept = default;
    DerivationKey& operator=(DerivationKey&&) noexcept = default;

    // derive(K, context, L): `context` is a canonical DICT, `output` 1 to 4,096 bytes.
    void derive(Bytes context, MutableBytes output) const noexcept;
    Key derive_key(Bytes context) const noexcept;

    // derive() with one context for many keys, several side by side in vector registers where
    // the processor has them. `output` is divided among the keys, in their order and equally.
    static void derive_many(std::span<const DerivationKey* const> keys, Bytes context,
                            MutableBytes output) noexcept;

    // The keyed state itself: for keyed digests, and for derivations side by side.
    const TurboShake128& sponge() const noexcept { return keyed_; }
    std::span<const std::uint8_t, lattice_size> state() const noexcept { return keyed_.state(); }

private:
    TurboShake128 keyed_;
};

}  // namespace stt::stc
