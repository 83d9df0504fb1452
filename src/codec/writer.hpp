#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>
#include <stt/check.hpp>

#include "base/byte_order.hpp"
#include "codec/varint.hpp"

namespace stt::codec {

// Writes values one after another into borrowed bytes.
//
// Writing past the end breaks an STT_CHECK: whoever writes has asked room() or
// knows the size. The bytes must outlive the writer.
class Writer {
public:
    explicit Writer(MutableBytes bytes) noexcept : bytes_(bytes) {}

    std::size_t size() const noexcept { return size_; }
    std::size_t room() const noexcept { return bytes_.size() - size_; }
    Bytes written() const noexcept { return bytes_.first(size_); }
    MutableBytes mutable_written() const noexcept { return bytes_.first(size_); }

    void u8(std::uint8_t value) noexcept;
    void u16(std::uint16_t value) noexcept;  // big-endian, as the next two
    void u32(std::uint32_t value) noexcept;
    void u64(std::uint64_t value) noexcept;
    void varint(std::uint64_t value) noexcept;
    void bytes(Bytes value) noexcept;
    void zeros(std::size_t size) noexcept;
    // The next `size` bytes, to be filled in by the caller.
    MutableBytes skip(std::size_t size) noexcept;

private:
    MutableBytes bytes_;
    std::size_t size_ = 0;
};

// Here, as several stand in every frame that is sent.

inline MutableBytes Writer::skip(std::size_t size) noexcept {
    STT_CHECK(size <= room());
    const MutableBytes place = bytes_.subspan(size_, size);
    size_ += size;
    return place;
}

inline void Writer::u8(std::uint8_t value) noexcept {
    skip(1)[0] = value;
}
inline void Writer::u16(std::uint16_t value) noexcept {
    store_big_endian(skip(2).data(), value);
}
inline void Writer::u32(std::uint32_t value) noexcept {
    store_big_endian(skip(4).data(), value);
}
inline void Writer::u64(std::uint64_t value) noexcept {
    store_big_endian(skip(8).data(), value);
}

inline void Writer::varint(std::uint64_t value) noexcept {
    const MutableBytes place = skip(varint_size(value));
    for (std::size_t i = 0; i + 1 < place.size(); ++i) {
        place[i] = static_cast<std::uint8_t>(value | 0x80);
        value >>= 7;
    }
    place[place.size() - 1] = static_cast<std::uint8_t>(value);
}

}  // namespace stt::codec
