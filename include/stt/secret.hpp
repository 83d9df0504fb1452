// Memory that holds keys. Spec stc "Code that handles keys".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stt/bytes.hpp>
#include <stt/check.hpp>

namespace stt {

// Writes zeros that the compiler may not leave out.
void wipe(MutableBytes bytes) noexcept;

// A key of `size` bytes that wipes itself. It cannot be copied by accident
// (duplicate() is the one way), compared with ==, or printed.
template <std::size_t size>
class Secret {
public:
    static constexpr std::size_t byte_count = size;

    Secret() noexcept = default;
    explicit Secret(std::span<const std::uint8_t, size> bytes) noexcept {
        std::memcpy(bytes_.data(), bytes.data(), size);
    }
    ~Secret() { wipe(bytes_); }

    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            bytes_ = other.bytes_;
            wipe(other.bytes_);
        }
        return *this;
    }

    Secret duplicate() const noexcept { return Secret{bytes()}; }

    std::span<const std::uint8_t, size> bytes() const noexcept { return bytes_; }
    std::span<std::uint8_t, size> mutable_bytes() noexcept { return bytes_; }

private:
    std::array<std::uint8_t, size> bytes_{};
};

// A key whose size is known only at run time: a seed. Same rules as Secret.
class SecretBytes {
public:
    SecretBytes() noexcept = default;
    explicit SecretBytes(Bytes bytes);
    ~SecretBytes();

    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    SecretBytes(SecretBytes&& other) noexcept;
    SecretBytes& operator=(SecretBytes&& other) noexcept;

    SecretBytes duplicate() const { return SecretBytes{bytes()}; }
    Bytes bytes() const noexcept { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t size_ = 0;
};

}  // namespace stt
