#include <stt/decode_error.hpp>

namespace stt {

std::string_view text_of(DecodeError error) noexcept {
    switch (error) {
        case DecodeError::truncated:
            return "input ends early";
        case DecodeError::not_shortest:
            return "varint not in shortest form";
        case DecodeError::overflow:
            return "varint over 64 bits";
        case DecodeError::unknown_tag:
            return "unknown type tag";
        case DecodeError::invalid_utf8:
            return "invalid UTF-8";
        case DecodeError::duplicate_key:
            return "duplicate key";
        case DecodeError::key_not_string:
            return "key is not a string";
        case DecodeError::too_deep:
            return "nested too deeply";
        case DecodeError::count_exceeds_input:
            return "count exceeds the input";
        case DecodeError::trailing_bytes:
            return "trailing bytes";
        case DecodeError::not_canonical:
            return "not canonical";
    }
    return "unknown decode error";
}

}  // namespace stt
