// A file while it arrives: the part beside the place where it will be. Spec transfer §6.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <stt/bytes.hpp>
#include <stt/result.hpp>

#include "../unique_fd.hpp"
#include "confined_directory.hpp"
#include "message.hpp"

namespace stt::cli {

// Renames within one folder; the result is 0 or an errno value. Without `replace`, EEXIST
// when something has the new name.
int rename_in_folder(int folder, const std::string& from, const std::string& to, bool replace);

// One part, held open and locked. All calls may come from any thread. Errors are errno
// values; ESTALE after revoke().
class PartFile {
public:
    // Makes or continues the part of `place`. Refuses what is not a regular file of our
    // own (ELOOP, EPERM), and what another process is receiving (EWOULDBLOCK).
    static Result<std::shared_ptr<PartFile>, int> open(const Place& place, std::string part_name);

    Result<std::uint64_t, int> size();
    Result<void, int> resize(std::uint64_t size);
    Result<void, int> write(std::uint64_t offset, Bytes data);
    // Fewer bytes than asked for only at the end of the part.
    Result<std::size_t, int> read(std::uint64_t offset, MutableBytes buffer);
    // Lets the disk begin to write [offset, offset + size), so that sync() is short.
    void start_write_back(std::uint64_t offset, std::uint64_t size);
    Result<void, int> set_attributes(std::uint32_t mode, const Timestamp& modified);
    Result<void, int> sync();
    // Gives the part its name. EEXIST when something has it, unless `replace`.
    Result<void, int> publish(bool replace);
    void remove();
    // Takes the part away from whoever receives it, and leaves it on the disk.
    void revoke();

    const Place& place() const noexcept { return place_; }

private:
    PartFile(Place place, std::string part_name, UniqueFd file);
    Result<void, int> check() const;

    const Place place_;
    const std::string part_name_;
    std::mutex mutex_;
    UniqueFd file_;  // closed after revoke(), publish() and remove()
};

// The parts that this process is receiving. A sender that was killed leaves its session
// behind for a while; when the same file is offered again, the new session takes over.
class PartRegistry {
public:
    void add(const std::string& key, std::shared_ptr<PartFile> part, const void* owner);
    void remove(const std::string& key, const void* owner);
    // Revokes the part under `key`. False when `owner` itself is receiving it.
    bool take_over(const std::string& key, const void* owner);

private:
    struct Entry {
        std::shared_ptr<PartFile> part;
        const void* owner;
    };
    std::mutex mutex_;
    std::map<std::string, Entry> entries_;
};

}  // namespace stt::cli
