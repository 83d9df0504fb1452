// What a stream carries, and the limits that go with it. Spec protocol §7.2, §9.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/stream_kind.hpp>

namespace stt::stream {

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
// Stream IDs that one side opens. Spec protocol §3.4.
inline constexpr std::uint64_t stream_limit_max = 32'767;
inline constexpr std::uint8_t priority_count = 8;

static_assert(session_credit_initial >= 2 * message_size_max);  // Spec protocol §9.2
// The length field of the largest message.
inline constexpr std::size_t message_length_size_max = 3;
// What a message costs beside its bytes while it waits: counted, so that many small ones cannot
// outgrow the limits that are given in bytes. Chosen: above what the containers take.
inline constexpr std::size_t message_overhead = 64;

}  // namespace stt::stream
