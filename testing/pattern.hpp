// Content of streams whose every byte says where it belongs.
#pragma once

#include <cstdint>
#include <stt/bytes.hpp>

namespace stt::testing {

// The bytes of an endless text of its own for each `key`. Position-dependent: a byte that is
// moved, repeated or left out does not fit.
class Pattern {
public:
    explicit Pattern(std::uint64_t key) noexcept : key_(key) {}

    void write(std::uint64_t offset, MutableBytes output) const noexcept;
    bool matches(std::uint64_t offset, Bytes bytes) const noexcept;

private:
    std::uint64_t word(std::uint64_t index) const noexcept;

    std::uint64_t key_;
};

}  // namespace stt::testing
