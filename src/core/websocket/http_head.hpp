// The head of an HTTP/1 message: a first line, then fields. RFC 9112; the part of it that opening
// handshakes need, read strictly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <vector>

namespace stt::websocket {

// Limits, chosen: browsers with some cookies send 500 to 1,500 bytes in 15 to 20 fields.
inline constexpr std::size_t head_size_max = 8'192;
inline constexpr std::size_t first_line_size_max = 2'048;  // without its CR LF
inline constexpr std::size_t header_count_max = 64;

struct HeaderField {
    std::string_view name;   // as it was written; compared without regard to case
    std::string_view value;  // without the space around it
};

// Text helpers of RFC 9110: ASCII alone, no locale.
bool is_same_ignoring_case(std::string_view one, std::string_view other) noexcept;
bool is_token(std::string_view text) noexcept;  // §5.6.2
std::string_view without_space(std::string_view text) noexcept;
// Calls `visit(element)` for each element of a comma-separated list, §5.6.1, that is not empty.
template <class Visit>
void for_each_element(std::string_view list, const Visit& visit) {
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        const std::string_view element = without_space(list.substr(0, end));
        if (!element.empty()) visit(element);
        list.remove_prefix(std::min(end + 1, list.size()));
    }
}

// What is wrong with a head, whatever it says.
enum class HeadFault : std::uint8_t {
    malformed,      // RFC 9112 §2 to §5
    line_too_long,  // the first line
    head_too_long,  // in all
    too_many_headers,
};

// Collects a head that comes in pieces, and parses it. What it gives out are views of its own
// text, good as long as it is there and is not moved.
class HttpHead {
public:
    HttpHead() = default;
    HttpHead(const HttpHead&) = delete;
    HttpHead& operator=(const HttpHead&) = delete;

    // Takes bytes up to the end of the head, and gives their count. Nothing more is taken after
    // that end, or after a fault.
    std::size_t take(Bytes bytes);
    bool is_complete() const noexcept { return is_complete_; }
    std::optional<HeadFault> fault() const noexcept { return fault_; }

    // The rest only when complete, and without fault.
    std::string_view first_line() const noexcept { return first_line_; }
    std::span<const HeaderField> headers() const noexcept { return headers_; }
    std::size_t count(std::string_view name) const noexcept;
    // The first field of this name; null: none.
    std::optional<std::string_view> find(std::string_view name) const noexcept;
    // The list of all fields of this name has this element, ignoring case or not.
    bool has_element(std::string_view name, std::string_view element,
                     bool is_case_ignored) const noexcept;

private:
    std::optional<HeadFault> take_byte(char byte);
    void parse();

    std::string text_;
    std::string_view first_line_;
    std::vector<HeaderField> headers_;
    std::size_t line_begin_ = 0;
    std::size_t line_count_ = 0;
    bool is_complete_ = false;
    std::optional<HeadFault> fault_;
};

}  // namespace stt::websocket
