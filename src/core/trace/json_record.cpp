#include "core/trace/json_record.hpp"

#include <algorithm>
#include <charconv>
#include <stt/check.hpp>

namespace stt::trace {
namespace {

// Integers above this lose digits where JSON numbers are doubles: they are written as texts,
// as qlog has it for its uint64.
constexpr std::uint64_t number_exact_max = (std::uint64_t{1} << 53) - 1;
constexpr std::string_view hex_digits = "0123456789abcdef";

// Bytes of the UTF-8 character at the front of a text; 0: it is none.
std::size_t character_size(std::string_view text) noexcept {
    const auto byte = [&text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    // Overlong forms, surrogates, and what lies beyond U+10FFFF.
    const unsigned char second = byte(1);
    const bool is_bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return is_bad ? 0 : size;
}

}  // namespace

void JsonRecord::begin() noexcept {
    size_ = 0;
    depth_ = 0;
    is_cut_ = false;
    has_overflowed_ = false;
    buffer_[size_++] = '{';
    closings_[0] = '}';
    has_members_[0] = false;
}

std::string_view JsonRecord::end() noexcept {
    while (depth_ > 0) close();
    if (is_cut_) {
        // The reserve is for this.
        const std::string_view text = has_members_[0] ? ",\"cut\":true" : "\"cut\":true";
        std::copy(text.begin(), text.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += text.size();
    }
    buffer_[size_++] = '}';
    return {buffer_.data(), size_};
}

void JsonRecord::raw(char one) noexcept {
    if (has_overflowed_ || size_ + reserve >= buffer_.size()) {
        has_overflowed_ = true;
        return;
    }
    buffer_[size_++] = one;
}

void JsonRecord::raw(std::string_view text) noexcept {
    for (const char one : text) raw(one);
}

void JsonRecord::digits(std::uint64_t value) noexcept {
    std::array<char, 20> text;
    const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
    raw(std::string_view(text.data(), static_cast<std::size_t>(result.ptr - text.data())));
}

void JsonRecord::quoted(std::string_view value) noexcept {
    raw('"');
    while (!value.empty()) {
        const std::size_t size = character_size(value);
        const char first = value.front();
        if (size == 0) {
            raw("\\ufffd");
        } else if (static_cast<unsigned char>(first) < 0x20 || first == 0x7f) {
            raw("\\u00");
            raw(hex_digits[static_cast<unsigned char>(first) >> 4]);
            raw(hex_digits[static_cast<unsigned char>(first) & 15]);
        } else {
            if (first == '"' || first == '\\') raw('\\');
            raw(value.substr(0, size));
        }
        value.remove_prefix(std::max<std::size_t>(size, 1));
    }
    raw('"');
}

template <class Write>
bool JsonRecord::put(std::string_view key, Write write) noexcept {
    const std::size_t before = size_;
    if (has_members_[depth_]) raw(',');
    if (!key.empty()) {
        quoted(key);
        raw(':');
    }
    write();
    if (std::exchange(has_overflowed_, false)) {
        size_ = before;
        is_cut_ = true;
        return false;
    }
    has_members_[depth_] = true;
    return true;
}

void JsonRecord::text(std::string_view key, std::string_view value) noexcept {
    put(key, [&] { quoted(value); });
}

void JsonRecord::number(std::string_view key, std::uint64_t value) noexcept {
    put(key, [&] {
        const bool is_exact = value <= number_exact_max;
        if (!is_exact) raw('"');
        digits(value);
        if (!is_exact) raw('"');
    });
}

void JsonRecord::boolean(std::string_view key, bool value) noexcept {
    put(key, [&] { raw(value ? "true" : "false"); });
}

void JsonRecord::milliseconds(std::string_view key, Duration value) noexcept {
    put(key, [&] {
        if (value < Duration::zero()) raw('-');
        const std::int64_t count = value.count();
        // Of the smallest value too, whose negative there is not.
        const std::uint64_t us = count < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(count)
                                           : static_cast<std::uint64_t>(count);
        digits(us / 1'000);
        raw('.');
        const std::uint64_t rest = us % 1'000;
        raw(static_cast<char>('0' + rest / 100));
        raw(static_cast<char>('0' + rest / 10 % 10));
        raw(static_cast<char>('0' + rest % 10));
    });
}

void JsonRecord::hex(std::string_view key, Bytes value) noexcept {
    put(key, [&] {
        raw('"');
        for (const std::uint8_t byte : value) {
            raw(hex_digits[byte >> 4]);
            raw(hex_digits[byte & 15]);
        }
        raw('"');
    });
}

bool JsonRecord::open(std::string_view key, char opening, char closing) noexcept {
    STT_CHECK(depth_ < depth_max);
    if (!put(key, [&] { raw(opening); })) return false;
    ++depth_;
    closings_[depth_] = closing;
    has_members_[depth_] = false;
    return true;
}

void JsonRecord::close() noexcept {
    STT_CHECK(depth_ > 0);
    // The reserve is for this.
    buffer_[size_++] = closings_[depth_--];
}

void JsonRecord::undo(const Mark& mark) noexcept {
    size_ = mark.size;
    depth_ = mark.depth;
    has_members_[depth_] = mark.has_members;
}

}  // namespace stt::trace
