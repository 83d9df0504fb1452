// Why bytes are not what they claim to be.
#pragma once

#include <string_view>

namespace stt {

enum class DecodeError {
    truncated,     // the input ends before the value does
    not_shortest,  // a varint in a longer form than it needs. Spec protocol §1
    overflow,      // a varint of over 64 bits. Spec protocol §1
    unknown_tag,   // Spec protocol §2, as all that follow
    invalid_utf8,
    duplicate_key,
    key_not_string,
    too_deep,
    count_exceeds_input,  // a declared count or length that the rest cannot hold
    trailing_bytes,
    not_canonical,  // only refused by strict decoding
};

// A literal sentence part for logs and close reasons, such as "input ends early".
std::string_view text_of(DecodeError error) noexcept;

}  // namespace stt
