#include <algorithm>
#include <stt/decode_error.hpp>

#include "codec/reader.hpp"
#include "core/wire/frame.hpp"
#include "core/wire/frame_fields.hpp"

namespace stt::wire {
namespace {

using codec::Reader;

template <class T>
Result<T, DropReason> or_malformed(Result<T, DecodeError> value) noexcept {
    if (!value) return Unexpected(DropReason::frame_malformed);
    return *std::move(value);
}

// A varint and that many bytes. A size over the limit is refused, whether or not the bytes are
// there: nobody shall wait for them, or make room.
Result<Bytes, DropReason> sized(Reader& reader, std::size_t size_max) noexcept {
    STT_TRY(const std::uint64_t size, or_malformed(reader.varint()));
    if (size > size_max) return Unexpected(DropReason::frame_refused);
    return or_malformed(reader.bytes(static_cast<std::size_t>(size)));
}

// What an offset into the datagram separates, and the next one.
MutableBytes between(MutableBytes datagram, const std::uint8_t* first, std::size_t size) noexcept {
    return datagram.subspan(static_cast<std::size_t>(first - datagram.data()), size);
}

Result<void, DropReason> check_header(const FrameView& frame, std::uint64_t stream_id) noexcept {
    const auto type = static_cast<std::uint8_t>(frame.type);
    const bool is_refused =
        type == reserved_frame_type || (frame.flags & flag::reserved) != 0 ||
        stream_id > stream_id_max || (frame.type == FrameType::control && stream_id != 0) ||
        ((frame.type == FrameType::data || frame.type == FrameType::stream_control) &&
         stream_id == 0) ||
        (is_outside_session(frame.type) &&
         (stream_id != 0 || frame.sequence != 0 || frame.flags != 0));
    if (is_refused) return Unexpected(DropReason::frame_refused);
    return {};
}

Result<void, DropReason> split_session_metadata(FrameView& frame, Bytes metadata) noexcept {
    Reader reader(metadata.subspan(1));
    const auto epoch = reader.varint();
    if (!epoch || reader.remaining().size() != session_tag_size) {
        return Unexpected(DropReason::frame_refused);
    }
    frame.epoch = *epoch;
    frame.tag = metadata.last(session_tag_size);
    return {};
}

// 0x01 ‖ N ‖ T, or 0x02 ‖ hint ‖ N ‖ T.
Result<void, DropReason> split_seed_metadata(FrameView& frame, Bytes metadata) noexcept {
    const std::size_t hint_size = frame.kind == MetadataKind::seed_with_hint ? seed_hint_size : 0;
    if (metadata.size() != 1 + hint_size + seed_nonce_size + handshake_tag_size) {
        return Unexpected(DropReason::frame_refused);
    }
    frame.hint = metadata.subspan(1, hint_size);
    frame.nonce = metadata.subspan(1 + hint_size, seed_nonce_size);
    frame.tag = metadata.last(handshake_tag_size);
    return {};
}

// Kinds 1 and 2 occur only on HANDSHAKE and AUTH, kind 3 only on the others.
Result<void, DropReason> split_metadata(FrameView& frame, Bytes metadata) noexcept {
    if (metadata.empty()) return Unexpected(DropReason::frame_refused);
    frame.kind = static_cast<MetadataKind>(metadata.front());
    const bool is_session = frame.kind == MetadataKind::session;
    const bool is_seed =
        frame.kind == MetadataKind::seed || frame.kind == MetadataKind::seed_with_hint;
    if (!is_session && !is_seed) return Unexpected(DropReason::frame_refused);
    if (is_seed != is_outside_session(frame.type)) return Unexpected(DropReason::frame_refused);
    if (is_session) {
        STT_TRY_VOID(split_session_metadata(frame, metadata));
    } else {
        STT_TRY_VOID(split_seed_metadata(frame, metadata));
    }
    frame.metadata_head = metadata.first(metadata.size() - frame.tag.size());
    return {};
}

}  // namespace

Result<FrameView, DropReason> parse_frame(MutableBytes datagram) noexcept {
    Reader reader(datagram);
    FrameView frame;
    STT_TRY(const std::uint16_t read_magic, or_malformed(reader.u16()));
    if (read_magic != magic) return Unexpected(DropReason::frame_malformed);
    STT_TRY(const std::uint8_t type, or_malformed(reader.u8()));
    frame.type = static_cast<FrameType>(type);
    STT_TRY(const Bytes session_id, or_malformed(reader.bytes(frame.session_id.size())));
    std::copy(session_id.begin(), session_id.end(), frame.session_id.begin());
    STT_TRY(const std::uint64_t stream_id, or_malformed(reader.varint()));
    STT_TRY(frame.sequence, or_malformed(reader.varint()));
    STT_TRY(frame.flags, or_malformed(reader.u8()));
    STT_TRY(const Bytes payload, sized(reader, payload_size_max));
    STT_TRY(const Bytes metadata, sized(reader, metadata_size_max));

    STT_TRY_VOID(check_header(frame, stream_id));
    frame.stream_id = static_cast<std::uint16_t>(stream_id);
    STT_TRY_VOID(split_metadata(frame, metadata));
    frame.payload = between(datagram, payload.data(), payload.size());
    frame.header = datagram.first(static_cast<std::size_t>(payload.data() - datagram.data()));
    frame.size = datagram.size() - reader.remaining().size();
    return frame;
}

Result<Bytes, Violation> without_padding(Bytes plaintext) noexcept {
    std::size_t size = plaintext.size();
    while (size > 0 && plaintext[size - 1] == 0) --size;
    if (size == 0 || plaintext[size - 1] != padding_mark) {
        return Unexpected(Violation(ErrorCode::protocol, "padding without its mark"));
    }
    return plaintext.first(size - 1);
}

}  // namespace stt::wire
