#include "terminal_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace stt::cli {
namespace {

struct CodePoint {
    char32_t value = 0;
    std::size_t size = 0;  // 0: no valid sequence starts here
};

// RFC 3629: one code point from the start of `text`.
CodePoint first_code_point(std::string_view text) {
    const auto byte_at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte_at(0);
    if (lead < 0x80) return {lead, 1};
    struct Form {
        unsigned char mask, pattern;
        std::size_t size;
        char32_t lowest;
    };
    constexpr std::array<Form, 3> forms{
        {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}}};
    for (const Form& form : forms) {
        if ((lead & form.mask) != form.pattern) continue;
        if (text.size() < form.size) return {};
        char32_t value = static_cast<char32_t>(lead & static_cast<unsigned char>(~form.mask));
        for (std::size_t i = 1; i < form.size; ++i) {
            if ((byte_at(i) & 0xc0) != 0x80) return {};
            value = (value << 6) | static_cast<char32_t>(byte_at(i) & 0x3f);
        }
        const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
        if (value < form.lowest || value > 0x10ffff || is_surrogate) return {};
        return {value, form.size};
    }
    return {};
}

// Code points that act instead of being seen: controls, bidirectional overrides (which
// make "gpj.exe" read as "exe.jpg"), line separators, invisible marks.
bool acts_on_terminal(char32_t value) {
    return value < 0x20 || (value >= 0x7f && value <= 0x9f) || value == 0xad ||
           (value >= 0x200b && value <= 0x200f) || (value >= 0x2028 && value <= 0x202e) ||
           (value >= 0x2060 && value <= 0x206f) || value == 0xfeff || value >= 0xe0000;
}

}  // namespace

std::string visible(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const CodePoint point = first_code_point(text);
        if (point.size == 0) {
            result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
            text.remove_prefix(1);
            continue;
        }
        if (!acts_on_terminal(point.value)) {
            result += text.substr(0, point.size);
        } else if (point.value < 0x80) {
            result += fmt::format("\\x{:02x}", static_cast<unsigned>(point.value));
        } else {
            result += fmt::format("\\u{{{:x}}}", static_cast<unsigned>(point.value));
        }
        text.remove_prefix(point.size);
    }
    return result;
}

std::string quoted(std::string_view text) {
    return fmt::format("'{}'", visible(text));
}

std::string reason_within_sentence(std::error_code error) {
    std::string reason = visible(error.message());
    if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z') {
        reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
    }
    return reason;
}

std::string shell_quoted(std::string_view text) {
    std::string inner;
    for (const char character : text) {
        if (character == '\'') {
            inner += "'\\''";
        } else {
            inner += character;
        }
    }
    return fmt::format("'{}'", visible(inner));
}

std::string format_size(std::uint64_t bytes) {
    if (bytes < 1000) return fmt::format("{} {}", bytes, bytes == 1 ? "byte" : "bytes");
    constexpr std::array<const char*, 6> units{"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    // 999.95 would be printed as 1000.0.
    while (value >= 999.95 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string format_rate(double bytes_per_second) {
    const double bits = bytes_per_second * 8;
    if (bits >= 1e9) return fmt::format("{:.2f} Gbit/s", bits / 1e9);
    if (bits >= 1e6) return fmt::format("{:.0f} Mbit/s", bits / 1e6);
    return fmt::format("{:.0f} kbit/s", bits / 1e3);
}

std::string format_duration(std::chrono::duration<double> duration) {
    const double seconds = duration.count();
    if (seconds < 10) return fmt::format("{:.1f} s", seconds);
    const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string format_count(std::uint64_t count, std::string_view singular, std::string_view plural) {
    const std::string digits = fmt::format("{}", count);
    std::string grouped;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ',';
        grouped += digits[i];
    }
    return fmt::format("{} {}", grouped, count == 1 ? singular : plural);
}

}  // namespace stt::cli
