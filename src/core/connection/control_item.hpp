#pragma once

#include <cstdint>

namespace stt::connection {

// Session-wide CONTROL messages, as bits: what waits to be sent, and what a frame carried.
// FLOW_CREDIT, STREAM_LIMIT and KEY_ROTATION are resent until acknowledged. Spec protocol §8.2.
namespace control_item {
inline constexpr std::uint32_t flow_credit = 1u << 0;
inline constexpr std::uint32_t stream_limit = 1u << 1;
inline constexpr std::uint32_t key_rotation = 1u << 2;  // Cargo::use is the epoch it ends
inline constexpr std::uint32_t observed_address = 1u << 3;
inline constexpr std::uint32_t ack = 1u << 4;      // Cargo::value is its largest
inline constexpr std::uint32_t credits = 1u << 5;  // Cargo::offset is the batch's number
}  // namespace control_item

}  // namespace stt::connection
