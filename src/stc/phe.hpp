// PHE, the Probabilistic Hashing Engine: context-dependent digests. Spec stc §PHE.
//
// A context is the canonical encoding of a DICT (Spec protocol §2); empty bytes
// stand for the empty dict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>
#include <stt/content_digest.hpp>

#include "stc/cke.hpp"
#include "stc/turboshake.hpp"

namespace stt::stc {

inline constexpr std::size_t digest_size_default = 32;
// As derive's. Spec stc §CKE.
inline constexpr std::size_t digest_size_max = 4096;

// digest(data, context, L), incremental: update() any number of times, then finish() once.
class Digest {
public:
    explicit Digest(Bytes context) noexcept;
    void update(Bytes data) noexcept;
    // Fills `output`, of 1 to 4,096 bytes. The object may not be used afterwards.
    void finish(MutableBytes output) noexcept;

private:
    TurboShake128 sponge_;
};

// keyed_digest(K, data, context, L). `key` is of 16 to 4,096 bytes.
class KeyedDigest {
public:
    KeyedDigest(Bytes key, Bytes context) noexcept;
    // The same from the state after the key's block.
    KeyedDigest(const DerivationKey& key, Bytes context) noexcept;
    void update(Bytes data) noexcept;
    void finish(MutableBytes output) noexcept;

private:
    TurboShake128 sponge_;
};

void digest(Bytes data, Bytes context, MutableBytes output) noexcept;
void keyed_digest(Bytes key, Bytes data, Bytes context, MutableBytes output) noexcept;

// content_digest(data) = KT128(data, "", 32), for files and chunks, incremental.
using stt::ContentDigest;

// KT128 with a customization string and any output size. RFC 9861 §3.2.
void kt128(Bytes message, Bytes customization, MutableBytes output);

}  // namespace stt::stc
