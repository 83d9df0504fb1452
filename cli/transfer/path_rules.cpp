#include "path_rules.hpp"

#include <algorithm>
#include <cstdint>
#include <stt/bytes.hpp>
#include <stt/value.hpp>

namespace stt::cli {
namespace {

// C0, DEL and the UTF-8 of C1 (U+0080 to U+009F): all can act on a terminal.
bool has_control(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return true;
        if (byte != 0xc2 || i + 1 == text.size()) continue;
        const auto next = static_cast<unsigned char>(text[i + 1]);
        if (next >= 0x80 && next <= 0x9f) return true;
    }
    return false;
}

// Takes the first component, and its slash, off `rest`.
std::string_view take_component(std::string_view& rest) noexcept {
    const std::size_t slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    return component;
}

}  // namespace

bool is_part_name(std::string_view component) noexcept {
    if (component.size() < part_suffix.size()) return false;
    const std::string_view end = component.substr(component.size() - part_suffix.size());
    // Without regard to case: some file systems have none.
    return std::equal(end.begin(), end.end(), part_suffix.begin(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

std::optional<std::string_view> component_fault(std::string_view component) noexcept {
    if (component.empty()) return "the name is empty";
    if (component == "." || component == "..") return "the name is . or ..";
    if (component.size() > component_size_max) return "the name has more than 255 bytes";
    if (component.find('/') != std::string_view::npos) return "the name has a slash in it";
    if (has_control(component)) return "the name has control characters in it";
    if (!is_valid_utf8(bytes_of(component))) return "the name is not valid UTF-8";
    if (is_part_name(component)) return "the name ends in .stt-part";
    return std::nullopt;
}

std::optional<std::string_view> path_fault(std::string_view path) noexcept {
    if (path.empty()) return "the name is empty";
    if (path.size() > path_size_max) return "the path has more than 4,095 bytes";
    if (path.front() == '/') return "the path is absolute";
    if (path.back() == '/') return "the path ends in a slash";
    std::size_t depth = 0;
    std::string_view rest = path;
    while (!rest.empty()) {
        if (++depth > path_depth_max) return "the path has more than 128 folders";
        if (const auto fault = component_fault(take_component(rest))) return fault;
    }
    return std::nullopt;
}

std::optional<std::string_view> link_fault(std::string_view path,
                                           std::string_view target) noexcept {
    if (target.empty()) return "the link points nowhere";
    if (target.size() > path_size_max) return "the link's target has more than 4,095 bytes";
    if (target.front() == '/') return "the link is absolute";
    if (has_control(target)) return "the link's target has control characters in it";
    if (!is_valid_utf8(bytes_of(target))) return "the link's target is not valid UTF-8";

    // The link's own folder lies this deep below the first component of `path`.
    const auto slashes = std::count(path.begin(), path.end(), '/');
    auto climbs_left = slashes > 0 ? slashes - 1 : 0;
    if (slashes == 0) return "the link is not inside a folder";
    bool in_front = true;
    std::string_view rest = target;
    while (!rest.empty()) {
        const std::string_view component = take_component(rest);
        if (component != "..") {
            // "." and empty components go nowhere.
            if (component != "." && !component.empty()) in_front = false;
            continue;
        }
        // After a name, ".." means the parent of wherever a link of that name leads.
        if (!in_front) return "the link has .. after a name";
        if (climbs_left-- == 0) return "the link leaves the folder";
    }
    return std::nullopt;
}

}  // namespace stt::cli
