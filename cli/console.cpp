#include "console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

namespace stt::cli {
namespace {

// A terminal or a log that went away must not stop a transfer: errors are ignored.
void write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

// Back to the first column, and erase to the end of the line.
constexpr std::string_view erase_line = "\r\x1b[K";

}  // namespace

void Console::say(std::string_view line) {
    write_line(STDOUT_FILENO, line);
}

void Console::note(std::string_view line) {
    write_line(STDERR_FILENO, line);
}

void Console::error(std::string_view text) {
    write_line(STDERR_FILENO, std::string("stt: ").append(text));
}

void Console::warning(std::string_view text) {
    write_line(STDERR_FILENO, std::string("stt: warning: ").append(text));
}

void Console::write_line(int descriptor, std::string_view line) {
    const std::lock_guard lock(mutex_);
    if (!bar_.empty()) write_all(STDOUT_FILENO, erase_line);
    write_all(descriptor, std::string(line).append("\n"));
    if (!bar_.empty()) write_all(STDOUT_FILENO, bar_);
}

void Console::draw_bar(std::string_view bar) {
    const std::lock_guard lock(mutex_);
    bar_ = bar;
    write_all(STDOUT_FILENO, std::string(erase_line).append(bar));
}

void Console::clear_bar() {
    const std::lock_guard lock(mutex_);
    if (!bar_.empty()) write_all(STDOUT_FILENO, erase_line);
    bar_.clear();
}

bool Console::output_is_terminal() {
    const char* kind = std::getenv("TERM");
    const bool is_dumb = kind == nullptr || std::string_view(kind) == "dumb";
    return ::isatty(STDOUT_FILENO) == 1 && !is_dumb;
}

unsigned Console::columns() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

}  // namespace stt::cli
