#include "codec/reader.hpp"

#include <algorithm>

#include "codec/varint.hpp"

namespace stt::codec {

Result<std::uint64_t, DecodeError> Reader::long_varint() noexcept {
    std::uint64_t value = 0;
    const std::size_t size_max = std::min(rest_.size(), varint_size_max);
    for (std::size_t i = 0; i < size_max; ++i) {
        const std::uint8_t group = rest_[i];
        // The tenth group holds bit 63 alone.
        if (i == varint_size_max - 1 && group > 1) return Unexpected(DecodeError::overflow);
        value |= static_cast<std::uint64_t>(group & 0x7f) << (7 * i);
        if ((group & 0x80) != 0) continue;
        // A last group of zero adds nothing: a shorter form says the same.
        if (i > 0 && group == 0) return Unexpected(DecodeError::not_shortest);
        rest_ = rest_.subspan(i + 1);
        return value;
    }
    return Unexpected(DecodeError::truncated);
}

Result<Bytes, DecodeError> Reader::length_prefixed() noexcept {
    Reader attempt = *this;  // commit only when the whole value was read
    STT_TRY(const std::uint64_t size, attempt.varint());
    // Compare before narrowing: a declared size is a claim of the peer.
    if (size > attempt.rest_.size()) return Unexpected(DecodeError::count_exceeds_input);
    STT_TRY(const Bytes value, attempt.bytes(static_cast<std::size_t>(size)));
    *this = attempt;
    return value;
}

}  // namespace stt::codec
