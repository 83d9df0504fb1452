// What a sender sends: the named files and folders, one entry after the other.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <stt/result.hpp>
#include <vector>

#include "../exit_code.hpp"
#include "confined_directory.hpp"
#include "message.hpp"

namespace stt::cli {

// One PATH of the command line.
struct SourceRoot {
    std::string given;  // as the person wrote it
    std::string name;   // the first component of every path below it
};

// Checks that every path exists and has a name of its own. Two folders "a/x" and "b/x"
// cannot go in one transfer: both would become "x".
Result<std::vector<SourceRoot>, Problem> source_roots(const std::vector<std::string>& paths);

struct SourceEntry {
    Offer offer;           // without its item number
    std::size_t root = 0;  // index of the root that it comes from
};

// Walks depth first, and holds no more than the folders above the current entry open, so
// that its memory does not grow with the number of files.
class SourceTree {
public:
    enum class Severity {
        warning,  // not sent, and nobody expects it: a socket, a link that leaves the folder
        failure,  // the person asked for it, and it cannot be sent
    };
    using Report = std::function<void(Severity, std::string)>;

    SourceTree(std::vector<SourceRoot> roots, Report report);
    ~SourceTree();

    // A folder comes before what is in it, and again, as EntryKind::leave, after that.
    std::optional<SourceEntry> next();

    // Opens a file that next() gave, without following a link below its root.
    Result<UniqueFd, int> open_file(const SourceEntry& entry) const;

private:
    struct Level;

    std::optional<SourceEntry> next_root();
    std::optional<SourceEntry> next_child();
    std::optional<SourceEntry> classify(const std::string& name, const struct stat& attributes);
    std::optional<SourceEntry> enter(UniqueFd folder, const std::string& path,
                                     const struct stat& attributes);
    std::string display(const std::string& path) const;

    std::vector<SourceRoot> roots_;
    Report report_;
    std::size_t next_root_ = 0;
    std::vector<std::unique_ptr<ConfinedDirectory>> root_folders_;  // null for a single file
    std::vector<Level> levels_;
};

}  // namespace stt::cli
