// What a receiver does to folders, links and finished files in DIR. Spec transfer §4, §6.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <stt/content_digest.hpp>
#include <stt/result.hpp>
#include <utility>
#include <vector>

#include "confined_directory.hpp"
#include "message.hpp"
#include "part_file.hpp"

namespace stt::cli {

// Not safe to share: each session has its own. Errors are errno values.
class TargetFolder {
public:
    explicit TargetFolder(UniqueFd directory) : root_(std::move(directory)) {}

    Result<Place, int> place(const std::string& path) { return root_.place(path); }
    // Null when there is nothing of that name.
    Result<std::optional<struct stat>, int> attributes(const Place& place) const;
    Result<ContentDigest::Output, int> digest_of(const Place& place, std::uint64_t size) const;

    // A folder that is there already is kept. It stays writable for us until leave_folder().
    Result<void, int> make_folder(const Offer& offer);
    Result<void, int> leave_folder(const Offer& offer);
    // True when the same link was there already. EEXIST when something else is, and
    // `replace` is not set.
    Result<bool, int> make_link(const Offer& offer, bool replace);

    // Notes that names in this folder changed; sync_folders() writes them to the disk.
    void note_change(const std::shared_ptr<const UniqueFd>& folder);
    Result<void, int> sync_folders();
    // Everything on the file system of DIR: one call instead of one for each of many files.
    Result<void, int> sync_all() const;

private:
    ConfinedDirectory root_;
    std::vector<std::shared_ptr<const UniqueFd>> changed_;
};

}  // namespace stt::cli
