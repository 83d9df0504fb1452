#include "core/websocket/frame.hpp"

#include <doctest/doctest.h>

#include "core/websocket/close_code.hpp"
#include "tests/unit/core/websocket/channel_testing.hpp"

namespace stt::websocket {
namespace {

constexpr std::uint64_t sizes[] = {
    0, 1, 125, 126, 127, 0xfffe, 0xffff, 0x10000, 0x10001, 0xffff'ffff, 0x7fff'ffff'ffff'ffff};

std::optional<FrameError> error_of(const ByteVector& bytes, Role receiver = Role::client) {
    FrameHeader header;
    const auto size = parse_frame_header(bytes, receiver, header);
    return size ? std::nullopt : std::optional(size.error());
}
bool needs_more(Bytes bytes, Role receiver = Role::client) {
    FrameHeader header;
    const auto size = parse_frame_header(bytes, receiver, header);
    return size && *size == 0;
}

}  // namespace

TEST_CASE("RFC 6455 §5.2: a header is read as it was written, and every truncation asks for more") {
    for (const std::uint64_t size : sizes) {
        for (const bool is_masked : {false, true}) {
            for (const Opcode opcode : {Opcode::continuation, Opcode::text, Opcode::binary}) {
                for (const bool is_final : {false, true}) {
                    FrameHeader header{opcode, is_final, std::nullopt, size};
                    if (is_masked) header.key = MaskingKey{9, 8, 7, 6};
                    ByteVector bytes(frame_header_size(header));
                    REQUIRE(write_frame_header(header, bytes) == bytes.size());
                    const Role receiver = is_masked ? Role::server : Role::client;
                    FrameHeader read;
                    read.key = MaskingKey{1};
                    const auto parsed = parse_frame_header(bytes, receiver, read);
                    REQUIRE(parsed);
                    CHECK(*parsed == bytes.size());
                    CHECK(read.opcode == opcode);
                    CHECK(read.is_final == is_final);
                    CHECK(read.key == header.key);
                    CHECK(read.payload_size == size);
                    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
                        CHECK(needs_more(Bytes(bytes).first(cut), receiver));
                    }
                }
            }
        }
    }
}

TEST_CASE("RFC 6455 §5.2: headers are 2 to 14 bytes") {
    FrameHeader header;
    CHECK(frame_header_size(header) == 2);
    header.payload_size = 126;
    CHECK(frame_header_size(header) == 4);
    header.payload_size = 0x10000;
    CHECK(frame_header_size(header) == 10);
    header.key = MaskingKey{};
    CHECK(frame_header_size(header) == frame_header_size_max);
}

TEST_CASE("RFC 6455 §5.2: reserved bits and unknown opcodes are refused at the first byte") {
    for (unsigned first = 0; first < 256; ++first) {
        CAPTURE(first);
        const ByteVector bytes{static_cast<std::uint8_t>(first)};
        const unsigned opcode = first & 0x0f;
        const bool is_known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
        if ((first & 0x70) != 0) {
            CHECK(error_of(bytes) == FrameError::reserved_bit);
        } else if (!is_known) {
            CHECK(error_of(bytes) == FrameError::opcode_unknown);
        } else if (opcode >= 8 && (first & 0x80) == 0) {
            CHECK(error_of(bytes) == FrameError::control_fragmented);
        } else {
            CHECK(needs_more(bytes));
        }
    }
}

TEST_CASE("protocol §13.2 (d): control frames are at most 125 bytes") {
    for (const std::uint8_t first : ByteVector{0x88, 0x89, 0x8a}) {
        CHECK(!error_of({first, 124}));
        CHECK(!error_of({first, 125}));
        CHECK(error_of({first, 126}) == FrameError::control_too_long);
        CHECK(error_of({first, 127}) == FrameError::control_too_long);
        CHECK(error_of({first, 0x80 | 126}, Role::server) == FrameError::control_too_long);
    }
    CHECK(!error_of({0x82, 126}));
}

TEST_CASE("protocol §13.2 (c): clients mask, and servers refuse what is not masked") {
    CHECK(error_of({0x82, 0x01}, Role::server) == FrameError::mask_missing);
    CHECK(!error_of({0x82, 0x81}, Role::server));
    CHECK(error_of({0x82, 0x81}, Role::client) == FrameError::mask_forbidden);
    CHECK(!error_of({0x82, 0x01}, Role::client));
}

TEST_CASE("RFC 6455 §5.2: a length is in its shortest form") {
    CHECK(error_of({0x82, 126, 0, 0}) == FrameError::length_not_shortest);
    CHECK(error_of({0x82, 126, 0, 125}) == FrameError::length_not_shortest);
    CHECK(!error_of({0x82, 126, 0, 126}));
    CHECK(error_of({0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0}) == FrameError::length_not_shortest);
    CHECK(error_of({0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}) == FrameError::length_not_shortest);
    CHECK(!error_of({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST_CASE("RFC 6455 §5.2: of a length of 64 bits the top bit is zero") {
    CHECK(error_of({0x82, 127, 0x80}) == FrameError::length_top_bit);
    CHECK(error_of({0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) ==
          FrameError::length_top_bit);
    CHECK(!error_of({0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
}

TEST_CASE("RFC 6455 §7.4.1: every fault of a frame is a protocol error, and has a text") {
    for (int i = 0; i <= static_cast<int>(FrameError::mask_forbidden); ++i) {
        CHECK(close_code_of(static_cast<FrameError>(i)) == close_code::protocol_error);
        CHECK(!description_of(static_cast<FrameError>(i)).empty());
    }
}

TEST_CASE("RFC 6455 §5.2: a parser gives the same payloads however its input is cut") {
    testing::SeededRandom random(5);
    ByteVector wire;
    std::vector<ByteVector> payloads;
    for (const std::size_t size : {0u, 1u, 5u, 125u, 126u, 300u, 65'535u, 65'536u, 0u, 7u}) {
        ByteVector payload(size);
        random.fill(payload);
        const ByteVector frame = raw({Opcode::binary, payload});
        wire.insert(wire.end(), frame.begin(), frame.end());
        payloads.push_back(payload);
    }
    for (int run = 0; run < 40; ++run) {
        ByteVector bytes = wire;
        FrameParser parser(Role::server);
        std::vector<ByteVector> read;
        for (std::size_t at = 0; at < bytes.size();) {
            // First byte by byte, then ever larger.
            const std::uint64_t limit = std::uint64_t{1} << (run / 2);
            const std::size_t size =
                std::min<std::size_t>(1 + random.below(limit), bytes.size() - at);
            MutableBytes rest = MutableBytes(bytes).subspan(at, size);
            at += size;
            while (true) {
                FrameParser::Piece piece;
                const auto has_piece = parser.next(rest, piece);
                REQUIRE(has_piece);
                if (!*has_piece) break;
                if (piece.is_first) read.emplace_back();
                read.back().insert(read.back().end(), piece.data.begin(), piece.data.end());
                const bool is_whole = read.back().size() == payloads[read.size() - 1].size();
                REQUIRE(piece.is_last == is_whole);
            }
            REQUIRE(rest.empty());
        }
        REQUIRE(read == payloads);
    }
}

}  // namespace stt::websocket
