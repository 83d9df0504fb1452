// How the functions of STC read a context. Spec stc Notation.
#pragma once

#include <cstdint>
#include <stt/bytes.hpp>

namespace stt::stc {

// The canonical encoding of the empty DICT: its tag and a count of four bytes. Spec protocol §2.
inline constexpr std::uint8_t empty_dict[] = {0x41, 0, 0, 0, 0};

// "An absent context is the empty dict": empty bytes stand for it.
inline Bytes encoded_context(Bytes context) noexcept {
    return context.empty() ? Bytes{empty_dict} : context;
}

}  // namespace stt::stc
