// What a stream carries, and the limits that go with it. Spec protocol §7.2, §9.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stt::stream {

// The values are OPEN's. Spec protocol §7.2.
enum class StreamKind : std::uint8_t {
    bytes = 0,      // reliable, ordered bytes
    messages = 1,   // reliable whole messages, each as soon as it is complete
    datagrams = 2,  // unreliable whole messages, each in one frame
    expiring = 3,   // whole messages, given up at their deadline
};
inline constexpr std::uint64_t stream_kind_count = 4;

constexpr bool has_messages(StreamKind kind) noexcept {
    return kind != StreamKind::bytes;
}
// DATAGRAMS have no credit and are not in the session's total. Spec protocol §7.2.
constexpr bool is_credited(StreamKind kind) noexcept {
    return kind != StreamKind::datagrams;
}

// Credit that each direction of a stream, and of a session, begins with. Spec protocol §9.1.
inline constexpr std::uint64_t stream_credit_initial = 65'536;
inline constexpr std::uint64_t session_credit_initial = 2'097'152;
// Streams that a peer may have opened before the first STREAM_LIMIT. Spec protocol §8.1.
inline constexpr std::uint64_t stream_limit_initial = 128;
// Spec protocol §8.1, OPEN. Chosen: the middle that carries no hint for relays.
inline constexpr std::uint8_t priority_default = 3;
inline constexpr std::uint8_t priority_count = 8;

// A message with its length field. Spec protocol §9.3.
inline constexpr std::size_t message_size_max = 1'048'576;
static_assert(session_credit_initial >= 2 * message_size_max);  // Spec protocol §9.2
// The length field of the largest message.
inline constexpr std::size_t message_length_size_max = 3;
// What a message costs beside its bytes while it waits: counted, so that many small ones cannot
// outgrow the limits that are given in bytes. Chosen: above what the containers take.
inline constexpr std::size_t message_overhead = 64;

}  // namespace stt::stream
