// Handshake frames with any plaintext, sealed under the right seed: what a member who breaks the
// rules can send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <stt/bytes.hpp>
#include <stt/value.hpp>
#include <vector>

#include "core/handshake/messages.hpp"
#include "core/wire/frame.hpp"
#include "stc/context.hpp"

namespace stt::testing {

struct HandshakeEnvelope {
    wire::FrameType type = wire::FrameType::handshake;
    wire::SessionId session_id{};
    bool has_hint = false;
    handshake::FrameNonce nonce{};
};

// Spec protocol §3.7 (c). The hint is that of `hint_of`, where there is one.
std::vector<std::uint8_t> seal_handshake(const stc::Context& context, const stc::Context& hint_of,
                                         const HandshakeEnvelope& envelope, Bytes plaintext);

// The canonical dict, made as long as it takes for a frame of `frame_size` bytes by zeros under
// `filler`; empty when it is too long for that.
std::vector<std::uint8_t> padded_dict(Value::Dict dict, bool has_hint,
                                      const std::string& filler = "padding",
                                      std::size_t frame_size = handshake::padded_frame_size);

}  // namespace stt::testing
