#include "source_tree.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "../terminal_text.hpp"
#include "path_rules.hpp"

namespace stt::cli {
namespace {

std::string reason_of(int error) {
    return std::generic_category().message(error);
}

// The name that a path has on the other side: "dir" for "dir/", the real folder's for ".".
std::string name_of_path(const std::string& path) {
    std::string trimmed = path;
    while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
    std::string name = trimmed.substr(trimmed.rfind('/') + 1);
    if (name != "." && name != "..") return name;
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                           &std::free);
    if (real == nullptr) return name;
    trimmed = real.get();
    return trimmed.substr(trimmed.rfind('/') + 1);
}

Offer offer_of(EntryKind kind, std::string path, const struct stat& attributes) {
    Offer offer;
    offer.kind = kind;
    offer.path = std::move(path);
    if (kind == EntryKind::file) offer.size = static_cast<std::uint64_t>(attributes.st_size);
    offer.mode = attributes.st_mode & 0777;
    offer.modified = {attributes.st_mtim.tv_sec,
                      static_cast<std::uint32_t>(attributes.st_mtim.tv_nsec)};
    return offer;
}

Result<std::string, int> read_link(int folder, const std::string& name) {
    std::array<char, PATH_MAX + 1> buffer{};
    const ssize_t size = ::readlinkat(folder, name.c_str(), buffer.data(), buffer.size());
    if (size < 0) return Unexpected(errno);
    return std::string(buffer.data(), static_cast<std::size_t>(size));
}

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

}  // namespace

// A folder that is being read.
struct SourceTree::Level {
    std::unique_ptr<DIR, CloseDirectory> directory;
    Offer leave;  // with the folder's path
};

Result<std::vector<SourceRoot>, Problem> source_roots(const std::vector<std::string>& paths) {
    std::vector<SourceRoot> roots;
    std::set<std::string> names;
    const auto refuse = [](std::string text) {
        return Unexpected(Problem{ExitCode::usage, std::move(text)});
    };
    for (const std::string& path : paths) {
        struct stat attributes {};
        if (::stat(path.c_str(), &attributes) != 0) {
            return refuse(
                fmt::format("cannot send {}: {}; check the path", quoted(path), reason_of(errno)));
        }
        if (!S_ISREG(attributes.st_mode) && !S_ISDIR(attributes.st_mode)) {
            return refuse(
                fmt::format("cannot send {}: it is neither a file nor a folder; "
                            "stt pipe sends what a program writes",
                            quoted(path)));
        }
        std::string name = name_of_path(path);
        if (const auto fault = component_fault(name)) {
            return refuse(fmt::format("cannot send {}: {}; rename it", quoted(path), *fault));
        }
        if (!names.insert(name).second) {
            return refuse(
                fmt::format("two of the paths have the name {}; send them one after the "
                            "other, to different folders",
                            quoted(name)));
        }
        roots.push_back({path, std::move(name)});
    }
    return roots;
}

SourceTree::SourceTree(std::vector<SourceRoot> roots, Report report)
    : roots_(std::move(roots)), report_(std::move(report)), root_folders_(roots_.size()) {}

SourceTree::~SourceTree() = default;

std::string SourceTree::display(const std::string& path) const {
    return quoted(levels_.empty() ? path : levels_.back().leave.path + "/" + path);
}

std::optional<SourceEntry> SourceTree::next() {
    while (!levels_.empty() || next_root_ < roots_.size()) {
        if (auto entry = levels_.empty() ? next_root() : next_child()) {
            entry->root = next_root_ - 1;
            return entry;
        }
    }
    return std::nullopt;
}

std::optional<SourceEntry> SourceTree::next_root() {
    const SourceRoot& root = roots_[next_root_++];
    // A link that the person named is followed: it is what they asked for.
    UniqueFd opened(::open(root.given.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat attributes {};
    if (!opened || ::fstat(opened.get(), &attributes) != 0) {
        report_(Severity::failure,
                fmt::format("cannot read {}: {}", quoted(root.given), reason_of(errno)));
        return std::nullopt;
    }
    if (S_ISREG(attributes.st_mode)) {
        return SourceEntry{offer_of(EntryKind::file, root.name, attributes), 0};
    }
    if (!S_ISDIR(attributes.st_mode)) {
        report_(Severity::failure,
                fmt::format("{} is no file or folder any more", quoted(root.given)));
        return std::nullopt;
    }
    UniqueFd confined(::fcntl(opened.get(), F_DUPFD_CLOEXEC, 0));
    root_folders_[next_root_ - 1] = std::make_unique<ConfinedDirectory>(std::move(confined));
    return enter(std::move(opened), root.name, attributes);
}

std::optional<SourceEntry> SourceTree::enter(UniqueFd folder, const std::string& path,
                                             const struct stat& attributes) {
    const auto depth = std::count(path.begin(), path.end(), '/');
    if (static_cast<std::size_t>(depth) + 1 >= path_depth_max) {
        report_(Severity::failure, fmt::format("cannot send what is in {}: it lies too deep, below "
                                               "more than 126 folders",
                                               quoted(path)));
        return std::nullopt;
    }
    std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(folder.get()));
    if (directory == nullptr) {
        report_(Severity::failure,
                fmt::format("cannot read the folder {}: {}", quoted(path), reason_of(errno)));
        return std::nullopt;
    }
    folder.release();  // fdopendir() took it over
    levels_.push_back({std::move(directory), offer_of(EntryKind::leave, path, attributes)});
    return SourceEntry{offer_of(EntryKind::folder, path, attributes), 0};
}

std::optional<SourceEntry> SourceTree::next_child() {
    DIR* const directory = levels_.back().directory.get();
    errno = 0;
    const dirent* child = ::readdir(directory);
    if (child == nullptr) {
        if (errno != 0) {
            report_(Severity::failure,
                    fmt::format("cannot read all of the folder {}: {}",
                                quoted(levels_.back().leave.path), reason_of(errno)));
        }
        SourceEntry left{std::move(levels_.back().leave), 0};
        levels_.pop_back();
        return left;
    }
    const std::string name = child->d_name;
    if (name == "." || name == "..") return std::nullopt;
    if (is_part_name(name)) {
        report_(Severity::warning, fmt::format("skipping {}: it is the part file of another "
                                               "transfer",
                                               display(name)));
        return std::nullopt;
    }
    struct stat attributes {};
    if (::fstatat(::dirfd(directory), name.c_str(), &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
        report_(Severity::failure,
                fmt::format("cannot read {}: {}", display(name), reason_of(errno)));
        return std::nullopt;
    }
    return classify(name, attributes);
}

std::optional<SourceEntry> SourceTree::classify(const std::string& name,
                                                const struct stat& attributes) {
    const std::string path = levels_.back().leave.path + "/" + name;
    const int folder = ::dirfd(levels_.back().directory.get());
    if (!S_ISREG(attributes.st_mode) && !S_ISDIR(attributes.st_mode) &&
        !S_ISLNK(attributes.st_mode)) {
        report_(Severity::warning,
                fmt::format("skipping {}: it is a device, a socket or a named pipe", quoted(path)));
        return std::nullopt;
    }
    if (const auto fault = path_fault(path)) {
        report_(Severity::failure,
                fmt::format("cannot send {}: {}; rename it", quoted(path), *fault));
        return std::nullopt;
    }
    if (S_ISREG(attributes.st_mode)) {
        return SourceEntry{offer_of(EntryKind::file, path, attributes), 0};
    }
    if (S_ISDIR(attributes.st_mode)) {
        UniqueFd opened(
            ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (opened) return enter(std::move(opened), path, attributes);
        report_(Severity::failure,
                fmt::format("cannot read the folder {}: {}", quoted(path), reason_of(errno)));
        return std::nullopt;
    }
    const auto target = read_link(folder, name);
    if (!target) {
        report_(Severity::failure, fmt::format("cannot read the link {}: {}", quoted(path),
                                               reason_of(target.error())));
        return std::nullopt;
    }
    if (const auto fault = link_fault(path, *target)) {
        report_(Severity::warning, fmt::format("skipping the link {}: {}", quoted(path), *fault));
        return std::nullopt;
    }
    SourceEntry entry{offer_of(EntryKind::link, path, attributes), 0};
    entry.offer.target = *target;
    return entry;
}

Result<UniqueFd, int> SourceTree::open_file(const SourceEntry& entry) const {
    constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
    const ConfinedDirectory* folder = root_folders_[entry.root].get();
    if (folder != nullptr) {
        return folder->open(entry.offer.path.substr(roots_[entry.root].name.size() + 1), flags);
    }
    UniqueFd opened(::open(roots_[entry.root].given.c_str(), flags | O_CLOEXEC));
    if (!opened) return Unexpected(errno);
    return opened;
}

}  // namespace stt::cli
