// Text that is safe and readable on a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace stt::cli {

// `text` with everything escaped that could move the cursor, colour the screen, reverse
// the reading direction or is no UTF-8 at all. Names and reasons from a peer go through it.
std::string visible(std::string_view text);

// visible() in single quotes.
std::string quoted(std::string_view text);

// What an error says, visible() and without the capital that some begin with.
std::string reason_within_sentence(std::error_code error);

// A word that a shell reads as `text`, for commands that a message proposes.
std::string shell_quoted(std::string_view text);

// "0 bytes", "999 bytes", "1.0 kB", "200.0 MB": powers of ten.
std::string format_size(std::uint64_t bytes);

// Bits a second: "850 kbit/s", "2.10 Gbit/s".
std::string format_rate(double bytes_per_second);

// "0.4 s", "12 s", "3:05", "2:10:00".
std::string format_duration(std::chrono::duration<double> duration);

// "1 file", "2,000 files".
std::string format_count(std::uint64_t count, std::string_view singular, std::string_view plural);

}  // namespace stt::cli
