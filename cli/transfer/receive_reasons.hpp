// How a receiver explains errors of its system to both people.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stt::cli {

// Set when every other file would fail in the same way: a full disk.
std::optional<std::string_view> fatal_reason(int error);

// What the person at the receiver can do about a fatal_reason().
std::string_view advice_for(int error);

// Why one file is not taken.
std::string refusal_reason(int error);

}  // namespace stt::cli
