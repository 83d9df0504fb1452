// What the fuzz targets share: values read off the bytes that the fuzzer made.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stt/bytes.hpp>
#include <stt/check.hpp>

namespace stt::fuzz {

// Every input is a valid one: what is used up gives zeros.
class FuzzInput {
public:
    FuzzInput(const std::uint8_t* data, std::size_t size) noexcept : rest_(data, size) {}

    bool is_empty() const noexcept { return rest_.empty(); }
    Bytes rest() const noexcept { return rest_; }
    std::uint8_t u8() noexcept {
        if (rest_.empty()) return 0;
        const std::uint8_t value = rest_.front();
        rest_ = rest_.subspan(1);
        return value;
    }
    std::uint16_t u16() noexcept {
        const auto high = static_cast<std::uint16_t>(u8() << 8);
        return static_cast<std::uint16_t>(high | u8());
    }
    std::uint64_t u64() noexcept {
        std::uint64_t value = 0;
        for (int i = 0; i < 4; ++i) value = value << 16 | u16();
        return value;
    }
    // From 0 to below `limit`, which is 1 to 256.
    std::size_t below(std::size_t limit) noexcept { return u8() % limit; }
    // As many as asked for, or what is left.
    Bytes bytes(std::size_t size) noexcept {
        const Bytes taken = rest_.first(std::min(size, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

private:
    Bytes rest_;
};

inline bool is_same(Bytes one, Bytes other) noexcept {
    return std::equal(one.begin(), one.end(), other.begin(), other.end());
}

}  // namespace stt::fuzz
