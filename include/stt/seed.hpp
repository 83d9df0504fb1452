// The secret that two nodes share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/secret.hpp>

namespace stt {

// A seed has 16 to 4,096 bytes, with at least 128 bits of entropy; the tools make 32
// random ones. STC does not stretch: a passphrase is not a seed. Spec stc §Context.
inline constexpr std::size_t seed_size_min = 16;
inline constexpr std::size_t seed_size_max = 4096;

using Seed = SecretBytes;

// Names a seed within one node, for as long as the node lives.
enum class SeedId : std::uint64_t {};

// 32 bytes from the operating system.
Seed random_seed();

// From hex digits of either case, with white space around them allowed. Null when
// the text has anything else, or gives fewer or more bytes than a seed may have.
std::optional<Seed> seed_from_hex(std::string_view text);

}  // namespace stt
