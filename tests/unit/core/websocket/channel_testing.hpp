// What the tests of channels share.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/websocket/channel.hpp"
#include "testing/seeded_random.hpp"

namespace stt::websocket {

using ByteVector = std::vector<std::uint8_t>;

inline ByteVector vector_of(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}
inline ByteVector vector_of(std::string_view text) {
    return vector_of(bytes_of(text));
}

// A frame as a peer would send it, also one that no Channel sends.
struct RawFrame {
    Opcode opcode = Opcode::binary;
    ByteVector payload;
    bool is_final = true;
    bool is_masked = true;
};
inline constexpr MaskingKey raw_key{0x37, 0xfa, 0x21, 0x3d};

inline ByteVector raw(const RawFrame& frame) {
    FrameHeader header{frame.opcode, frame.is_final, std::nullopt, frame.payload.size()};
    if (frame.is_masked) header.key = raw_key;
    ByteVector bytes(frame_header_size(header));
    write_frame_header(header, bytes);
    ByteVector payload = frame.payload;
    if (frame.is_masked) mask(payload, raw_key, 0);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

inline ByteVector close_body(std::uint16_t code, std::string_view reason = {}) {
    ByteVector body{static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
    body.insert(body.end(), reason.begin(), reason.end());
    return body;
}

// One channel, and what it gave out.
class Subject {
public:
    explicit Subject(Role role, const ChannelConfig& config = {})
        : random_(7), channel(role, config, random_, Instant{}) {}

    // In pieces of `piece_size` bytes.
    void receive(ByteVector bytes, std::size_t piece_size = SIZE_MAX) {
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t size = std::min(piece_size, bytes.size() - at);
            channel.handle_received(now, MutableBytes(bytes).subspan(at, size));
            drain();
            at += size;
        }
    }
    // A frame with the masking that this channel expects.
    void receive_frame(Opcode opcode, ByteVector payload, bool is_final = true,
                       std::size_t piece_size = SIZE_MAX) {
        const bool is_masked = channel.role() == Role::server;
        receive(raw({opcode, std::move(payload), is_final, is_masked}), piece_size);
    }
    void drain() {
        while (auto event = channel.poll_event()) {
            if (const auto* message = std::get_if<Message>(&*event)) {
                messages.push_back(vector_of(message->data));
                places.push_back(message->data.data());
            } else {
                closed.push_back(std::get<Closed>(*event));
            }
        }
    }
    void advance(Duration passed) {
        now += passed;
        channel.handle_timeout(now);
        drain();
    }
    // All that waits, as sent.
    ByteVector sent() {
        ByteVector bytes = vector_of(channel.poll_transmit());
        channel.on_sent(bytes.size());
        return bytes;
    }
    struct Frame {
        FrameHeader header;
        ByteVector payload;
    };
    // The same as frames, unmasked; every one is whole and well-formed, else the list ends.
    std::vector<Frame> sent_frames() {
        ByteVector bytes = sent();
        std::vector<Frame> frames;
        FrameParser parser(channel.role() == Role::client ? Role::server : Role::client);
        MutableBytes rest = bytes;
        while (!rest.empty()) {
            FrameParser::Piece piece;
            const auto has_piece = parser.next(rest, piece);
            if (!has_piece || !*has_piece || !piece.is_last) break;
            frames.push_back({*piece.header, vector_of(piece.data)});
        }
        return frames;
    }
    bool has_closed_with(std::uint16_t code) const {
        return closed.size() == 1 && closed.front().code == code;
    }
    // The channel broke off with this code, told its owner, and sent a close frame with it.
    bool has_failed_with(std::uint16_t code) {
        const auto frames = sent_frames();
        return has_closed_with(code) && !closed.front().is_clean && !frames.empty() &&
               frames.back().header.opcode == Opcode::close && frames.back().payload.size() >= 2 &&
               Bytes(frames.back().payload)[0] == code >> 8 &&
               Bytes(frames.back().payload)[1] == (code & 0xff) && channel.should_disconnect(now) &&
               channel.statistics().violations == 1;
    }

private:
    testing::SeededRandom random_;

public:
    Channel channel;
    Instant now{};
    std::vector<ByteVector> messages;
    std::vector<const std::uint8_t*> places;  // where each message lay
    std::vector<Closed> closed;
};

}  // namespace stt::websocket
