// PCF, Polymorphic Cryptographic Flow: the one-way key ratchet. Spec stc §PCF.
#pragma once

#include <cstdint>
#include <span>

#include "stc/cke.hpp"

namespace stt::stc {

// rotate(K, nonce, epoch). The caller wipes the old key when late frames no longer need it.
Key rotate(const Key& key, std::span<const std::uint8_t, 32> nonce, std::uint64_t epoch) noexcept;

}  // namespace stt::stc
