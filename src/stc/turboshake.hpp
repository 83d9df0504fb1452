// TurboSHAKE128, the sponge under PHE and CKE. RFC 9861 §2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stt/bytes.hpp>

namespace stt::stc {

inline constexpr std::size_t lattice_size = 200;
// Bytes absorbed or squeezed per permutation; the capacity is 32 bytes. Spec stc "One
// permutation".
inline constexpr std::size_t rate = 168;

// A sponge that absorbs any number of pieces and then squeezes. A value: copying
// it forks the computation, which is how keyed states are cached. Wiped on destruction.
class TurboShake128 {
public:
    TurboShake128() noexcept = default;
    ~TurboShake128();
    TurboShake128(const TurboShake128&) noexcept = default;
    TurboShake128& operator=(const TurboShake128&) noexcept = default;

    void absorb(Bytes data) noexcept;
    // keyblock(K): varint(|K|) ‖ K, padded with zeros to whole blocks. Spec stc Notation.
    // Only at a block's start.
    void absorb_key_block(Bytes key) noexcept;
    // Ends the input. `domain` is 0x01 to 0x7f. Call once, before squeeze().
    void finish(std::uint8_t domain) noexcept;
    // The next bytes of the output, of which there is no end.
    void squeeze(MutableBytes output) noexcept;

    // The lattice as it is, for those who go on from it in a kernel.
    std::span<const std::uint8_t, lattice_size> state() const noexcept { return state_; }

private:
    std::array<std::uint8_t, lattice_size> state_{};
    // Where the block's next byte is absorbed, or squeezed.
    std::size_t offset_ = 0;
    bool is_finished_ = false;
};

// TurboSHAKE128(message, domain, |output|).
void turboshake128(Bytes message, std::uint8_t domain, MutableBytes output) noexcept;

}  // namespace stt::stc
