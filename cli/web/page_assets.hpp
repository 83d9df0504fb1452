// The files of the page that stt web serves.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <stt/result.hpp>
#include <stt/web_page.hpp>

#include "../exit_code.hpp"
#include "../transfer/confined_directory.hpp"

namespace stt::cli {

struct Asset {
    std::string_view name;  // a path without a leading slash
    std::string_view content;
};

// Those that were there when the command was built: made by CMakeLists.txt, perhaps none.
std::span<const Asset> built_in_assets();

// The file that a request's path names, or empty when it names none: "/" is index.html, and names
// have letters, digits, '.', '-' and '_' and do not begin with '.'. So no path leads elsewhere.
std::string asset_name(std::string_view path);

std::string_view content_type_of(std::string_view name);

class PageAssets {
public:
    // A problem when there is no index.html.
    static Result<PageAssets, Problem> of(std::span<const Asset> assets);
    // Read anew at each request, for whoever works on the page.
    static Result<PageAssets, Problem> of_folder(const std::string& path);

    // 200 with the file, or 404; with headers that let the page do what it is for, and no more.
    HttpResponse answer(const HttpRequest& request) const;

private:
    PageAssets() = default;
    Result<std::string, int> read(const std::string& name) const;

    std::span<const Asset> assets_;
    std::shared_ptr<const ConfinedDirectory> folder_;  // null: `assets_`
};

}  // namespace stt::cli
