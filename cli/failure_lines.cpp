#include "failure_lines.hpp"

#include <fmt/format.h>

#include "terminal_text.hpp"

namespace stt::cli {
namespace {

// Chosen: what fits on a screen with the summary.
constexpr std::size_t line_count_max = 20;

}  // namespace

void FailureLines::report(SourceTree::Severity severity, const std::string& text) {
    if (count_.fetch_add(1) >= line_count_max) return;
    if (severity == SourceTree::Severity::warning) {
        console_.warning(text);
    } else {
        console_.error(text);
    }
}

void FailureLines::close() {
    const std::size_t count = count_.exchange(0);
    if (count > line_count_max) {
        console_.error(
            fmt::format("and {} like these", format_count(count - line_count_max, "more", "more")));
    }
}

}  // namespace stt::cli
