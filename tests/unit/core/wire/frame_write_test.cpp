#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/core/wire/raw_frame.hpp"

namespace stt::wire {
namespace {

// The largest payload that fits, by trying.
std::size_t payload_size_max_naive(const SessionFrameHeader& header, std::size_t room) {
    std::size_t largest = 0;
    for (std::size_t size = 0; size <= payload_size_max && size <= room; ++size) {
        if (session_frame_overhead(header, size) + size <= room) largest = size;
    }
    return largest;
}

}  // namespace

TEST_CASE("protocol §3.1: a frame that was laid out is parsed as what it was meant to be") {
    test::Seeded seeded(8);
    const FrameType types[] = {FrameType::data, FrameType::control, FrameType::stream_control,
                               FrameType{0x06}, FrameType{0x80},    FrameType{0xff}};
    for (int i = 0; i < 2'000; ++i) {
        SessionFrameHeader header;
        header.type = types[seeded.below(6)];
        seeded.fill(header.session_id);
        header.stream_id = static_cast<std::uint16_t>(seeded.number_of_any_width() | 1);
        if (header.type == FrameType::control) header.stream_id = 0;
        header.sequence = seeded.number_of_any_width();
        header.flags = static_cast<std::uint8_t>(seeded.number() & 0x7c);
        header.epoch = seeded.number_of_any_width();
        const ByteVector payload = seeded.bytes(seeded.below(400));
        ByteVector output(session_frame_overhead(header, payload.size()) + payload.size());
        const FrameLayout layout = lay_out_session_frame(header, payload.size(), output);
        CHECK(layout.size == output.size());
        std::copy(payload.begin(), payload.end(), layout.payload.begin());
        std::fill(layout.tag.begin(), layout.tag.end(), std::uint8_t{0x99});

        const auto view = parse_frame(output);
        REQUIRE(view);
        CHECK(view->type == header.type);
        CHECK(view->session_id == header.session_id);
        CHECK(view->stream_id == header.stream_id);
        CHECK(view->sequence == header.sequence);
        CHECK(view->flags == header.flags);
        CHECK(view->epoch == header.epoch);
        CHECK(view->header.data() == layout.header.data());
        CHECK(view->header.size() == layout.header.size());
        CHECK(view->metadata_head.data() == layout.metadata_head.data());
        CHECK(view->metadata_head.size() == layout.metadata_head.size());
        CHECK(view->tag.data() == layout.tag.data());
        CHECK(view->tag.size() == layout.tag.size());
        CHECK(
            std::equal(payload.begin(), payload.end(), view->payload.begin(), view->payload.end()));
    }
}

TEST_CASE("protocol §3.1: a handshake's frame that was laid out is parsed as what it was meant") {
    const ByteVector hint{1, 2, 3, 4, 5, 6, 7, 8};
    ByteVector nonce(16, 0x5a);
    const SessionId session_id{8, 7, 6, 5, 4, 3, 2, 1};
    for (const std::size_t payload_size : {std::size_t{0}, std::size_t{127}, std::size_t{1'100}}) {
        for (const bool has_hint : {false, true}) {
            for (const FrameType type : {FrameType::handshake, FrameType::auth}) {
                ByteVector output(handshake_frame_overhead(payload_size, has_hint) + payload_size);
                const FrameLayout layout =
                    lay_out_handshake_frame(type, session_id, has_hint ? Bytes(hint) : Bytes{},
                                            nonce, payload_size, output);
                CHECK(layout.size == output.size());
                const auto view = parse_frame(output);
                REQUIRE(view);
                CHECK(view->type == type);
                CHECK(view->session_id == session_id);
                CHECK(view->hint.size() == (has_hint ? 8 : 0));
                CHECK(std::equal(nonce.begin(), nonce.end(), view->nonce.begin()));
                CHECK(view->metadata_head.data() == layout.metadata_head.data());
                CHECK(view->metadata_head.size() == layout.metadata_head.size());
                CHECK(view->tag.data() == layout.tag.data());
                CHECK(view->payload.size() == payload_size);
            }
        }
    }
}

TEST_CASE("protocol §3.8: the largest payload for a room is what trying finds") {
    SessionFrameHeader header;
    header.stream_id = 300;
    header.sequence = 20'000;
    header.epoch = 200;
    for (std::size_t room = 0; room < 400; ++room) {
        CHECK(session_payload_size_max(header, room) == payload_size_max_naive(header, room));
    }
    for (std::size_t room = 16'400; room < 16'450; ++room) {
        CHECK(session_payload_size_max(header, room) == payload_size_max_naive(header, room));
    }
    CHECK(session_payload_size_max(header, 65'535 + 200) == 65'535);
    CHECK(session_payload_size_max(header, 10'000'000) == 65'535);
}

}  // namespace stt::wire
