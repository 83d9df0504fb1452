// One message of every kind, with what its body needs at least.
#pragma once

#include <doctest/doctest.h>

#include <string_view>

#include "core/wire/control.hpp"
#include "tests/unit/codec/seeded.hpp"

namespace stt::wire {

using test::ByteVector;

template <class Message>
ByteVector encoded(const Message& message) {
    ByteVector bytes(encoded_size(message));
    codec::Writer writer(bytes);
    write(writer, message);
    CHECK(writer.room() == 0);
    return bytes;
}

// kind ‖ length ‖ body.
inline ByteVector message_bytes(std::uint64_t kind, Bytes body) {
    ByteVector bytes(20 + body.size());
    codec::Writer writer(bytes);
    writer.varint(kind);
    writer.varint(body.size());
    writer.bytes(body);
    bytes.resize(writer.size());
    return bytes;
}

struct Sample {
    std::string_view name;
    std::uint64_t kind = 0;
    ByteVector body;
    std::size_t body_size_min = 0;  // shorter bodies lack a field
    bool takes_longer_body = true;  // bytes behind the fields are allowed, and not the text
};

inline std::vector<Sample> control_samples() {
    const ByteVector token{1, 2, 3, 4, 5, 6, 7, 8};
    ByteVector rotation(2 + 32, 0x44);
    rotation[0] = 0x80;
    rotation[1] = 0x02;
    const ByteVector close{0x80, 0x02, 'b', 'y', 'e', 0xc3, 0xa9};
    // largest 1000, delay 300, first range 2, two more.
    const ByteVector ack{0xe8, 0x07, 0xac, 0x02, 2, 2, 0, 5, 0x80, 0x01, 7};
    ByteVector ack_ecn = ack;
    ack_ecn.insert(ack_ecn.end(), {1, 0xac, 0x02, 3});
    return {{"PADDING", 0x00, ByteVector(5), 0},
            {"PING", 0x01, token, 8},
            {"PONG", 0x02, token, 8},
            {"FLOW_CREDIT", 0x03, {0xac, 0x02}, 2},
            {"KEY_ROTATION", 0x04, rotation, rotation.size()},
            {"SESSION_CLOSE", 0x05, close, 2, false},
            {"ERROR", 0x06, close, 2, false},
            {"ACK", 0x07, ack, ack.size()},
            {"ACK_ECN", 0x08, ack_ecn, ack_ecn.size()},
            {"PATH_CHALLENGE", 0x09, token, 8},
            {"PATH_RESPONSE", 0x0a, token, 8},
            {"STREAM_LIMIT", 0x0b, {0x80, 0x01}, 2},
            {"OBSERVED_ADDRESS", 0x0c, {127, 0, 0, 1, 0x23, 0x29}, 6, false},
            {"CREDITS", 0x0d, {2, 1, 0, 0xac, 0x02, 3, 1, 5}, 8}};
}

inline std::vector<Sample> stream_control_samples() {
    return {{"OPEN", 0x01, {1, 7, 0xac, 0x02, 'e', 'c', 'h', 'o'}, 4, false},
            {"CREDIT", 0x02, {0x80, 0x80, 0x04}, 3},
            {"RESET", 0x03, {7, 0xac, 0x02}, 3},
            {"STOP", 0x04, {0xac, 0x02}, 2},
            {"PRIORITY", 0x05, {7}, 1},
            {"SKIP", 0x06, {5, 0xac, 0x02}, 3}};
}

}  // namespace stt::wire
