#include "target_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string_view>

#include "part_name.hpp"

namespace stt::cli {
namespace {

constexpr mode_t owner_all = S_IRWXU;
// Folders with changed names that are held open; beyond that they are synced at once.
constexpr std::size_t changed_max = 64;
constexpr std::size_t read_size = 256u * 1024;

std::array<timespec, 2> times_of(const Timestamp& modified) {
    return {timespec{0, UTIME_OMIT},
            timespec{modified.seconds, static_cast<long>(modified.nanoseconds)}};
}

bool is_link_to(const Place& place, const std::string& target) {
    std::array<char, PATH_MAX + 1> buffer{};
    const ssize_t size =
        ::readlinkat(place.folder->get(), place.name.c_str(), buffer.data(), buffer.size());
    return size >= 0 && std::string_view(buffer.data(), static_cast<std::size_t>(size)) == target;
}

}  // namespace

Result<std::optional<struct stat>, int> TargetFolder::attributes(const Place& place) const {
    struct stat found {};
    if (::fstatat(place.folder->get(), place.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
        return std::optional<struct stat>(found);
    }
    if (errno == ENOENT) return std::optional<struct stat>();
    return Unexpected(errno);
}

Result<ContentDigest::Output, int> TargetFolder::digest_of(const Place& place,
                                                           std::uint64_t size) const {
    const UniqueFd file(::openat(place.folder->get(), place.name.c_str(),
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file) return Unexpected(errno);
    ContentDigest digest;
    std::vector<std::uint8_t> buffer(read_size);
    std::uint64_t done = 0;
    while (done < size) {
        const ssize_t count =
            ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Unexpected(errno);
        if (count == 0) break;
        digest.update(Bytes(buffer).first(static_cast<std::size_t>(count)));
        done += static_cast<std::uint64_t>(count);
    }
    return digest.finish();
}

Result<void, int> TargetFolder::make_folder(const Offer& offer) {
    STT_TRY(const Place place, root_.place(offer.path));
    const int parent = place.folder->get();
    const bool made = ::mkdirat(parent, place.name.c_str(), owner_all) == 0;
    if (!made && errno != EEXIST) return Unexpected(errno);
    if (made) note_change(place.folder);
    // A file or a link of that name: ENOTDIR or ELOOP.
    const UniqueFd folder(
        ::openat(parent, place.name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return Unexpected(errno);
    struct stat found {};
    if (::fstat(folder.get(), &found) != 0) return Unexpected(errno);
    if ((found.st_mode & owner_all) == owner_all || found.st_uid != ::geteuid()) return {};
    const std::string self = fmt::format("/proc/self/fd/{}", folder.get());
    if (::chmod(self.c_str(), (found.st_mode & 07777) | owner_all) != 0) return Unexpected(errno);
    return {};
}

Result<void, int> TargetFolder::leave_folder(const Offer& offer) {
    STT_TRY(const UniqueFd folder, root_.open(offer.path, O_RDONLY | O_DIRECTORY));
    struct stat found {};
    if (::fstat(folder.get(), &found) != 0) return Unexpected(errno);
    // A folder that belongs to someone else keeps its mode and time.
    if (found.st_uid != ::geteuid()) return {};
    if (::futimens(folder.get(), times_of(offer.modified).data()) != 0) return Unexpected(errno);
    // What the receiver's user set beyond permissions, such as an inherited group, stays.
    if (::fchmod(folder.get(), (found.st_mode & 07000) | offer.mode) != 0) return Unexpected(errno);
    return {};
}

Result<bool, int> TargetFolder::make_link(const Offer& offer, bool replace) {
    STT_TRY(const Place place, root_.place(offer.path));
    const int parent = place.folder->get();
    if (is_link_to(place, offer.target)) return true;
    STT_TRY(const std::optional<struct stat> found, attributes(place));
    if (found && (!replace || S_ISDIR(found->st_mode))) return Unexpected(EEXIST);
    // Made under the part's name first: a link appears with its time, and replaces at once.
    const std::string part = part_name(offer);
    ::unlinkat(parent, part.c_str(), 0);
    if (::symlinkat(offer.target.c_str(), parent, part.c_str()) != 0) return Unexpected(errno);
    ::utimensat(parent, part.c_str(), times_of(offer.modified).data(), AT_SYMLINK_NOFOLLOW);
    const int error = rename_in_folder(parent, part, place.name, replace);
    if (error != 0) {
        ::unlinkat(parent, part.c_str(), 0);
        return Unexpected(error);
    }
    note_change(place.folder);
    return false;
}

void TargetFolder::note_change(const std::shared_ptr<const UniqueFd>& folder) {
    if (std::find(changed_.begin(), changed_.end(), folder) != changed_.end()) return;
    if (changed_.size() == changed_max) {
        // Its error, if any, comes again with the next sync of the same folder.
        ::fsync(changed_.front()->get());
        changed_.erase(changed_.begin());
    }
    changed_.push_back(folder);
}

Result<void, int> TargetFolder::sync_folders() {
    int error = 0;
    for (const auto& folder : std::exchange(changed_, {})) {
        if (::fsync(folder->get()) != 0) error = errno;
    }
    if (error != 0) return Unexpected(error);
    return {};
}

Result<void, int> TargetFolder::sync_all() const {
    if (::syncfs(root_.descriptor()) != 0) return Unexpected(errno);
    return {};
}

}  // namespace stt::cli
