#include "cli/transfer/path_rules.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

using namespace stt::cli;

TEST_CASE("transfer §4.2: plain names, spaces, UTF-8 and odd punctuation are taken") {
    for (const char* path : {"a", "a/b/c", "Grüße/日本 語.txt", "...", "..a", "a..", " ", "-rf",
                             "a\\b", "C:", "~", "*", ".hidden", "x.stt-part.old"}) {
        CAPTURE(path);
        CHECK_FALSE(path_fault(path));
    }
}

TEST_CASE("transfer §4.2: names that could leave the folder, or are no text, are refused") {
    for (const char* path : {"",
                             "/",
                             "/etc/passwd",
                             "..",
                             "../a",
                             "a/..",
                             "a/../b",
                             "a/../../b",
                             ".",
                             "./a",
                             "a/./b",
                             "a//b",
                             "a/",
                             "//a",
                             "a\nb",
                             "a\x1b[2J",
                             "a\x7f",
                             "a\xc2\x85",
                             "\xff",
                             "\xc0\xae\xc0\xae/a",
                             "\xed\xa0\x80",
                             ".x.0123456789abcdef.stt-part",
                             "a.STT-Part/b",
                             "d/.stt-part"}) {
        CAPTURE(path);
        CHECK(path_fault(path));
    }
    CHECK(path_fault(std::string_view("a\0b", 3)));
    CHECK(path_fault(std::string_view("\0", 1)));
}

TEST_CASE("transfer §4.2: n-1, n and n+1 of each limit") {
    CHECK_FALSE(path_fault(std::string(component_size_max, 'a')));
    CHECK(path_fault(std::string(component_size_max + 1, 'a')));

    std::string deep = "a";
    for (std::size_t i = 1; i < path_depth_max; ++i) deep += "/a";
    CHECK_FALSE(path_fault(deep));
    CHECK(path_fault(deep + "/a"));

    std::string long_path;
    while (long_path.size() < path_size_max - 200) long_path += std::string(100, 'b') + "/";
    long_path += std::string(path_size_max - long_path.size(), 'c');
    CHECK_FALSE(path_fault(long_path));
    CHECK(path_fault(long_path + "c"));
}

TEST_CASE("transfer §4.2: whatever passes stays below its folder, over random paths") {
    const std::vector<std::string> pieces{"a",  "b", ".",    "..",   "/",         "//", "...",
                                          "\n", "é", "\xff", "\xc2", ".stt-part", "~",  " "};
    std::mt19937 random(1);
    std::size_t taken = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string path;
        for (auto count = random() % 8; count > 0; --count)
            path += pieces[random() % pieces.size()];
        if (path_fault(path)) continue;
        ++taken;
        const std::filesystem::path joined = std::filesystem::path("/root-of-all/dir") / path;
        const std::string normal = joined.lexically_normal().string();
        REQUIRE(normal.starts_with("/root-of-all/dir/"));
        REQUIRE(normal == "/root-of-all/dir/" + path);
    }
    CHECK(taken > 1000);
}

TEST_CASE("transfer §4.3: a link may climb to the sent folder and not out of it") {
    CHECK_FALSE(link_fault("d/l", "x"));
    CHECK_FALSE(link_fault("d/l", "./x//y"));
    CHECK_FALSE(link_fault("d/e/l", "../x"));
    CHECK_FALSE(link_fault("d/e/f/l", "../../x/y"));
    CHECK(link_fault("d/l", "../x"));
    CHECK(link_fault("d/e/l", "../../x"));
    CHECK(link_fault("d/e/l", "/x"));
    CHECK(link_fault("d/e/l", ""));
    CHECK(link_fault("l", "x"));
    CHECK(link_fault("d/e/l", "a\nb"));
    CHECK(link_fault("d/e/l", std::string(path_size_max + 1, 'a')));
    // "up" may itself be a link: what its ".." means is not written here.
    CHECK(link_fault("d/e/l", "up/../x"));
    CHECK(link_fault("d/e/f/l", "../up/../x"));
}
