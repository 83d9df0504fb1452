#include "confined_directory.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace stt::cli {
namespace {

int open_beneath(int directory, const std::string& path, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags);
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    for (;;) {
        const long result = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
        // EAGAIN: something was renamed meanwhile, and the kernel could not be sure.
        if (result >= 0 || (errno != EAGAIN && errno != EINTR)) return static_cast<int>(result);
    }
}

int open_by_components(int directory, const std::string& path, int flags, mode_t mode) {
    UniqueFd current;
    std::size_t start = 0;
    for (;;) {
        const int parent = current ? current.get() : directory;
        const std::size_t slash = path.find('/', start);
        if (slash == std::string::npos) {
            return ::openat(parent, path.c_str() + start, flags, mode);
        }
        const std::string component = path.substr(start, slash - start);
        UniqueFd next(
            ::openat(parent, component.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) return -1;
        current = std::move(next);
        start = slash + 1;
    }
}

}  // namespace

ConfinedDirectory::ConfinedDirectory(UniqueFd directory, Resolve resolve)
    : directory_(std::move(directory)), resolve_(resolve) {
    if (resolve_ == Resolve::by_components) return;
    const UniqueFd probe(open_beneath(directory_.get(), ".", O_PATH | O_CLOEXEC, 0));
    // ENOSYS from an old kernel, EPERM from a container's filter.
    if (!probe) resolve_ = Resolve::by_components;
}

Result<UniqueFd, int> ConfinedDirectory::open(const std::string& path, int flags,
                                              mode_t mode) const {
    const int all_flags = flags | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd result(resolve_ == Resolve::by_openat2
                        ? open_beneath(directory_.get(), path, all_flags, mode)
                        : open_by_components(directory_.get(), path, all_flags, mode));
    if (!result) return Unexpected(errno);
    return result;
}

Result<Place, int> ConfinedDirectory::place(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
    if (cached_folder_ == nullptr || cached_path_ != folder) {
        // Readable, not O_PATH: it is synced when files in it have taken their names.
        STT_TRY(UniqueFd opened, open(folder, O_RDONLY | O_DIRECTORY));
        cached_folder_ = std::make_shared<const UniqueFd>(std::move(opened));
        cached_path_ = folder;
    }
    return Place{cached_folder_, path.substr(slash == std::string::npos ? 0 : slash + 1)};
}

}  // namespace stt::cli
