#include "tests/e2e/emulator/settings.hpp"

#include <charconv>
#include <cmath>
#include <optional>

namespace stt::emulator {
namespace {

using testing::LinkOptions;

// No setting needs more: a minute, a terabit a second, or a gigabyte.
constexpr double value_max = 1e6;
constexpr std::size_t ip_and_udp_header_size = 28;

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (!(value >= 0 && value <= value_max)) return std::nullopt;
    return value;
}

Duration milliseconds(double value) {
    return Duration(std::llround(value * 1'000));
}

testing::PerMillion probability(double value) {
    return static_cast<testing::PerMillion>(
        std::llround(std::min(value, 1.0) * double{testing::always}));
}

// False: there is no such key.
bool set(LinkOptions& link, std::string_view key, double value) {
    const auto whole = static_cast<std::uint64_t>(std::llround(value));
    if (key == "delay_ms") {
        link.delay = milliseconds(value);
    } else if (key == "jitter_ms") {
        link.jitter = milliseconds(value);
    } else if (key == "rate_mbit") {
        link.rate = static_cast<std::uint64_t>(value * 125'000);
    } else if (key == "queue_kb") {
        link.queue_size = whole * 1'000;
    } else if (key == "loss") {
        link.loss = probability(value);
    } else if (key == "burst_begin") {
        link.burst.becomes_bad = probability(value);
    } else if (key == "burst_end") {
        link.burst.becomes_good = probability(value);
    } else if (key == "burst_loss") {
        link.burst.loss_while_bad = probability(value);
    } else if (key == "reorder") {
        link.reorder = probability(value);
    } else if (key == "reorder_ms") {
        link.reorder_delay = milliseconds(value);
    } else if (key == "duplicate") {
        link.duplicate = probability(value);
    } else if (key == "corrupt") {
        link.corrupt = probability(value);
    } else if (key == "mark") {
        link.congestion_mark = probability(value);
    } else if (key == "mtu" && whole > ip_and_udp_header_size) {
        link.datagram_size_max = whole - ip_and_udp_header_size;
    } else {
        return false;
    }
    return true;
}

}  // namespace

std::string apply_setting(std::string_view word, PathOptions& options) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return "not key=value: " + std::string(word);
    std::string_view key = word.substr(0, equals);
    const bool is_up_only = key.starts_with("up.");
    const bool is_down_only = key.starts_with("down.");
    if (is_up_only || is_down_only) key.remove_prefix(key.find('.') + 1);
    const auto value = number(word.substr(equals + 1));
    if (!value) return "not a number from 0 to 1000000: " + std::string(word);
    PathOptions changed = options;
    if (!is_down_only && !set(changed.up, key, *value)) return "unknown: " + std::string(word);
    if (!is_up_only && !set(changed.down, key, *value)) return "unknown: " + std::string(word);
    options = changed;
    return {};
}

}  // namespace stt::emulator
