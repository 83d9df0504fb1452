// The numbers of control messages, for their parser and their writer. Spec protocol §8.1.
#pragma once

#include <cstdint>

namespace stt::wire {

enum class ControlKind : std::uint64_t {
    padding = 0x00,
    ping = 0x01,
    pong = 0x02,
    flow_credit = 0x03,
    key_rotation = 0x04,
    session_close = 0x05,
    error = 0x06,
    ack = 0x07,
    ack_ecn = 0x08,
    path_challenge = 0x09,
    path_response = 0x0a,
    stream_limit = 0x0b,
    observed_address = 0x0c,
    credits = 0x0d,
};

enum class StreamControlKind : std::uint64_t {
    open = 0x01,
    credit = 0x02,
    reset = 0x03,
    stop = 0x04,
    priority = 0x05,
    skip = 0x06,
};

}  // namespace stt::wire
