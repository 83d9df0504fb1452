#include <algorithm>
#include <charconv>
#include <span>
#include <stt/address.hpp>
#include <system_error>

namespace stt {
namespace {

constexpr std::size_t group_count = 8;  // of an IPv6 address, 16 bits each
using Groups = std::array<std::uint16_t, group_count>;

// A number without sign or leading zeros, at the front of `text`, which moves on behind it.
template <class Unsigned>
std::optional<Unsigned> take_number(std::string_view& text, int base, std::size_t digits_max) {
    Unsigned value = 0;
    const char* end = text.data() + std::min(text.size(), digits_max);
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    const auto digit_count = static_cast<std::size_t>(stop - text.data());
    if (error != std::errc{} || digit_count == 0) return std::nullopt;
    // "010" is eight to some and ten to others.
    if (base == 10 && digit_count > 1 && text.front() == '0') return std::nullopt;
    text.remove_prefix(digit_count);
    return value;
}

bool take(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

std::optional<std::array<std::uint8_t, 4>> take_ipv4(std::string_view& text) {
    std::array<std::uint8_t, 4> octets{};
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (i > 0 && !take(text, ".")) return std::nullopt;
        const auto octet = take_number<std::uint8_t>(text, 10, 3);
        if (!octet) return std::nullopt;
        octets[i] = *octet;
    }
    return octets;
}

// Whether the next group is the first octet of an IPv4 address that ends an IPv6 one.
bool is_ipv4_next(std::string_view text) {
    const std::size_t digits = text.find_first_not_of("0123456789");
    return digits != std::string_view::npos && digits > 0 && text[digits] == '.';
}

// Groups up to the end of the text or a "::". Null when more than `count_max` groups are there
// or one of them is none.
std::optional<std::size_t> take_groups(std::string_view& text, std::span<std::uint16_t> groups) {
    std::size_t count = 0;
    if (text.empty() || text.starts_with("::")) return count;
    while (true) {
        if (is_ipv4_next(text)) {
            const auto octets = take_ipv4(text);
            if (!octets || groups.size() - count < 2 || !text.empty()) return std::nullopt;
            groups[count++] = static_cast<std::uint16_t>(((*octets)[0] << 8) | (*octets)[1]);
            groups[count++] = static_cast<std::uint16_t>(((*octets)[2] << 8) | (*octets)[3]);
            return count;
        }
        const auto group = take_number<std::uint16_t>(text, 16, 4);
        if (!group || count == groups.size()) return std::nullopt;
        groups[count++] = *group;
        if (text.empty() || text.starts_with("::")) return count;
        if (!take(text, ":")) return std::nullopt;
    }
}

std::optional<std::array<std::uint8_t, 16>> parse_ipv6(std::string_view text) {
    Groups groups{};
    const auto before = take_groups(text, groups);
    if (!before) return std::nullopt;
    if (take(text, "::")) {
        Groups behind{};
        // "::" stands for at least one group.
        if (*before == group_count) return std::nullopt;
        const auto after = take_groups(text, std::span(behind).first(group_count - 1 - *before));
        if (!after || !text.empty()) return std::nullopt;
        for (std::size_t i = 0; i < *after; ++i) groups[group_count - *after + i] = behind[i];
    } else if (*before != group_count || !text.empty()) {
        return std::nullopt;
    }
    std::array<std::uint8_t, 16> octets{};
    for (std::size_t i = 0; i < group_count; ++i) {
        octets[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
        octets[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
    }
    return octets;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto port = take_number<std::uint16_t>(text, 10, 5);
    return port && text.empty() ? port : std::nullopt;
}

std::optional<Address> parse_bracketed(std::string_view text) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, close);
    std::string_view rest = text.substr(close + 1);
    std::uint32_t scope_id = 0;
    if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
        std::string_view scope = host.substr(percent + 1);
        const auto number = take_number<std::uint32_t>(scope, 10, 10);
        if (!number || !scope.empty()) return std::nullopt;
        scope_id = *number;
        host = host.substr(0, percent);
    }
    const auto octets = parse_ipv6(host);
    if (!octets || !take(rest, ":")) return std::nullopt;
    const auto port = parse_port(rest);
    if (!port) return std::nullopt;
    return Address::ipv6(*octets, *port, scope_id);
}

void append_number(std::string& text, std::uint32_t value, int base) {
    std::array<char, 10> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
    text.append(digits.data(), end);
}

void append_ipv4(std::string& text, std::span<const std::uint8_t> octets) {
    for (std::size_t i = 0; i < 4; ++i) {
        if (i > 0) text += '.';
        append_number(text, octets[i], 10);
    }
}

// The longest run of zero groups, the first of several; only runs of two and more are
// shortened. RFC 5952 §4.2.
struct Run {
    std::size_t first = group_count;
    std::size_t count = 1;
};

Run longest_zero_run(std::span<const std::uint16_t> groups) {
    Run longest;
    std::size_t count = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        count = groups[i] == 0 ? count + 1 : 0;
        if (count > longest.count) longest = {i + 1 - count, count};
    }
    return longest;
}

void append_groups(std::string& text, std::span<const std::uint16_t> groups) {
    const Run run = longest_zero_run(groups);
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i == run.first) {
            text += "::";
            i += run.count - 1;
            continue;
        }
        if (i > 0 && i != run.first + run.count) text += ':';
        append_number(text, groups[i], 16);
    }
}

void append_ipv6(std::string& text, const std::array<std::uint8_t, 16>& octets) {
    Groups groups{};
    for (std::size_t i = 0; i < group_count; ++i) {
        groups[i] = static_cast<std::uint16_t>((octets[2 * i] << 8) | octets[2 * i + 1]);
    }
    // An IPv4 address mapped into IPv6 keeps its own look. RFC 5952 §5.
    const bool is_mapped =
        std::all_of(groups.begin(), groups.begin() + 5, [](auto group) { return group == 0; }) &&
        groups[5] == 0xffff;
    if (!is_mapped) return append_groups(text, groups);
    text += "::ffff:";
    append_ipv4(text, std::span(octets).subspan(12));
}

}  // namespace

Address Address::ipv4(std::array<std::uint8_t, 4> octets, std::uint16_t port) noexcept {
    Address address;
    for (std::size_t i = 0; i < octets.size(); ++i) address.octets_[i] = octets[i];
    address.port_ = port;
    address.family_ = Family::ipv4;
    return address;
}

Address Address::ipv6(std::array<std::uint8_t, 16> octets, std::uint16_t port,
                      std::uint32_t scope_id) noexcept {
    Address address;
    address.octets_ = octets;
    address.scope_id_ = scope_id;
    address.port_ = port;
    address.family_ = Family::ipv6;
    return address;
}

std::optional<Address> Address::parse(std::string_view text) noexcept {
    if (take(text, "[")) return parse_bracketed(text);
    const auto octets = take_ipv4(text);
    if (!octets || !take(text, ":")) return std::nullopt;
    const auto port = parse_port(text);
    if (!port) return std::nullopt;
    return ipv4(*octets, *port);
}

Address Address::with_port(std::uint16_t port) const noexcept {
    Address address = *this;
    address.port_ = port;
    return address;
}

// An address of no family is "none": a text that parse() does not take.
std::string Address::to_string() const {
    std::string text;
    switch (family_) {
        case Family::none:
            return "none";
        case Family::ipv4:
            append_ipv4(text, octets_);
            break;
        case Family::ipv6:
            text += '[';
            append_ipv6(text, octets_);
            if (scope_id_ != 0) {
                text += '%';
                append_number(text, scope_id_, 10);
            }
            text += ']';
            break;
    }
    text += ':';
    append_number(text, port_, 10);
    return text;
}

}  // namespace stt
