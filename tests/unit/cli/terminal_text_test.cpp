#include "cli/terminal_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace stt::cli;

TEST_CASE("visible text: what acts on a terminal is escaped, the rest stays") {
    CHECK(visible("Grüße 日本.txt") == "Grüße 日本.txt");
    CHECK(visible("a\x1b[2Jb\n\r\t\x7f") == "a\\x1b[2Jb\\x0a\\x0d\\x09\\x7f");
    CHECK(visible(std::string_view("a\0b", 3)) == "a\\x00b");
    CHECK(visible("\xc2\x9b") == "\\u{9b}");              // CSI in one code point
    CHECK(visible("\xe2\x80\xae") == "\\u{202e}");        // right-to-left override
    CHECK(visible("\xe2\x80\xa8") == "\\u{2028}");        // line separator
    CHECK(visible("\xff\xc3") == "\\xff\\xc3");           // not UTF-8
    CHECK(visible("\xc0\xaf") == "\\xc0\\xaf");           // overlong
    CHECK(visible("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // surrogate
}

TEST_CASE("visible text: every two bytes give text without control characters") {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const char text[] = {static_cast<char>(first), static_cast<char>(second)};
            for (const char character : visible(std::string_view(text, 2))) {
                const auto byte = static_cast<unsigned char>(character);
                REQUIRE(byte >= 0x20);
                REQUIRE(byte != 0x7f);
            }
        }
    }
}

TEST_CASE("a proposed command survives quotes in a name") {
    CHECK(shell_quoted("a b") == "'a b'");
    CHECK(shell_quoted("it's") == "'it'\\''s'");
}

TEST_CASE("sizes, rates, durations and counts are rounded for people") {
    CHECK(format_size(0) == "0 bytes");
    CHECK(format_size(1) == "1 byte");
    CHECK(format_size(999) == "999 bytes");
    CHECK(format_size(1000) == "1.0 kB");
    CHECK(format_size(999'949) == "999.9 kB");
    CHECK(format_size(999'999) == "1.0 MB");
    CHECK(format_size(1'500'000'000) == "1.5 GB");
    CHECK(format_size(~0ull) == "18.4 EB");
    CHECK(format_rate(262'500'000) == "2.10 Gbit/s");
    CHECK(format_rate(125'000) == "1 Mbit/s");
    CHECK(format_rate(125) == "1 kbit/s");
    CHECK(format_duration(std::chrono::milliseconds(440)) == "0.4 s");
    CHECK(format_duration(std::chrono::seconds(59)) == "59 s");
    CHECK(format_duration(std::chrono::milliseconds(59'600)) == "1:00");
    CHECK(format_duration(std::chrono::seconds(7325)) == "2:02:05");
    CHECK(format_count(1, "file", "files") == "1 file");
    CHECK(format_count(1234567, "file", "files") == "1,234,567 files");
}
