// Frames of the WebSocket protocol. RFC 6455 §5.2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/result.hpp>

#include "core/websocket/masking.hpp"

namespace stt::websocket {

// Which end of the connection a node is. Clients mask what they send, servers do not.
enum class Role : std::uint8_t { client, server };

enum class Opcode : std::uint8_t {
    continuation = 0x0,
    text = 0x1,
    binary = 0x2,
    close = 0x8,
    ping = 0x9,
    pong = 0xa,
};
constexpr bool is_control(Opcode opcode) noexcept {
    return (static_cast<std::uint8_t>(opcode) & 0x8) != 0;
}

inline constexpr std::size_t frame_header_size_max = 14;
inline constexpr std::size_t control_payload_size_max = 125;  // RFC 6455 §5.5

struct FrameHeader {
    Opcode opcode = Opcode::binary;
    bool is_final = true;
    std::optional<MaskingKey> key;  // none: not masked
    std::uint64_t payload_size = 0;
};

std::size_t frame_header_size(const FrameHeader& header) noexcept;
// Writes the shortest form to the front of `output`, which has room for it, and gives its size.
std::size_t write_frame_header(const FrameHeader& header, MutableBytes output) noexcept;

// What a peer may do wrong within one frame. Each closes the connection with 1002.
enum class FrameError : std::uint8_t {
    reserved_bit,         // RSV1 to RSV3: there are no extensions
    opcode_unknown,       // 3 to 7 and 11 to 15
    control_fragmented,   // RFC 6455 §5.5
    control_too_long,     // over 125 bytes
    length_not_shortest,  // RFC 6455 §5.2: "the minimal number of bytes MUST be used"
    length_top_bit,       // of 64 bits the first must be 0
    mask_missing,         // from a client
    mask_forbidden,       // from a server
};
std::uint16_t close_code_of(FrameError error) noexcept;
// A few words, for the close frame's reason and for logs.
std::string_view description_of(FrameError error) noexcept;

// Reads the header at the front of `bytes` into `header`, and gives its size; 0: it is not whole
// yet. What can be judged is judged at once, and no byte is asked for that an error makes
// pointless. `receiver`: who parses.
Result<std::size_t, FrameError> parse_frame_header(Bytes bytes, Role receiver,
                                                   FrameHeader& header) noexcept;

// Takes a sequence of bytes, cut anywhere, apart into frames. Holds at most one header: payloads
// stay where they are.
class FrameParser {
public:
    explicit FrameParser(Role receiver) noexcept : receiver_(receiver) {}

    // A part of a frame: the header alone is the first when no more has come, and what follows is
    // as long as the bytes that are there. `data` is unmasked, in the caller's buffer.
    struct Piece {
        const FrameHeader* header = nullptr;  // until the next call
        MutableBytes data;
        bool is_first = false;
        bool is_last = false;  // the frame ends here
    };
    // Takes one piece off the front of `input`. False: there is none, and that is used up. After an
    // error nothing more may be asked.
    Result<bool, FrameError> next(MutableBytes& input, Piece& piece) noexcept;

private:
    Result<bool, FrameError> take_header(MutableBytes& input) noexcept;

    Role receiver_;
    bool is_in_payload_ = false;
    std::uint8_t held_size_ = 0;
    std::array<std::uint8_t, frame_header_size_max> held_{};  // the beginning of a header
    FrameHeader header_;
    std::uint64_t payload_taken_ = 0;
};

}  // namespace stt::websocket
