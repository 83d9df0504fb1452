#include "page_assets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "../terminal_text.hpp"

namespace stt::cli {
namespace {

constexpr std::size_t name_size_max = 255;
// Of a file in a folder. Chosen: ten times what a page with its module has.
constexpr std::size_t file_size_max = 32u << 20;

constexpr std::string_view front_page = "index.html";
constexpr std::string_view other_type = "application/octet-stream";

struct TypeOfSuffix {
    std::string_view suffix;
    std::string_view type;
};
constexpr std::array<TypeOfSuffix, 15> types{{{".html", "text/html; charset=utf-8"},
                                              {".js", "text/javascript; charset=utf-8"},
                                              {".mjs", "text/javascript; charset=utf-8"},
                                              {".css", "text/css; charset=utf-8"},
                                              {".wasm", "application/wasm"},
                                              {".json", "application/json"},
                                              {".map", "application/json"},
                                              {".webmanifest", "application/manifest+json"},
                                              {".txt", "text/plain; charset=utf-8"},
                                              {".svg", "image/svg+xml"},
                                              {".png", "image/png"},
                                              {".jpg", "image/jpeg"},
                                              {".webp", "image/webp"},
                                              {".ico", "image/x-icon"},
                                              {".woff2", "font/woff2"}}};

// Nothing but what this node serves may run or be loaded, and nobody may frame the page. Sessions
// go to any node (connect-src); files and streams that came are shown from memory (blob:).
constexpr std::string_view content_security_policy =
    "default-src 'self'; connect-src 'self' ws: wss:; script-src 'self' 'wasm-unsafe-eval'; "
    "img-src 'self' blob: data:; media-src 'self' blob: mediastream:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

bool is_of_name(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '.' || character == '-' ||
           character == '_';
}

void add_headers(HttpResponse& response, std::string_view type) {
    const auto add = [&response](std::string_view name, std::string_view value) {
        response.headers.emplace_back(name, value);
    };
    add("Content-Type", type);
    add("Cache-Control", "no-cache");
    add("Content-Security-Policy", content_security_policy);
    add("Cross-Origin-Opener-Policy", "same-origin");
    add("Cross-Origin-Resource-Policy", "same-origin");
    add("Referrer-Policy", "no-referrer");
    add("X-Content-Type-Options", "nosniff");
}

Result<std::string, int> read_all(const UniqueFd& file) {
    struct stat attributes {};
    if (::fstat(file.get(), &attributes) != 0) return Unexpected(errno);
    if (!S_ISREG(attributes.st_mode)) return Unexpected(ENOENT);
    if (attributes.st_size > static_cast<off_t>(file_size_max)) return Unexpected(EFBIG);
    std::string content(static_cast<std::size_t>(attributes.st_size), '\0');
    std::size_t filled = 0;
    while (filled < content.size()) {
        const ssize_t count = ::read(file.get(), content.data() + filled, content.size() - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Unexpected(errno);
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    content.resize(filled);
    return content;
}

}  // namespace

std::string asset_name(std::string_view path) {
    if (path == "/") return std::string(front_page);
    if (path.size() < 2 || path.size() > name_size_max || path[0] != '/') return {};
    bool begins_component = true;
    for (const char character : path.substr(1)) {
        const bool is_slash = character == '/';
        if (begins_component && (is_slash || character == '.')) return {};
        if (!is_slash && !is_of_name(character)) return {};
        begins_component = is_slash;
    }
    return begins_component ? std::string() : std::string(path.substr(1));
}

std::string_view content_type_of(std::string_view name) {
    const auto found = std::find_if(types.begin(), types.end(), [name](const TypeOfSuffix& one) {
        return name.ends_with(one.suffix);
    });
    return found == types.end() ? other_type : found->type;
}

Result<PageAssets, Problem> PageAssets::of(std::span<const Asset> assets) {
    PageAssets page;
    page.assets_ = assets;
    if (page.read(std::string(front_page))) return page;
    return Unexpected(
        Problem{ExitCode::usage,
                "this stt was built without the page: build it by scripts/build-web, then stt "
                "again by scripts/build; or name a folder that has it with --assets DIR"});
}

Result<PageAssets, Problem> PageAssets::of_folder(const std::string& path) {
    UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) {
        return Unexpected(Problem{
            ExitCode::usage, fmt::format("cannot serve {}: {}; give the folder that "
                                         "scripts/build-web made",
                                         quoted(path), std::generic_category().message(errno))});
    }
    PageAssets page;
    page.folder_ = std::make_shared<const ConfinedDirectory>(std::move(folder));
    if (page.read(std::string(front_page))) return page;
    return Unexpected(
        Problem{ExitCode::usage, fmt::format("{} has no {}; give the folder that scripts/build-web "
                                             "made",
                                             quoted(path), front_page)});
}

Result<std::string, int> PageAssets::read(const std::string& name) const {
    if (folder_) {
        // Not to wait for the writer of a named pipe.
        STT_TRY(const UniqueFd file, folder_->open(name, O_RDONLY | O_NONBLOCK));
        return read_all(file);
    }
    const auto found = std::find_if(assets_.begin(), assets_.end(),
                                    [&name](const Asset& asset) { return asset.name == name; });
    if (found == assets_.end()) return Unexpected(ENOENT);
    return std::string(found->content);
}

HttpResponse PageAssets::answer(const HttpRequest& request) const {
    HttpResponse response;
    const std::string name = asset_name(request.path);
    auto content = name.empty() ? Result<std::string, int>(Unexpected(ENOENT)) : read(name);
    if (content) {
        response.status = 200;
        response.body = *std::move(content);
        add_headers(response, content_type_of(name));
    } else {
        response.status = 404;
        response.body = "There is nothing here.\n";
        add_headers(response, "text/plain; charset=utf-8");
    }
    return response;
}

}  // namespace stt::cli
