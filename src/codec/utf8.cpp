#include "codec/utf8.hpp"

#include <cstring>
#include <stt/value.hpp>

namespace stt {
namespace codec {
namespace {

// The sequences that a first byte may begin: how many bytes follow, and between which limits the
// second lies. The limits shut out overlong forms, surrogates and what is above U+10FFFF;
// every byte after the second is 0x80 to 0xbf. RFC 3629 §4.
struct Sequence {
    std::uint8_t following = 0;
    std::uint8_t second_min = 0x80;
    std::uint8_t second_max = 0xbf;
};

// `following` 0: no sequence begins so. ASCII is not asked here.
constexpr Sequence sequence_of(std::uint8_t first) noexcept {
    if (first >= 0xc2 && first <= 0xdf) return {1};
    if (first == 0xe0) return {2, 0xa0, 0xbf};
    if (first == 0xed) return {2, 0x80, 0x9f};
    if (first >= 0xe1 && first <= 0xef) return {2};
    if (first == 0xf0) return {3, 0x90, 0xbf};
    if (first >= 0xf1 && first <= 0xf3) return {3};
    if (first == 0xf4) return {3, 0x80, 0x8f};
    return {};
}

// How many bytes at the front are ASCII, in whole words.
std::size_t ascii_size(Bytes text) noexcept {
    std::size_t size = 0;
    for (std::uint64_t word; text.size() - size >= sizeof word; size += sizeof word) {
        std::memcpy(&word, &text[size], sizeof word);
        if ((word & 0x8080'8080'8080'8080) != 0) break;
    }
    return size;
}

}  // namespace

bool Utf8Validator::take(Bytes piece) noexcept {
    std::size_t i = 0;
    while (i < piece.size()) {
        const std::uint8_t byte = piece[i];
        if (following_ > 0) {
            if (byte < next_min_ || byte > next_max_) return false;
            --following_;
            next_min_ = 0x80;
            next_max_ = 0xbf;
        } else if (byte < 0x80) {
            i += ascii_size(piece.subspan(i));
            if (i == piece.size()) break;
            // What stopped the words is looked at by itself.
            if (piece[i] >= 0x80) continue;
        } else {
            const Sequence sequence = sequence_of(byte);
            if (sequence.following == 0) return false;
            following_ = sequence.following;
            next_min_ = sequence.second_min;
            next_max_ = sequence.second_max;
        }
        ++i;
    }
    return true;
}

}  // namespace codec

bool is_valid_utf8(Bytes text) noexcept {
    codec::Utf8Validator validator;
    return validator.take(text) && validator.is_complete();
}

}  // namespace stt
