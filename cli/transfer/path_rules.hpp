// Which names may come from, and go to, the other side. Spec transfer §4.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace stt::cli {

inline constexpr std::size_t path_size_max = 4095;      // Spec transfer §4.2: PATH_MAX of Linux
inline constexpr std::size_t component_size_max = 255;  // Spec transfer §4.2: NAME_MAX of Linux
inline constexpr std::size_t path_depth_max = 128;      // Spec transfer §4.2
inline constexpr std::string_view part_suffix = ".stt-part";

// Null when `path` is a relative path that stays below where it starts, whatever it is
// joined to; otherwise why it is refused, as a part of a sentence. Looks at nothing but
// the text: links on the disk are ConfinedDirectory's business.
std::optional<std::string_view> path_fault(std::string_view path) noexcept;

// The same for one component, such as the name of a file in a folder.
std::optional<std::string_view> component_fault(std::string_view component) noexcept;

// Whether a part file of ours, or of another receiver, has this name.
bool is_part_name(std::string_view component) noexcept;

// Null when a link at `path` to `target` stays within the first component of `path`:
// relative, and with ".." only in front, where it is sure to mean the parent folder.
std::optional<std::string_view> link_fault(std::string_view path, std::string_view target) noexcept;

}  // namespace stt::cli
