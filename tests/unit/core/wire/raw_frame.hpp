// Frames put together by hand, so that every field can be wrong.
#pragma once

#include <optional>

#include "codec/writer.hpp"
#include "core/wire/frame.hpp"
#include "tests/unit/codec/seeded.hpp"

namespace stt::wire {

using test::ByteVector;

struct RawFrame {
    ByteVector magic{0x53, 0x54};
    std::uint8_t type = 0x02;
    SessionId session_id{1, 2, 3, 4, 5, 6, 7, 8};
    std::uint64_t stream_id = 1;
    std::uint64_t sequence = 77;
    std::uint8_t flags = 0;
    ByteVector payload{0xaa, 0xbb, 0xcc};
    ByteVector metadata = session_metadata(0);
    // What the length fields claim, when not the truth.
    std::optional<std::uint64_t> payload_size;
    std::optional<std::uint64_t> metadata_size;

    static ByteVector session_metadata(std::uint64_t epoch, std::size_t tag_size = 16) {
        ByteVector bytes(11 + tag_size, 0x77);
        codec::Writer writer(bytes);
        writer.u8(0x03);
        writer.varint(epoch);
        bytes.resize(writer.size() + tag_size);
        return bytes;
    }
    // 0x01 ‖ N ‖ T, or 0x02 ‖ hint ‖ N ‖ T.
    static ByteVector seed_metadata(bool has_hint) {
        ByteVector bytes(has_hint ? 57 : 49);
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
        bytes[0] = has_hint ? 0x02 : 0x01;
        return bytes;
    }
    static RawFrame handshake(bool has_hint) {
        RawFrame frame;
        frame.type = 0x01;
        frame.stream_id = 0;
        frame.sequence = 0;
        frame.metadata = seed_metadata(has_hint);
        return frame;
    }
    static RawFrame auth() {
        RawFrame frame = handshake(false);
        frame.type = 0x05;
        return frame;
    }
    static RawFrame control() {
        RawFrame frame;
        frame.type = 0x03;
        frame.stream_id = 0;
        return frame;
    }

    ByteVector bytes() const {
        ByteVector output(100 + payload.size() + metadata.size());
        codec::Writer writer(output);
        writer.bytes(magic);
        writer.u8(type);
        writer.bytes(session_id);
        writer.varint(stream_id);
        writer.varint(sequence);
        writer.u8(flags);
        writer.varint(payload_size.value_or(payload.size()));
        writer.bytes(payload);
        writer.varint(metadata_size.value_or(metadata.size()));
        writer.bytes(metadata);
        output.resize(writer.size());
        return output;
    }

    Result<FrameView, DropReason> parse() const {
        ByteVector datagram = bytes();
        auto view = parse_frame(datagram);
        if (view) {
            // The views die with the datagram: only values may be looked at.
            view->header = view->metadata_head = view->tag = view->hint = view->nonce = {};
            view->payload = {};
        }
        return view;
    }
    bool is_taken() const { return parse().has_value(); }
    bool is_refused() const {
        const auto view = parse();
        return !view && view.error() == DropReason::frame_refused;
    }
    bool is_malformed() const {
        const auto view = parse();
        return !view && view.error() == DropReason::frame_malformed;
    }
};

}  // namespace stt::wire
