// One conformance case: what a peer sends, and what must come back. The numbers are those of the
// Autobahn test suite, whose cases are known widely; the cases are written from RFC 6455.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stt::conformance {

using ByteVector = std::vector<std::uint8_t>;

inline ByteVector bytes_of_text(std::string_view text) {
    return {text.begin(), text.end()};
}

namespace opcode {
inline constexpr std::uint8_t continuation = 0;
inline constexpr std::uint8_t text = 1;
inline constexpr std::uint8_t binary = 2;
inline constexpr std::uint8_t close = 8;
inline constexpr std::uint8_t ping = 9;
inline constexpr std::uint8_t pong = 10;
}  // namespace opcode

// A frame, or, between `from` and `to`, a part of its payload; the part from 0 has the header.
struct Frame {
    std::uint8_t opcode = opcode::text;
    ByteVector payload{};
    bool is_final = true;
    std::uint8_t reserved = 0;  // RSV1 is 4
    std::size_t from = 0;
    std::size_t to = SIZE_MAX;
};

struct Step {
    enum class Check : std::uint8_t { nothing, is_open, has_failed };

    Frame frame;
    Check check_after = Check::nothing;
};

// A message (text or binary) or a pong.
struct Reply {
    std::uint8_t opcode = opcode::text;
    ByteVector payload;

    bool operator==(const Reply&) const = default;
};

enum class Ending : std::uint8_t {
    normal,   // the peer closes with 1000 when all is said, and is answered
    by_peer,  // the script has a close frame, which is answered with `code`
    failure,  // the connection is failed with `code`
};

struct Case {
    std::string number;
    std::string what;
    std::vector<Step> steps;
    std::vector<Reply> replies;
    Ending ending = Ending::normal;
    std::uint16_t code = 1000;  // 1005: a close frame without one
    // How the bytes arrive: 0 in one piece, else in pieces of this size.
    std::size_t chop = 0;
    bool is_frame_wise = false;  // each frame by itself

    std::string expected() const;
};

// The cases of each category in order.
std::vector<Case> framing_cases();  // 1 to 5
std::vector<Case> utf8_cases();     // 6
std::vector<Case> closing_cases();  // 7
std::vector<Case> size_cases();     // 9 and 10

}  // namespace stt::conformance
