#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/core/wire/raw_frame.hpp"

namespace stt::wire {
namespace {

bool is_equal(Bytes a, Bytes b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::vector<RawFrame> one_of_each_kind() {
    RawFrame stream_control;
    stream_control.type = 0x04;
    RawFrame application;
    application.type = 0x80;
    application.stream_id = 0;
    RawFrame wide;
    wide.stream_id = 65'535;
    wide.sequence = ~std::uint64_t{0};
    wide.flags = 0x7c;
    wide.payload.resize(300);
    wide.metadata = RawFrame::session_metadata(~std::uint64_t{0});
    return {RawFrame{},
            RawFrame::control(),
            stream_control,
            application,
            RawFrame::handshake(false),
            RawFrame::handshake(true),
            RawFrame::auth(),
            wide};
}

// Everything that a view says lies within the datagram, in its order.
void check_within(const FrameView& view, Bytes datagram) {
    CHECK(view.size <= datagram.size());
    CHECK(view.header.data() == datagram.data());
    CHECK(view.payload.data() == view.header.data() + view.header.size());
    CHECK(view.metadata_head.data() >= view.payload.data() + view.payload.size());
    CHECK(view.tag.data() == view.metadata_head.data() + view.metadata_head.size());
    CHECK(view.tag.data() + view.tag.size() == datagram.data() + view.size);
}

}  // namespace

TEST_CASE("protocol §3.1, §3.6 (d): the fields of a session's frame are found") {
    RawFrame raw;
    raw.flags =
        flag::stream_end | flag::message | flag::priority_high | flag::priority_low | flag::padded;
    raw.stream_id = 300;
    raw.sequence = 1'000'000;
    raw.metadata = RawFrame::session_metadata(5'000);
    ByteVector datagram = raw.bytes();
    const auto view = parse_frame(datagram);
    REQUIRE(view);
    CHECK(view->type == FrameType::data);
    CHECK(view->session_id == raw.session_id);
    CHECK(view->stream_id == 300);
    CHECK(view->sequence == 1'000'000);
    CHECK(view->flags == raw.flags);
    CHECK(view->kind == MetadataKind::session);
    CHECK(view->epoch == 5'000);
    CHECK(is_equal(view->payload, raw.payload));
    CHECK(is_equal(view->metadata_head, Bytes(raw.metadata).first(3)));
    CHECK(is_equal(view->tag, Bytes(raw.metadata).last(16)));
    CHECK(view->hint.empty());
    CHECK(view->nonce.empty());
    CHECK(view->size == datagram.size());
    check_within(*view, datagram);
    // The header is the frame's bytes up to and with the payload's length.
    CHECK(view->header.size() == 2 + 1 + 8 + 2 + 3 + 1 + 1);
}

TEST_CASE("protocol §3.1, §3.6 (b)(c): hint, nonce and tag of a handshake's frame are found") {
    for (const bool has_hint : {false, true}) {
        const RawFrame raw = RawFrame::handshake(has_hint);
        ByteVector datagram = raw.bytes();
        const auto view = parse_frame(datagram);
        REQUIRE(view);
        CHECK(view->kind == (has_hint ? MetadataKind::seed_with_hint : MetadataKind::seed));
        const std::size_t hint_size = has_hint ? 8 : 0;
        CHECK(is_equal(view->hint, Bytes(raw.metadata).subspan(1, hint_size)));
        CHECK(is_equal(view->nonce, Bytes(raw.metadata).subspan(1 + hint_size, 16)));
        CHECK(is_equal(view->metadata_head, Bytes(raw.metadata).first(1 + hint_size + 16)));
        CHECK(is_equal(view->tag, Bytes(raw.metadata).last(32)));
        check_within(*view, datagram);
    }
}

TEST_CASE("protocol §3.2 (a): frames delimit themselves, back to back in one datagram") {
    ByteVector datagram;
    const std::vector<RawFrame> frames = one_of_each_kind();
    for (const RawFrame& frame : frames) {
        const ByteVector bytes = frame.bytes();
        datagram.insert(datagram.end(), bytes.begin(), bytes.end());
    }
    MutableBytes rest(datagram);
    for (const RawFrame& frame : frames) {
        const auto view = parse_frame(rest);
        REQUIRE(view);
        CHECK(view->size == frame.bytes().size());
        rest = rest.subspan(view->size);
    }
    CHECK(rest.empty());
}

TEST_CASE("protocol §3.2 (b): every truncation of every kind is refused") {
    for (const RawFrame& frame : one_of_each_kind()) {
        const ByteVector bytes = frame.bytes();
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            ByteVector cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
            const auto view = parse_frame(cut);
            REQUIRE(!view);
            CHECK(view.error() == DropReason::frame_malformed);
        }
        CHECK(frame.is_taken());
    }
}

TEST_CASE(
    "protocol §3.2 (b): a frame with any bit flipped is refused or stays within its datagram") {
    for (const RawFrame& frame : one_of_each_kind()) {
        const ByteVector bytes = frame.bytes();
        for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            ByteVector flipped = bytes;
            flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
            const ByteVector before = flipped;
            const auto view = parse_frame(flipped);
            CHECK(flipped == before);
            if (view) check_within(*view, flipped);
        }
    }
}

TEST_CASE("protocol §3.2 (b): seeded random bytes are refused or stay within their datagram") {
    test::Seeded seeded(6);
    std::size_t taken = 0;
    for (int i = 0; i < 100'000; ++i) {
        ByteVector bytes = seeded.bytes(30 + seeded.below(60));
        bytes[0] = 0x53;
        bytes[1] = 0x54;
        bytes[2] = static_cast<std::uint8_t>(seeded.below(8));
        bytes[11] &= 0x03;
        bytes[12] &= 0x7f;
        bytes[13] &= 0x1c;
        bytes[14] = static_cast<std::uint8_t>(seeded.below(12));
        const std::size_t metadata = 15 + bytes[14];
        bytes[metadata] = 18;
        bytes[metadata + 1] = 3;
        bytes[metadata + 2] &= 0x7f;
        const auto view = parse_frame(bytes);
        if (!view) continue;
        ++taken;
        check_within(*view, bytes);
    }
    CHECK(taken > 100);
}

TEST_CASE("protocol §3.1: another Magic is no frame") {
    RawFrame frame;
    for (const ByteVector& magic :
         {ByteVector{0x54, 0x53}, ByteVector{0x53, 0x53}, ByteVector{0, 0}}) {
        frame.magic = magic;
        CHECK(frame.is_malformed());
    }
}

TEST_CASE(
    "protocol §3.3 (a), §3.4 (b)(e): every type but RESERVED is taken on the stream where it "
    "belongs") {
    for (unsigned type = 0; type < 256; ++type) {
        RawFrame frame;
        frame.type = static_cast<std::uint8_t>(type);
        const bool is_outside = type == 0x01 || type == 0x05;
        if (is_outside) {
            frame = RawFrame::handshake(false);
            frame.type = static_cast<std::uint8_t>(type);
        }
        frame.stream_id = 0;
        CAPTURE(type);
        CHECK(frame.is_taken() == (type != 0x00 && type != 0x02 && type != 0x04));
        frame.stream_id = 1;
        CHECK(frame.is_taken() == (type != 0x00 && type != 0x03 && !is_outside));
        if (!frame.is_taken()) CHECK(frame.is_refused());
    }
}

TEST_CASE("protocol §3.4 (a): Stream IDs end at 65535") {
    RawFrame frame;
    for (const std::uint64_t stream : {65'534u, 65'535u}) {
        frame.stream_id = stream;
        CHECK(frame.parse()->stream_id == stream);
    }
    for (const std::uint64_t stream : {std::uint64_t{65'536}, std::uint64_t{65'537},
                                       std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
        frame.stream_id = stream;
        CHECK(frame.is_refused());
    }
}

TEST_CASE("protocol §3.5 (e): a frame with a reserved flag is refused") {
    RawFrame frame;
    for (unsigned flags = 0; flags < 256; ++flags) {
        frame.flags = static_cast<std::uint8_t>(flags);
        const bool has_reserved = (flags & 0x83) != 0;
        CHECK(frame.is_taken() != has_reserved);
        if (has_reserved) CHECK(frame.is_refused());
    }
}

TEST_CASE("protocol §3.4 (d): HANDSHAKE and AUTH have Stream ID 0, Sequence 0, Flags 0") {
    for (const RawFrame& good :
         {RawFrame::handshake(false), RawFrame::handshake(true), RawFrame::auth()}) {
        CHECK(good.is_taken());
        RawFrame frame = good;
        frame.stream_id = 1;
        CHECK(frame.is_refused());
        frame = good;
        frame.sequence = 1;
        CHECK(frame.is_refused());
        for (const unsigned flags : {0x04u, 0x08u, 0x10u, 0x20u, 0x40u}) {
            frame = good;
            frame.flags = static_cast<std::uint8_t>(flags);
            CHECK(frame.is_refused());
        }
    }
}

TEST_CASE(
    "protocol §3.7 (a): kinds 1 and 2 occur only on HANDSHAKE and AUTH, kind 3 only on others") {
    for (RawFrame frame : {RawFrame{}, RawFrame::control()}) {
        for (const bool has_hint : {false, true}) {
            frame.metadata = RawFrame::seed_metadata(has_hint);
            CHECK(frame.is_refused());
        }
    }
    for (RawFrame frame : {RawFrame::handshake(false), RawFrame::auth()}) {
        frame.metadata = RawFrame::session_metadata(0);
        CHECK(frame.is_refused());
        frame.metadata = RawFrame::seed_metadata(true);
        CHECK(frame.is_taken());
    }
    for (unsigned kind = 0; kind < 256; ++kind) {
        RawFrame frame;
        frame.metadata[0] = static_cast<std::uint8_t>(kind);
        CHECK(frame.is_taken() == (kind == 3));
        frame = RawFrame::handshake(false);
        frame.metadata[0] = static_cast<std::uint8_t>(kind);
        CHECK(frame.is_taken() == (kind == 1));
    }
}

TEST_CASE("protocol §3.7 (a): metadata of n - 1 and n + 1 bytes is refused") {
    for (int bits = 0; bits < 64; bits += 7) {
        RawFrame frame;
        const std::uint64_t epoch = (std::uint64_t{1} << bits) - (bits == 0 ? 1 : 0);
        frame.metadata = RawFrame::session_metadata(epoch);
        CHECK(frame.metadata.size() >= 18);
        CHECK(frame.metadata.size() <= 27);
        CHECK(frame.parse()->epoch == epoch);
        for (const std::size_t tag_size : {15u, 17u}) {
            frame.metadata = RawFrame::session_metadata(epoch, tag_size);
            CHECK(frame.is_refused());
        }
    }
    for (const bool has_hint : {false, true}) {
        RawFrame frame = RawFrame::handshake(has_hint);
        frame.metadata.pop_back();
        CHECK(frame.is_refused());
        frame = RawFrame::handshake(has_hint);
        frame.metadata.push_back(0);
        CHECK(frame.is_refused());
    }
    RawFrame frame;
    frame.metadata.clear();
    CHECK(frame.is_refused());
    // An epoch in a longer form than it needs.
    frame.metadata = ByteVector{0x03, 0x80, 0x00};
    frame.metadata.resize(19);
    CHECK(frame.is_refused());
}

TEST_CASE(
    "protocol §3.8: payloads end at 65535 bytes, and more is refused before it is waited for") {
    RawFrame frame;
    for (const std::size_t size : {65'534u, 65'535u}) {
        frame.payload.assign(size, 1);
        CHECK(frame.is_taken());
    }
    frame.payload.assign(65'536, 1);
    CHECK(frame.is_refused());
    frame.payload.clear();
    CHECK(frame.is_taken());
    frame.payload_size = 65'536;
    CHECK(frame.is_refused());
    frame.payload_size = ~std::uint64_t{0};
    CHECK(frame.is_refused());
    frame.payload_size = 65'535;
    CHECK(frame.is_malformed());
}

TEST_CASE(
    "protocol §3.8: metadata ends at 255 bytes, and more is refused before it is waited for") {
    RawFrame frame;
    frame.metadata_size = 256;
    CHECK(frame.is_refused());
    frame.metadata_size = ~std::uint64_t{0};
    CHECK(frame.is_refused());
    frame.metadata_size = 255;
    CHECK(frame.is_malformed());
    frame = RawFrame{};
    frame.metadata.resize(255);
    CHECK(frame.is_refused());
}

TEST_CASE("protocol §3.5 (d): padding is taken off, and without its mark it is error 1") {
    const auto unpadded = [](ByteVector bytes) {
        const auto result = without_padding(bytes);
        return result ? static_cast<std::ptrdiff_t>(result->size()) : -1;
    };
    CHECK(unpadded({0x80}) == 0);
    CHECK(unpadded({0x80, 0, 0, 0}) == 0);
    CHECK(unpadded({1, 2, 0x80, 0, 0}) == 2);
    CHECK(unpadded({1, 0x80, 0x80}) == 2);
    CHECK(unpadded({0, 0, 0x80, 0}) == 2);
    CHECK(unpadded({}) == -1);
    CHECK(unpadded({0, 0, 0}) == -1);
    CHECK(unpadded({0x80, 1}) == -1);
    CHECK(unpadded({0x80, 0, 0x81, 0}) == -1);
    const ByteVector zeros(4);
    CHECK(without_padding(zeros).error().code == ErrorCode::protocol);
}

TEST_CASE("protocol §3.5 (d): what write_padding() adds without_padding() takes off") {
    test::Seeded seeded(7);
    for (std::size_t size = 1; size < 200; ++size) {
        const std::size_t data_size = seeded.below(size);
        const ByteVector data = seeded.bytes(data_size);
        ByteVector padded = seeded.bytes(size);
        std::copy(data.begin(), data.end(), padded.begin());
        write_padding(padded, data_size);
        const auto unpadded = without_padding(padded);
        REQUIRE(unpadded);
        CHECK(is_equal(*unpadded, data));
    }
}

}  // namespace stt::wire
