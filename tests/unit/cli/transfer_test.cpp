// Whole transfers, engine to engine.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <random>

#include "engine_pair.hpp"

using namespace stt::cli;
namespace fs = std::filesystem;

namespace {

std::string random_content(std::size_t size, unsigned seed) {
    std::mt19937_64 random(seed);
    std::string content(size, '\0');
    for (char& byte : content) byte = static_cast<char>(random());
    return content;
}

struct stat attributes_of(const std::string& path) {
    struct stat attributes {};
    REQUIRE(::lstat(path.c_str(), &attributes) == 0);
    return attributes;
}

void set_time(const std::string& path, time_t seconds, long nanoseconds) {
    const timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

void check_same(const std::string& a, const std::string& b) {
    CAPTURE(a);
    const struct stat first = attributes_of(a);
    const struct stat second = attributes_of(b);
    CHECK(first.st_mode == second.st_mode);
    CHECK(first.st_mtim.tv_sec == second.st_mtim.tv_sec);
    CHECK(first.st_mtim.tv_nsec == second.st_mtim.tv_nsec);
}

}  // namespace

TEST_CASE(
    "transfer §3.3, §5.8, §6.3: a folder arrives with names, content, modes, times and links") {
    const TemporaryFolder from, to;
    from.write("d/plain", "hello");
    from.write("d/empty", "");
    from.write("d/sub/deep/big", random_content(3'000'000, 1));
    from.write("d/sub/ü ber 日本", random_content(70'000, 2));
    fs::create_directories(from.path() / "d/none/at/all");
    fs::create_symlink("../plain", from.path() / "d/sub/link");
    fs::create_symlink("/etc/passwd", from.path() / "d/absolute");
    fs::create_symlink("../../x", from.path() / "d/sub/leaves");
    ::chmod(from.at("d/plain").c_str(), 04755);
    ::chmod(from.at("d/empty").c_str(), 0400);
    set_time(from.at("d/plain"), 1'000'000'000, 123'456'789);
    set_time(from.at("d/sub/link"), -5, 1);
    ::chmod(from.at("d/sub/deep").c_str(), 0555);
    set_time(from.at("d/sub/deep"), 77, 5);
    set_time(from.at("d"), 99, 0);
    REQUIRE(::mkfifo(from.at("d/fifo").c_str(), 0600) == 0);

    PartRegistry parts;
    EnginePair pair({from.at("d")}, to, parts);
    CHECK(pair.run());
    CHECK(pair.failures.empty());
    CHECK(pair.warnings.size() == 3);
    for (const char* name : {"d/empty", "d/sub/deep/big", "d/sub/ü ber 日本", "d/sub/deep", "d/sub",
                             "d", "d/none/at/all"}) {
        check_same(from.at(name), to.at(name));
    }
    CHECK((attributes_of(to.at("d/plain")).st_mode & 07777) == 0755);
    CHECK(attributes_of(to.at("d/plain")).st_mtim.tv_nsec == 123'456'789);
    CHECK(attributes_of(to.at("d/sub/link")).st_mtim.tv_sec == -5);
    CHECK(fs::read_symlink(to.path() / "d/sub/link") == "../plain");
    CHECK(from.read("d/sub/deep/big") == to.read("d/sub/deep/big"));
    CHECK(from.read("d/sub/ü ber 日本") == to.read("d/sub/ü ber 日本"));
    CHECK_FALSE(to.has("d/absolute"));
    CHECK_FALSE(to.has("d/sub/leaves"));
    CHECK(to.count() == from.count() - 3);
    CHECK(pair.sent.files_done == 4);
    CHECK(pair.received.files_done == 4);
    CHECK(pair.sent.bytes_done == pair.received.bytes_done);

    // Again: everything is there, and next to nothing is sent.
    EnginePair again({from.at("d")}, to, parts);
    CHECK(again.run());
    CHECK(again.sent.files_present == 4);
    CHECK(again.sent.bytes_content == 0);
}

TEST_CASE("transfer §8.1: thousands of files go without a round trip for each") {
    const TemporaryFolder from, to;
    for (int i = 0; i < 3000; ++i) {
        from.write("d/" + std::to_string(i % 7) + "/" + std::to_string(i), std::to_string(i));
    }
    PartRegistry parts;
    EnginePair pair({from.at("d")}, to, parts);
    CHECK(pair.run());
    CHECK(pair.sent.files_done == 3000);
    CHECK(to.count() == from.count());
    CHECK(to.read("d/3/3") == "3");
}

TEST_CASE("transfer §3.5: a sparse file stays sparse, wherever its holes are") {
    const TemporaryFolder from, to;
    const std::uint64_t size = 300u << 20;
    for (const std::uint64_t content_at :
         {std::uint64_t{0}, std::uint64_t{100} << 20, size - 5000}) {
        from.write("sparse", "");
        fs::resize_file(from.path() / "sparse", size);
        const UniqueFd file(::open(from.at("sparse").c_str(), O_WRONLY));
        const std::string content = random_content(5000, 3);
        REQUIRE(::pwrite(file.get(), content.data(), content.size(),
                         static_cast<off_t>(content_at)) == 5000);
        PartRegistry parts;
        EnginePair pair({from.at("sparse")}, to, parts);
        CHECK(pair.run());
        CHECK(pair.bytes < 100'000);
        CHECK(pair.sent.files_present == 0);
        const struct stat attributes = attributes_of(to.at("sparse"));
        CHECK(static_cast<std::uint64_t>(attributes.st_size) == size);
        CHECK(attributes.st_blocks * 512 < 100'000);
        const UniqueFd arrived(::open(to.at("sparse").c_str(), O_RDONLY));
        std::string read(content.size(), '\0');
        REQUIRE(::pread(arrived.get(), read.data(), read.size(), static_cast<off_t>(content_at)) ==
                5000);
        CHECK(read == content);
        fs::remove(to.path() / "sparse");
        fs::remove(from.path() / "sparse");
    }
}

TEST_CASE("transfer §3.6, §6.2: cut off anywhere, a transfer resumes and sends only the rest") {
    const TemporaryFolder from;
    const std::string content = random_content(1'000'000, 4);
    from.write("d/file", content);
    from.write("d/other", random_content(50'000, 5));
    std::mt19937 random(6);
    for (int round = 0; round < 40; ++round) {
        const TemporaryFolder to;
        PartRegistry parts;
        std::uint64_t first = 0;
        std::uint64_t kept = 0;
        {
            EnginePair pair({from.at("d")}, to, parts);
            CHECK_FALSE(pair.run(random() % 1'000'000));
            first = pair.sent.bytes_content;
            kept = pair.received.bytes_content;
        }
        EnginePair pair({from.at("d")}, to, parts);
        REQUIRE(pair.run());
        CHECK(to.read("d/file") == content);
        CHECK(to.count() == 3);
        CHECK(pair.sent.bytes_content + kept == 1'050'000);
        CHECK(first >= kept);
    }
}

TEST_CASE(
    "transfer §5.6, §6.1: a part that is not the file's beginning is discarded, and all is "
    "sent again") {
    const TemporaryFolder from, to;
    const std::string content = random_content(500'000, 7);
    from.write("file", content);
    PartRegistry parts;
    {
        EnginePair pair({from.at("file")}, to, parts);
        CHECK_FALSE(pair.run(200'000));
    }
    REQUIRE(to.count() == 1);
    const fs::path part = fs::directory_iterator(to.path())->path();
    CHECK(part.filename().string().starts_with(".file."));
    CHECK(part.extension() == ".stt-part");
    const UniqueFd file(::open(part.c_str(), O_WRONLY));
    REQUIRE(::pwrite(file.get(), "damage", 6, 1000) == 6);

    EnginePair pair({from.at("file")}, to, parts);
    CHECK(pair.run());
    CHECK(to.read("file") == content);
    CHECK(to.count() == 1);
    CHECK(pair.sent.bytes_done == 500'000);
    CHECK(pair.received.bytes_done == 500'000);
}

TEST_CASE("transfer §6.1: a file that changed since its part was made starts anew") {
    const TemporaryFolder from, to;
    from.write("file", random_content(500'000, 8));
    PartRegistry parts;
    {
        EnginePair pair({from.at("file")}, to, parts);
        CHECK_FALSE(pair.run(200'000));
    }
    const std::string content = random_content(500'000, 9);
    from.write("file", content);
    set_time(from.at("file"), 5, 5);
    EnginePair pair({from.at("file")}, to, parts);
    CHECK(pair.run());
    CHECK(pair.sent.bytes_content == 500'000);
    CHECK(to.read("file") == content);
    CHECK(to.count() == 2);  // and the part of the former content
}

TEST_CASE("transfer §6.4: a sender that comes again takes the part over from its dead session") {
    const TemporaryFolder from, to;
    const std::string content = random_content(900'000, 10);
    from.write("file", content);
    PartRegistry parts;
    EnginePair dead({from.at("file")}, to, parts);
    CHECK_FALSE(dead.run(400'000));
    EnginePair pair({from.at("file")}, to, parts);
    CHECK(pair.run());
    CHECK(pair.sent.bytes_content < 600'000);
    CHECK(to.read("file") == content);
    // Should it live after all, it is told, and harms nothing.
    CHECK(dead.run());
    CHECK(dead.refusals.size() == 1);
    CHECK(to.read("file") == content);
    CHECK(to.count() == 1);
}

TEST_CASE(
    "transfer §5.7, §6.5: what is there already is kept, and replaced only with --overwrite") {
    const TemporaryFolder from, to;
    from.write("d/size", "longer");
    from.write("d/same-size", "new");
    from.write("d/equal", "equal");
    from.write("d/folder", "a file");
    fs::create_symlink("equal", from.path() / "d/link");
    to.write("d/size", "old");
    to.write("d/same-size", "old");
    to.write("d/equal", "equal");
    fs::create_directory(to.path() / "d/folder");
    fs::create_symlink("elsewhere", to.path() / "d/link");
    PartRegistry parts;
    EnginePair keep({from.at("d")}, to, parts);
    CHECK(keep.run());
    CHECK(keep.failures.size() == 4);
    CHECK(keep.refusals.size() == 4);
    CHECK(keep.received.files_failed == 4);
    CHECK(to.read("d/size") == "old");
    CHECK(to.read("d/same-size") == "old");
    CHECK(fs::read_symlink(to.path() / "d/link") == "elsewhere");

    EnginePair replace({from.at("d")}, to, parts, true);
    CHECK(replace.run());
    CHECK(replace.failures.size() == 1);
    CHECK(to.read("d/size") == "longer");
    CHECK(to.read("d/same-size") == "new");
    CHECK(fs::read_symlink(to.path() / "d/link") == "equal");
    CHECK(fs::is_directory(to.path() / "d/folder"));
    CHECK(to.count() == from.count());
}

TEST_CASE(
    "transfer §4.4: a link in the target is not written through, neither as folder nor as "
    "file") {
    const TemporaryFolder from, to, outside;
    from.write("d/file", "attack");
    from.write("e", "attack");
    outside.write("victim", "safe");
    fs::create_symlink(outside.path(), to.path() / "d");
    fs::create_symlink(outside.path() / "victim", to.path() / "e");
    PartRegistry parts;
    for (const bool overwrite : {false, true}) {
        EnginePair pair({from.at("d"), from.at("e")}, to, parts, overwrite);
        CHECK(pair.run());
        CHECK(pair.received.files_failed >= 2);
        CHECK(outside.count() == 1);
        CHECK(outside.read("victim") == "safe");
    }
    CHECK(to.read("e") == "attack");  // --overwrite replaced the link itself
}

TEST_CASE("transfer §5.9: a file that changes between its offer and its content is not sent") {
    const TemporaryFolder from, to;
    from.write("d/a", random_content(100'000, 12));
    from.write("d/b", random_content(100'000, 13));
    from.write("d/c", random_content(100'000, 14));
    PartRegistry parts;
    EnginePair pair({from.at("d")}, to, parts);
    std::vector<std::uint8_t> buffer(64u * 1024);
    // The first step offers everything; its bytes reach the receiver before the changes.
    const SendEngine::Step step = pair.sender.step({}, buffer);
    pair.receiver.consume(stt::Bytes(buffer).first(step.size));
    from.write("d/a", "shrunk");
    fs::remove(from.path() / "d/b");
    CHECK(pair.run());
    CHECK(pair.failures.size() == 2);
    CHECK(pair.sent.files_done == 1);
    CHECK(pair.received.files_failed == 2);
    CHECK(to.read("d/c") == from.read("d/c"));
    CHECK(to.count() == 2);
}

TEST_CASE(
    "transfer §3.8: names that only one side can have are reported by the sender, and the rest "
    "goes") {
    const TemporaryFolder from, to;
    from.write("d/good", "x");
    from.write("d/new\nline", "x");
    from.write("d/\xff\xfe", "x");
    from.write("d/.old.0123456789abcdef.stt-part", "x");
    PartRegistry parts;
    EnginePair pair({from.at("d")}, to, parts);
    CHECK(pair.run());
    CHECK(pair.failures.size() == 2);
    CHECK(pair.warnings.size() == 1);
    CHECK(pair.sent.files_failed > 0);
    CHECK(pair.received.files_failed == pair.sent.files_failed);
    CHECK(to.read("d/good") == "x");
    CHECK(to.count() == 2);
}

TEST_CASE("roots are named after what they are, and two may not have one name") {
    const TemporaryFolder from;
    from.write("a/x", "1");
    from.write("b/x", "2");
    const auto name = [&](const std::string& path) { return source_roots({path})->front().name; };
    CHECK(name(from.at("a/x")) == "x");
    CHECK(name(from.at("a/")) == "a");
    CHECK(name(from.at("a///")) == "a");
    CHECK(name(from.at("a/.")) == "a");
    CHECK(name(from.at("a/../b")) == "b");
    CHECK_FALSE(source_roots({from.at("a/x"), from.at("b/x")}));
    CHECK_FALSE(source_roots({from.at("none")}));
    CHECK_FALSE(source_roots({"/"}));
    CHECK_FALSE(source_roots({"/dev/null"}));
}
