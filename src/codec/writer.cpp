#include "codec/writer.hpp"

#include <cstring>
#include <stt/check.hpp>

#include "base/byte_order.hpp"

namespace stt::codec {

MutableBytes Writer::skip(std::size_t size) noexcept {
    STT_CHECK(size <= room());
    const MutableBytes place = bytes_.subspan(size_, size);
    size_ += size;
    return place;
}

void Writer::u8(std::uint8_t value) noexcept {
    skip(1)[0] = value;
}
void Writer::u16(std::uint16_t value) noexcept {
    store_big_endian(skip(2).data(), value);
}
void Writer::u32(std::uint32_t value) noexcept {
    store_big_endian(skip(4).data(), value);
}
void Writer::u64(std::uint64_t value) noexcept {
    store_big_endian(skip(8).data(), value);
}

void Writer::varint(std::uint64_t value) noexcept {
    while (value >= 0x80) {
        u8(static_cast<std::uint8_t>(value | 0x80));
        value >>= 7;
    }
    u8(static_cast<std::uint8_t>(value));
}

void Writer::bytes(Bytes value) noexcept {
    const MutableBytes place = skip(value.size());
    if (!value.empty()) std::memcpy(place.data(), value.data(), value.size());
}

void Writer::zeros(std::size_t size) noexcept {
    const MutableBytes place = skip(size);
    if (size > 0) std::memset(place.data(), 0, size);
}

}  // namespace stt::codec
