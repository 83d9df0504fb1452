#include "cli/web/page_assets.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>

#include "tests/unit/cli/temporary_folder.hpp"

namespace stt::cli {
namespace {

HttpResponse get(const PageAssets& page, std::string path) {
    return page.answer({std::move(path), {}, {}});
}
std::string header(const HttpResponse& response, std::string_view name) {
    for (const auto& [each, value] : response.headers) {
        if (each == name) return value;
    }
    return {};
}

TEST_CASE("a path names a file of the page, or nothing") {
    CHECK(asset_name("/") == "index.html");
    CHECK(asset_name("/stt.wasm") == "stt.wasm");
    CHECK(asset_name("/a/b-c_1.js") == "a/b-c_1.js");
    for (const char* path : {"", "x", "//", "/a/", "/..", "/../x", "/a/../b", "/.git", "/a//b",
                             "/%2e", "/a\\b", "/a b", "/./a", "/a/.b", "/\xc3\xa9"}) {
        CAPTURE(path);
        CHECK(asset_name(path).empty());
    }
    CHECK(asset_name("/" + std::string(300, 'a')).empty());
}

TEST_CASE("what is built in is served with its type, and headers that keep the page in") {
    const std::array<Asset, 2> assets{{{"index.html", "<p>"}, {"stt.wasm", "asm"}}};
    const auto page = PageAssets::of(assets);
    REQUIRE(page.has_value());
    const HttpResponse front = get(*page, "/");
    CHECK(front.status == 200);
    CHECK(front.body == "<p>");
    CHECK(header(front, "Content-Type") == "text/html; charset=utf-8");
    CHECK(header(get(*page, "/stt.wasm"), "Content-Type") == "application/wasm");
    CHECK(header(front, "Content-Security-Policy").find("frame-ancestors 'none'") !=
          std::string::npos);
    CHECK(header(front, "X-Content-Type-Options") == "nosniff");
    CHECK(get(*page, "/other").status == 404);
    const auto none = PageAssets::of({});
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().text.find("scripts/build-web") != std::string::npos);
}

TEST_CASE("a folder is served without leaving it") {
    TemporaryFolder folder;
    CHECK_FALSE(PageAssets::of_folder(folder.path().string()).has_value());
    folder.write("outside", "secret");
    std::filesystem::create_directory(folder.path() / "page");
    folder.write("page/index.html", "one");
    REQUIRE(::symlink("../outside", (folder.path() / "page/link").c_str()) == 0);
    const auto page = PageAssets::of_folder((folder.path() / "page").string());
    REQUIRE(page.has_value());
    CHECK(get(*page, "/").body == "one");
    folder.write("page/index.html", "two");
    CHECK(get(*page, "/index.html").body == "two");
    CHECK(get(*page, "/link").status == 404);
    CHECK(get(*page, "/../outside").status == 404);
    CHECK_FALSE(PageAssets::of_folder((folder.path() / "none").string()).has_value());
}

}  // namespace
}  // namespace stt::cli
