#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>
#include <stt/decode_error.hpp>
#include <stt/result.hpp>

#include "base/byte_order.hpp"

namespace stt::codec {

// Reads values from the front of borrowed bytes.
//
// A read either succeeds and advances, or fails and leaves the reader where it
// was. The bytes stay owned by the caller and must outlive every span handed out.
class Reader {
public:
    explicit Reader(Bytes bytes) noexcept : rest_(bytes) {}

    Bytes remaining() const noexcept { return rest_; }
    bool is_at_end() const noexcept { return rest_.empty(); }

    Result<std::uint8_t, DecodeError> u8() noexcept;
    Result<std::uint16_t, DecodeError> u16() noexcept;  // big-endian, as the next two
    Result<std::uint32_t, DecodeError> u32() noexcept;
    Result<std::uint64_t, DecodeError> u64() noexcept;
    Result<std::uint64_t, DecodeError> varint() noexcept;
    Result<Bytes, DecodeError> bytes(std::size_t size) noexcept;
    // A varint that counts the bytes after it, then those bytes.
    Result<Bytes, DecodeError> length_prefixed() noexcept;

private:
    template <class Unsigned>
    Result<Unsigned, DecodeError> fixed_width() noexcept;
    Result<std::uint64_t, DecodeError> long_varint() noexcept;

    Bytes rest_;
};

// Here, as several stand in every frame that is received.

template <class Unsigned>
Result<Unsigned, DecodeError> Reader::fixed_width() noexcept {
    if (rest_.size() < sizeof(Unsigned)) return Unexpected(DecodeError::truncated);
    const auto value = load_big_endian<Unsigned>(rest_.data());
    rest_ = rest_.subspan(sizeof(Unsigned));
    return value;
}

inline Result<std::uint8_t, DecodeError> Reader::u8() noexcept {
    return fixed_width<std::uint8_t>();
}
inline Result<std::uint16_t, DecodeError> Reader::u16() noexcept {
    return fixed_width<std::uint16_t>();
}
inline Result<std::uint32_t, DecodeError> Reader::u32() noexcept {
    return fixed_width<std::uint32_t>();
}
inline Result<std::uint64_t, DecodeError> Reader::u64() noexcept {
    return fixed_width<std::uint64_t>();
}

inline Result<std::uint64_t, DecodeError> Reader::varint() noexcept {
    if (rest_.empty() || rest_.front() >= 0x80) return long_varint();
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
}

inline Result<Bytes, DecodeError> Reader::bytes(std::size_t size) noexcept {
    if (rest_.size() < size) return Unexpected(DecodeError::truncated);
    const Bytes value = rest_.first(size);
    rest_ = rest_.subspan(size);
    return value;
}

}  // namespace stt::codec
