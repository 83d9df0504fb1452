// The masking of payloads. RFC 6455 §5.3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>

namespace stt::websocket {

using MaskingKey = std::array<std::uint8_t, 4>;

// Byte i of a payload is XORed with byte i mod 4 of the key: masking and unmasking are one
// function. `offset` counts the payload's bytes before `data`, so that a payload may come in
// pieces of any size. No alignment is asked of anything.
void mask(MutableBytes data, const MaskingKey& key, std::size_t offset) noexcept;
// The same from `data` to `output`, which has its size and does not overlap it.
void mask_copy(MutableBytes output, Bytes data, const MaskingKey& key, std::size_t offset) noexcept;

}  // namespace stt::websocket
