#include <stt/value.hpp>

namespace stt {
namespace {

// The sequences that a first byte may begin: how many bytes follow, and between which limits the
// second lies. The limits shut out overlong forms, surrogates and what is above U+10FFFF;
// every byte after the second is 0x80 to 0xbf. RFC 3629 §4.
struct Sequence {
    std::size_t following = 0;
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

}  // namespace

bool is_valid_utf8(Bytes text) noexcept {
    std::size_t i = 0;
    while (i < text.size()) {
        const std::uint8_t first = text[i++];
        if (first < 0x80) continue;
        const Sequence sequence = sequence_of(first);
        if (sequence.following == 0 || sequence.following > text.size() - i) return false;
        if (text[i] < sequence.second_min || text[i] > sequence.second_max) return false;
        for (std::size_t k = 1; k < sequence.following; ++k) {
            if ((text[i + k] & 0xc0) != 0x80) return false;
        }
        i += sequence.following;
    }
    return true;
}

}  // namespace stt
