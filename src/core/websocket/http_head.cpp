#include "core/websocket/http_head.hpp"

#include <algorithm>

namespace stt::websocket {
namespace {

constexpr char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

constexpr bool is_space(char letter) noexcept {
    return letter == ' ' || letter == '\t';
}

constexpr bool is_control(char letter) noexcept {
    const auto byte = static_cast<unsigned char>(letter);
    return (byte < 0x20 && letter != '\t') || byte == 0x7f;
}

constexpr bool is_token_character(char letter) noexcept {
    if ((letter >= '0' && letter <= '9') || (lower(letter) >= 'a' && lower(letter) <= 'z')) {
        return true;
    }
    return std::string_view("!#$%&'*+-.^_`|~").find(letter) != std::string_view::npos;
}

// Null: not a field. A space before the colon, and a folded line, are none: servers that read
// them differently were the way of request smuggling. RFC 9112 §5.1, §5.2.
std::optional<HeaderField> field_of(std::string_view line) noexcept {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const HeaderField field{line.substr(0, colon), without_space(line.substr(colon + 1))};
    if (!is_token(field.name)) return std::nullopt;
    if (std::any_of(field.value.begin(), field.value.end(), is_control)) return std::nullopt;
    return field;
}

}  // namespace

bool is_same_ignoring_case(std::string_view one, std::string_view other) noexcept {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

std::string_view without_space(std::string_view text) noexcept {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::size_t HttpHead::take(Bytes bytes) {
    std::size_t count = 0;
    while (count < bytes.size() && !is_complete_ && !fault_) {
        fault_ = take_byte(static_cast<char>(bytes[count++]));
    }
    return count;
}

// Lines end with CR LF, and neither stands anywhere else.
std::optional<HeadFault> HttpHead::take_byte(char byte) {
    if (text_.size() == head_size_max) return HeadFault::head_too_long;
    const bool is_after_return = text_.size() > line_begin_ && text_.back() == '\r';
    if (is_after_return != (byte == '\n')) return HeadFault::malformed;
    text_ += byte;
    const std::size_t line_size = text_.size() - line_begin_;
    if (byte != '\n') {
        const bool is_first_too_long =
            line_count_ == 0 && byte != '\r' && line_size > first_line_size_max;
        return is_first_too_long ? std::optional(HeadFault::line_too_long) : std::nullopt;
    }
    const bool is_empty_line = line_size == 2;
    if (is_empty_line && line_count_ == 0) return HeadFault::malformed;
    if (is_empty_line) {
        is_complete_ = true;
        parse();
        return fault_;
    }
    line_begin_ = text_.size();
    if (++line_count_ > header_count_max + 1) return HeadFault::too_many_headers;
    return std::nullopt;
}

void HttpHead::parse() {
    std::string_view rest = text_;
    const auto next_line = [&rest] {
        const std::size_t end = rest.find('\r');
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 2);
        return line;
    };
    first_line_ = next_line();
    headers_.reserve(line_count_ - 1);
    while (headers_.size() + 1 < line_count_) {
        const auto field = field_of(next_line());
        if (!field) {
            fault_ = HeadFault::malformed;
            return;
        }
        headers_.push_back(*field);
    }
}

std::size_t HttpHead::count(std::string_view name) const noexcept {
    return static_cast<std::size_t>(std::count_if(
        headers_.begin(), headers_.end(),
        [name](const HeaderField& field) { return is_same_ignoring_case(field.name, name); }));
}

std::optional<std::string_view> HttpHead::find(std::string_view name) const noexcept {
    for (const HeaderField& field : headers_) {
        if (is_same_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

bool HttpHead::has_element(std::string_view name, std::string_view element,
                           bool is_case_ignored) const noexcept {
    bool is_found = false;
    for (const HeaderField& field : headers_) {
        if (!is_same_ignoring_case(field.name, name)) continue;
        for_each_element(field.value, [&](std::string_view one) {
            is_found |= is_case_ignored ? is_same_ignoring_case(one, element) : one == element;
        });
    }
    return is_found;
}

}  // namespace stt::websocket
