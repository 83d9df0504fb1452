#include "cli/seed_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "cli/qr_code.hpp"
#include "temporary_folder.hpp"

using namespace stt::cli;

TEST_CASE("a new seed file has 64 hex digits, mode 0600 whatever the umask, and reads back") {
    const TemporaryFolder folder;
    for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
        const std::string path = folder.at("seed" + std::to_string(mask));
        const mode_t before = ::umask(mask);
        const auto created = create_seed_file(path);
        ::umask(before);
        REQUIRE(created);
        struct stat attributes {};
        REQUIRE(::stat(path.c_str(), &attributes) == 0);
        CHECK((attributes.st_mode & 07777) == 0600);
        CHECK(attributes.st_size == 65);
        const auto seed = read_seed_file(path);
        REQUIRE(seed);
        CHECK(hex_of(*seed) + "\n" == folder.read(std::filesystem::path(path).filename()));
    }
}

TEST_CASE("an existing file is not overwritten, not even through a link") {
    const TemporaryFolder folder;
    folder.write("there", "precious");
    CHECK(create_seed_file(folder.at("there")).error().code == ExitCode::seed_file);
    CHECK(folder.read("there") == "precious");
    std::filesystem::create_symlink("nowhere", folder.path() / "link");
    CHECK_FALSE(create_seed_file(folder.at("link")));
    CHECK_FALSE(create_seed_file(folder.at("no/such/folder")));
}

TEST_CASE("a seed file that others can read is refused with the command that mends it") {
    const TemporaryFolder folder;
    const std::string path = folder.at("it's");
    REQUIRE(create_seed_file(path));
    for (const mode_t mode :
         {mode_t{0640}, mode_t{0604}, mode_t{0620}, mode_t{0601}, mode_t{0644}}) {
        ::chmod(path.c_str(), mode);
        const auto seed = read_seed_file(path);
        REQUIRE_FALSE(seed);
        CHECK(seed.error().text.find("chmod 600 '" + folder.path().string() + "/it'\\''s'") !=
              std::string::npos);
    }
    ::chmod(path.c_str(), 0400);
    CHECK(read_seed_file(path));
}

TEST_CASE("what holds no seed is refused with one line that says how to make one") {
    const TemporaryFolder folder;
    const auto refused = [&](const std::string& name) {
        const auto seed = read_seed_file(folder.at(name));
        REQUIRE_FALSE(seed);
        CHECK(seed.error().code == ExitCode::seed_file);
        CHECK(seed.error().text.find('\n') == std::string::npos);
        CHECK(seed.error().text.find("stt seed new") != std::string::npos);
    };
    const auto with_content = [&](const std::string& content) {
        folder.write("seed", content);
        ::chmod(folder.at("seed").c_str(), 0600);
        refused("seed");
    };
    refused("missing");
    std::filesystem::create_directory(folder.path() / "folder");
    refused("folder");
    REQUIRE(::mkfifo(folder.at("fifo").c_str(), 0600) == 0);
    refused("fifo");
    with_content("");
    with_content("correct horse battery staple");
    with_content(std::string(30, 'a'));
    with_content(std::string(33, 'a'));
    with_content(std::string(64, 'a') + "g");
    with_content(std::string(64, 'a') + " " + std::string(64, 'a'));
    with_content(std::string(2 * stt::seed_size_max + 2, 'a'));
    with_content(std::string(1 << 20, 'a'));
}

TEST_CASE("a QR code has a quiet zone, and the same width in every line") {
    const auto code = render_qr_code(std::string(64, 'A'), QrColours::none);
    REQUIRE(code);
    std::size_t lines = 0;
    std::size_t start = 0;
    while (start < code->size()) {
        const std::size_t end = code->find('\n', start);
        const std::string line = code->substr(start, end - start);
        std::size_t columns = 0;
        for (const char byte : line) columns += (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
        CHECK(columns == 41);  // version 4: 33 modules, and 4 at each side
        if (lines < 2) CHECK(line.find(' ') == std::string::npos);
        ++lines;
        start = end + 1;
    }
    CHECK(lines == 21);
    CHECK(render_qr_code("x", QrColours::explicit_colours)->find("\x1b[") == 0);
    CHECK_FALSE(render_qr_code(std::string(8192, 'A'), QrColours::none));
}
