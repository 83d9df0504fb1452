#include <algorithm>
#include <cstring>
#include <stt/check.hpp>

#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "core/wire/frame.hpp"
#include "core/wire/frame_fields.hpp"

namespace stt::wire {
namespace {

using codec::varint_size;
using codec::Writer;

// Magic, Type, Session ID and Flags.
constexpr std::size_t fixed_size = 2 + 1 + 8 + 1;

// The metadata without its tag: the kind and the epoch.
std::size_t session_metadata_head_size(std::uint64_t epoch) noexcept {
    return 1 + varint_size(epoch);
}

std::size_t seed_metadata_head_size(bool has_hint) noexcept {
    return 1 + (has_hint ? seed_hint_size : 0) + seed_nonce_size;
}

// The bytes beside the payload and the length that counts it.
std::size_t session_frame_rest_size(const SessionFrameHeader& header) noexcept {
    const std::size_t metadata_size = session_metadata_head_size(header.epoch) + session_tag_size;
    return fixed_size + varint_size(header.stream_id) + varint_size(header.sequence) +
           varint_size(metadata_size) + metadata_size;
}

Bytes write_header(Writer& writer, const SessionFrameHeader& header,
                   std::size_t payload_size) noexcept {
    STT_CHECK(payload_size <= payload_size_max);
    writer.u16(magic);
    writer.u8(static_cast<std::uint8_t>(header.type));
    writer.bytes(header.session_id);
    writer.varint(header.stream_id);
    writer.varint(header.sequence);
    writer.u8(header.flags);
    writer.varint(payload_size);
    return writer.written();
}

// The tag's place, behind a metadata head of `head_size` bytes that begins at `head`.
void finish(Writer& writer, FrameLayout& layout, const std::uint8_t* head, std::size_t head_size,
            std::size_t tag_size) noexcept {
    layout.metadata_head = Bytes(head, head_size);
    layout.tag = writer.skip(tag_size);
    layout.size = writer.size();
}

}  // namespace

std::size_t session_frame_overhead(const SessionFrameHeader& header,
                                   std::size_t payload_size) noexcept {
    return session_frame_rest_size(header) + varint_size(payload_size);
}

std::size_t session_payload_size_max(const SessionFrameHeader& header, std::size_t room) noexcept {
    const std::size_t rest = session_frame_rest_size(header);
    if (room <= rest) return 0;
    // A length field of one byte more may cost a payload more than it lets it grow.
    constexpr std::size_t one_byte_max = 127;
    constexpr std::size_t two_byte_max = 16'383;
    static_assert(codec::varint_size(payload_size_max) == 3);
    std::size_t size_max = room - rest - 1;
    if (size_max > one_byte_max) size_max = std::max(size_max - 1, one_byte_max);
    if (size_max > two_byte_max) size_max = std::max(size_max - 1, two_byte_max);
    return std::min(size_max, payload_size_max);
}

FrameLayout lay_out_session_frame(const SessionFrameHeader& header, std::size_t payload_size,
                                  MutableBytes output) noexcept {
    STT_CHECK(!is_outside_session(header.type));
    Writer writer(output);
    FrameLayout layout;
    layout.header = write_header(writer, header, payload_size);
    layout.payload = writer.skip(payload_size);
    const std::size_t head_size = session_metadata_head_size(header.epoch);
    writer.varint(head_size + session_tag_size);
    const std::uint8_t* const head = output.data() + writer.size();
    writer.u8(static_cast<std::uint8_t>(MetadataKind::session));
    writer.varint(header.epoch);
    finish(writer, layout, head, head_size, session_tag_size);
    return layout;
}

std::size_t handshake_frame_overhead(std::size_t payload_size, bool has_hint) noexcept {
    const std::size_t metadata_size = seed_metadata_head_size(has_hint) + handshake_tag_size;
    return fixed_size + varint_size(0) + varint_size(0) + varint_size(payload_size) +
           varint_size(metadata_size) + metadata_size;
}

FrameLayout lay_out_handshake_frame(FrameType type, const SessionId& session_id, Bytes hint,
                                    Bytes nonce, std::size_t payload_size,
                                    MutableBytes output) noexcept {
    STT_CHECK(is_outside_session(type));
    STT_CHECK(hint.empty() || hint.size() == seed_hint_size);
    STT_CHECK(nonce.size() == seed_nonce_size);
    Writer writer(output);
    FrameLayout layout;
    layout.header = write_header(writer, {.type = type, .session_id = session_id}, payload_size);
    layout.payload = writer.skip(payload_size);
    const bool has_hint = !hint.empty();
    const std::size_t head_size = seed_metadata_head_size(has_hint);
    writer.varint(head_size + handshake_tag_size);
    const std::uint8_t* const head = output.data() + writer.size();
    writer.u8(
        static_cast<std::uint8_t>(has_hint ? MetadataKind::seed_with_hint : MetadataKind::seed));
    writer.bytes(hint);
    writer.bytes(nonce);
    finish(writer, layout, head, head_size, handshake_tag_size);
    return layout;
}

void write_padding(MutableBytes plaintext, std::size_t data_size) noexcept {
    STT_CHECK(data_size < plaintext.size());
    const MutableBytes padding = plaintext.subspan(data_size);
    std::memset(padding.data(), 0, padding.size());
    padding.front() = padding_mark;
}

}  // namespace stt::wire
