// DSF, Data-State Folding: authenticated encryption, TurboSHAKE128-Wrap. Spec stc §DSF.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stt/bytes.hpp>

#include "base/secret.hpp"
#include "stc/cke.hpp"
#include "stc/turboshake.hpp"

namespace stt::stc {

// Plaintext bytes folded per permutation.
inline constexpr std::size_t fold_rate = 160;

// The keyed state od(K, 1) on zeros: made once for each key, copied for each frame. Wipes itself.
class FoldKey {
public:
    explicit FoldKey(const Key& key) noexcept;
    FoldKey(FoldKey&& other) noexcept = default;
    FoldKey& operator=(FoldKey&& other) noexcept = default;

    std::span<const std::uint8_t, lattice_size> state() const noexcept { return state_.bytes(); }

private:
    Secret<lattice_size> state_;
};

// One message to encrypt. All spans are borrowed for the call.
struct FoldJob {
    const FoldKey* key = nullptr;
    // A is these two, one after the other; together at least 1 byte. No (key, A)
    // may ever fold two different messages: A carries the nonce.
    std::array<Bytes, 2> associated_data;
    MutableBytes data;  // plaintext before, ciphertext after; may be empty
    MutableBytes tag;   // 16 or 32 bytes, written
};

// One message to decrypt.
struct UnfoldJob {
    const FoldKey* key = nullptr;
    std::array<Bytes, 2> associated_data;
    MutableBytes data;  // ciphertext before; after: plaintext, or zeros when it did not open
    Bytes tag;          // 16 or 32 bytes
    bool is_opened = false;
};

void fold(const FoldJob& job) noexcept;
// True when the tag is right. Constant time in keys, data and tag.
[[nodiscard]] bool unfold(UnfoldJob& job) noexcept;

// The same for independent jobs, several side by side in vector registers where
// the processor has them. Jobs of like length go best together; the order of the
// jobs does not matter. Same bytes as one by one. Any number of jobs.
void fold_many(std::span<FoldJob> jobs) noexcept;
void unfold_many(std::span<UnfoldJob> jobs) noexcept;

// True when both are equal; the time taken depends on the size alone.
[[nodiscard]] bool equal_constant_time(Bytes a, Bytes b) noexcept;

}  // namespace stt::stc
