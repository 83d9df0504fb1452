// UTF-8 that comes in pieces. RFC 3629.
#pragma once

#include <cstdint>
#include <stt/bytes.hpp>

namespace stt::codec {

// Judges a text whose pieces may be cut anywhere, also within a character. Refuses overlong forms,
// surrogates and what is above U+10FFFF, at the first byte that no valid text has there.
class Utf8Validator {
public:
    // False: the text is none, whatever follows; nothing more may be asked.
    [[nodiscard]] bool take(Bytes piece) noexcept;
    // No character is left open.
    bool is_complete() const noexcept { return following_ == 0; }

private:
    std::uint8_t following_ = 0;  // bytes that the open character still needs
    std::uint8_t next_min_ = 0x80;
    std::uint8_t next_max_ = 0xbf;
};

}  // namespace stt::codec
