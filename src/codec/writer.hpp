#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>

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

}  // namespace stt::codec
