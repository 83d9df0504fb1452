#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>
#include <stt/decode_error.hpp>
#include <stt/result.hpp>

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

    Bytes rest_;
};

}  // namespace stt::codec
