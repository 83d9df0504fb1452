#include "cli/transfer/confined_directory.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "temporary_folder.hpp"

using namespace stt::cli;

TEST_CASE("a confined folder opens what is below it and follows no link, either way of opening") {
    const TemporaryFolder outside;
    outside.write("secret", "secret");
    const TemporaryFolder folder;
    folder.write("a/b/file", "x");
    std::filesystem::create_symlink(outside.path(), folder.path() / "a/out");
    std::filesystem::create_symlink("b", folder.path() / "a/in");
    std::filesystem::create_symlink(outside.path() / "secret", folder.path() / "link");

    for (const auto resolve :
         {ConfinedDirectory::Resolve::by_openat2, ConfinedDirectory::Resolve::by_components}) {
        ConfinedDirectory confined(folder.open(), resolve);
        CHECK(confined.open("a/b/file", O_RDONLY));
        CHECK(confined.open("a/b", O_RDONLY | O_DIRECTORY));
        CHECK_FALSE(confined.open("a/out/secret", O_RDONLY));
        CHECK_FALSE(confined.open("a/in/file", O_RDONLY));
        CHECK_FALSE(confined.open("link", O_RDONLY));
        CHECK_FALSE(confined.open("a/out", O_RDONLY | O_DIRECTORY));
        CHECK_FALSE(confined.open("a/out/new", O_WRONLY | O_CREAT, 0600));
        CHECK_FALSE(confined.place("a/out/new"));
        CHECK_FALSE(confined.place("a/b/file/new"));
        CHECK_FALSE(confined.place("none/new"));
        const auto place = confined.place("a/b/new");
        REQUIRE(place);
        CHECK(place->name == "new");
        CHECK(confined.place("top")->name == "top");
    }
    CHECK_FALSE(outside.has("new"));
}
