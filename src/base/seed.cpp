#include <array>
#include <stt/seed.hpp>

namespace stt {

namespace {

bool is_white_space(char character) noexcept {
    return character == ' ' || (character >= '\t' && character <= '\r');
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_white_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_white_space(text.back())) text.remove_suffix(1);
    return text;
}

// 0 to 15, or -1 for what is no hex digit.
int digit_value(char character) noexcept {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

}  // namespace

std::optional<Seed> seed_from_hex(std::string_view text) {
    const std::string_view digits = trimmed(text);
    const std::size_t size = digits.size() / 2;
    if (digits.size() % 2 != 0 || size < seed_size_min || size > seed_size_max) return std::nullopt;

    std::array<std::uint8_t, seed_size_max> bytes;
    bool is_hex = true;
    for (std::size_t i = 0; i < size; ++i) {
        const int high = digit_value(digits[2 * i]);
        const int low = digit_value(digits[2 * i + 1]);
        is_hex = is_hex && high >= 0 && low >= 0;
        bytes[i] = static_cast<std::uint8_t>((high << 4 | low) & 0xff);
    }
    std::optional<Seed> seed;
    if (is_hex) seed.emplace(Bytes(bytes.data(), size));
    wipe(MutableBytes(bytes.data(), size));
    return seed;
}

}  // namespace stt
