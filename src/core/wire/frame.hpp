// Frames: the unit of encryption and acknowledgement. Spec protocol §3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stt/bytes.hpp>
#include <stt/result.hpp>

#include "core/wire/faults.hpp"

namespace stt::wire {

using SessionId = std::array<std::uint8_t, 8>;

enum class FrameType : std::uint8_t {
    handshake = 0x01,
    data = 0x02,
    control = 0x03,
    stream_control = 0x04,
    auth = 0x05,
};
// 0x06 to 0x7f: authenticated, acknowledged, ignored. 0x80 and up: the application's own.
inline constexpr std::uint8_t application_frame_type_min = 0x80;

namespace flag {
inline constexpr std::uint8_t stream_end = 0x04;
inline constexpr std::uint8_t message = 0x08;
inline constexpr std::uint8_t priority_high = 0x10;
inline constexpr std::uint8_t priority_low = 0x20;
inline constexpr std::uint8_t padded = 0x40;
inline constexpr std::uint8_t reserved = 0x01 | 0x02 | 0x80;
}  // namespace flag

inline constexpr std::size_t payload_size_max = 65'535;
inline constexpr std::size_t metadata_size_max = 255;
inline constexpr std::uint64_t stream_id_max = 65'535;
inline constexpr std::size_t session_tag_size = 16;
inline constexpr std::size_t handshake_tag_size = 32;

enum class MetadataKind : std::uint8_t { seed = 0x01, seed_with_hint = 0x02, session = 0x03 };

// A frame as parsed: views into the datagram, nothing decrypted yet.
struct FrameView {
    FrameType type{};  // may hold any value from 0x01 to 0xff
    SessionId session_id{};
    std::uint16_t stream_id = 0;
    std::uint64_t sequence = 0;
    std::uint8_t flags = 0;

    Bytes header;          // Magic to Payload Length inclusive
    MutableBytes payload;  // ciphertext
    Bytes metadata_head;   // the crypto metadata without its tag
    Bytes tag;             // 16 bytes for a session's frame, 32 for a handshake's

    MetadataKind kind{};
    Bytes hint;               // 8 bytes, only of kind seed_with_hint
    Bytes nonce;              // 16 bytes, not of kind session
    std::uint64_t epoch = 0;  // only of kind session

    std::size_t size = 0;  // of the whole frame
};

// Parses the frame at the front of `datagram` and checks all that §3 says can be
// checked without a key. After an error, reading of the datagram ends. Drops:
// frame_malformed (cut off, no Magic, a bad varint), frame_refused (all else).
Result<FrameView, DropReason> parse_frame(MutableBytes datagram) noexcept;

// What a sender chooses of a session's frame.
struct SessionFrameHeader {
    FrameType type = FrameType::data;
    SessionId session_id{};
    std::uint16_t stream_id = 0;
    std::uint64_t sequence = 0;
    std::uint8_t flags = 0;
    std::uint64_t epoch = 0;
};

// A frame laid out in the caller's buffer: all is written but payload and tag.
struct FrameLayout {
    Bytes header;
    MutableBytes payload;
    Bytes metadata_head;
    MutableBytes tag;
    std::size_t size = 0;
};

// Bytes that a session's frame has beside a payload of `payload_size`.
std::size_t session_frame_overhead(const SessionFrameHeader& header,
                                   std::size_t payload_size) noexcept;
// The largest payload whose frame fits into `room`, at most payload_size_max; 0 when none does.
std::size_t session_payload_size_max(const SessionFrameHeader& header, std::size_t room) noexcept;
// Lays out a frame at the front of `output`, which must have room for it. Borrows `output`.
FrameLayout lay_out_session_frame(const SessionFrameHeader& header, std::size_t payload_size,
                                  MutableBytes output) noexcept;

// The same for HANDSHAKE and AUTH: Stream ID 0, Sequence 0, Flags 0. `hint` is
// empty, or 8 bytes for a HELLO; `nonce` is 16 bytes.
std::size_t handshake_frame_overhead(std::size_t payload_size, bool has_hint) noexcept;
FrameLayout lay_out_handshake_frame(FrameType type, const SessionId& session_id, Bytes hint,
                                    Bytes nonce, std::size_t payload_size,
                                    MutableBytes output) noexcept;

// PADDED: takes off 0x80 0x00 … 0x00. No 0x80 is error 1. Spec protocol §3.
Result<Bytes, Violation> without_padding(Bytes plaintext) noexcept;
// Writes 0x80 0x00 … 0x00 behind the first `data_size` bytes, of which there must be fewer.
void write_padding(MutableBytes plaintext, std::size_t data_size) noexcept;

}  // namespace stt::wire
