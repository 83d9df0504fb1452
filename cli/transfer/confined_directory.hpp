// A folder that no path below it can leave.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <string_view>
#include <stt/result.hpp>

#include "../unique_fd.hpp"

namespace stt::cli {

// A file inside a folder that is held open.
struct Place {
    std::shared_ptr<const UniqueFd> folder;
    std::string name;
};

// Opens what lies below one folder without ever following a symbolic link, not even one
// that another process puts there at the last moment. Errors are errno values.
//
// Uses openat2() with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS;
// on a kernel without it (before 5.6, or under a filter), openat() with O_NOFOLLOW for
// one component after the other.
class ConfinedDirectory {
public:
    enum class Resolve { by_openat2, by_components };

    explicit ConfinedDirectory(UniqueFd directory, Resolve resolve = Resolve::by_openat2);

    int descriptor() const noexcept { return directory_.get(); }

    // `path` has passed path_fault(). O_NOFOLLOW and O_CLOEXEC are added to `flags`.
    Result<UniqueFd, int> open(const std::string& path, int flags, mode_t mode = 0) const;

    // The folder that holds `path`, and the last component. The last folder is kept
    // open: files of one folder come one after another.
    Result<Place, int> place(const std::string& path);

private:
    UniqueFd directory_;
    Resolve resolve_;
    std::string cached_path_;
    std::shared_ptr<const UniqueFd> cached_folder_;
};

}  // namespace stt::cli
