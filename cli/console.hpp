// Standard output and standard error of the tool, shared by all its threads.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace stt::cli {

// Lines appear whole, and above the progress bar when there is one.
class Console {
public:
    // Facts for the person go to standard output.
    void say(std::string_view line);
    // The same on standard error, for a command whose output is the data.
    void note(std::string_view line);
    // "stt: TEXT" on standard error.
    void error(std::string_view text);
    // "stt: warning: TEXT" on standard error.
    void warning(std::string_view text);

    // Draws or replaces the one progress line at the bottom of the terminal.
    void draw_bar(std::string_view bar);
    void clear_bar();

    // Whether a progress bar can be drawn, and how many columns it may have.
    static bool output_is_terminal();
    static unsigned columns();

private:
    void write_line(int descriptor, std::string_view line);

    std::mutex mutex_;
    std::string bar_;
};

}  // namespace stt::cli
