#include <array>
#include <cstddef>

#include "core/trace/event.hpp"

namespace stt::trace {
namespace {

template <std::size_t count, class Enum>
std::string_view pick(const std::array<std::string_view, count>& names, Enum value) noexcept {
    const auto index = static_cast<std::size_t>(value);
    return index < count ? names[index] : "unknown";
}

}  // namespace

std::string_view name_of(LossCause cause) noexcept {
    static constexpr std::array<std::string_view, 5> names{
        "none", "reordering_threshold", "time_threshold", "path_left", "evicted"};
    return pick(names, cause);
}

std::string_view name_of(SessionStage stage) noexcept {
    static constexpr std::array<std::string_view, 6> names{"init",         "handshake", "active",
                                                           "key_rotating", "closing",   "closed"};
    return pick(names, stage);
}

std::string_view name_of(HandshakeMessage message) noexcept {
    static constexpr std::array<std::string_view, 4> names{"HELLO", "RESPONSE", "AUTH_PROOF",
                                                           "FINAL"};
    return pick(names, message);
}

std::string_view name_of(EcnState state) noexcept {
    static constexpr std::array<std::string_view, 3> names{"testing", "capable", "failed"};
    return pick(names, state);
}

std::string_view name_of(KeyChanged::Stage stage) noexcept {
    static constexpr std::array<std::string_view, 3> names{"announced", "switched", "wiped"};
    return pick(names, stage);
}

std::string_view name_of(PathChanged::Stage stage) noexcept {
    static constexpr std::array<std::string_view, 5> names{"candidate", "validated", "taken",
                                                           "unreachable", "reachable"};
    return pick(names, stage);
}

std::string_view name_of(StreamChanged::Stage stage) noexcept {
    static constexpr std::array<std::string_view, 5> names{"opened", "reset", "stopped", "expired",
                                                           "closed"};
    return pick(names, stage);
}

}  // namespace stt::trace
