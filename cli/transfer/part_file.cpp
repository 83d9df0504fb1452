#include "part_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace stt::cli {
namespace {

// Only the owner may look at half a file; the offered mode comes when it is whole.
constexpr mode_t part_mode = S_IRUSR | S_IWUSR;
constexpr int part_flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

Result<UniqueFd, int> open_part(int folder, const std::string& name) {
    UniqueFd file(::openat(folder, name.c_str(), part_flags | O_CREAT, part_mode));
    if (!file && errno == EACCES) {
        // A crash between set_attributes() and publish() leaves a part that its owner may
        // not write to any more. It is ours to begin again.
        ::unlinkat(folder, name.c_str(), 0);
        file = UniqueFd(::openat(folder, name.c_str(), part_flags | O_CREAT | O_EXCL, part_mode));
    }
    if (!file) return Unexpected(errno);
    return file;
}

}  // namespace

int rename_in_folder(int folder, const std::string& from, const std::string& to, bool replace) {
    if (replace) {
        return ::renameat(folder, from.c_str(), folder, to.c_str()) == 0 ? 0 : errno;
    }
    if (::syscall(SYS_renameat2, folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) {
        return 0;
    }
    // Missing on NFS and on some FUSE file systems, where link() refuses as well as it does.
    if (errno != EINVAL && errno != ENOSYS) return errno;
    if (::linkat(folder, from.c_str(), folder, to.c_str(), 0) != 0) return errno;
    ::unlinkat(folder, from.c_str(), 0);
    return 0;
}

PartFile::PartFile(Place place, std::string part_name, UniqueFd file)
    : place_(std::move(place)), part_name_(std::move(part_name)), file_(std::move(file)) {}

Result<std::shared_ptr<PartFile>, int> PartFile::open(const Place& place, std::string part_name) {
    STT_TRY(UniqueFd file, open_part(place.folder->get(), part_name));
    struct stat attributes {};
    if (::fstat(file.get(), &attributes) != 0) return Unexpected(errno);
    // Another user could have put a hard link to someone's file here.
    const bool is_ours =
        S_ISREG(attributes.st_mode) && attributes.st_nlink == 1 && attributes.st_uid == ::geteuid();
    if (!is_ours) return Unexpected(EPERM);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return Unexpected(errno);
    return std::shared_ptr<PartFile>(new PartFile(place, std::move(part_name), std::move(file)));
}

Result<void, int> PartFile::check() const {
    if (!file_) return Unexpected(ESTALE);
    return {};
}

Result<std::uint64_t, int> PartFile::size() {
    const std::lock_guard lock(mutex_);
    STT_TRY_VOID(check());
    struct stat attributes {};
    if (::fstat(file_.get(), &attributes) != 0) return Unexpected(errno);
    return static_cast<std::uint64_t>(attributes.st_size);
}

Result<void, int> PartFile::resize(std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    STT_TRY_VOID(check());
    if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) return Unexpected(errno);
    return {};
}

Result<void, int> PartFile::write(std::uint64_t offset, Bytes data) {
    const std::lock_guard lock(mutex_);
    STT_TRY_VOID(check());
    while (!data.empty()) {
        const ssize_t count =
            ::pwrite(file_.get(), data.data(), data.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Unexpected(errno);
        // A disk that takes nothing and names no error is full.
        if (count == 0) return Unexpected(ENOSPC);
        data = data.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

Result<std::size_t, int> PartFile::read(std::uint64_t offset, MutableBytes buffer) {
    const std::lock_guard lock(mutex_);
    STT_TRY_VOID(check());
    std::size_t filled = 0;
    while (filled < buffer.size()) {
        const ssize_t count = ::pread(file_.get(), buffer.data() + filled, buffer.size() - filled,
                                      static_cast<off_t>(offset + filled));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Unexpected(errno);
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    return filled;
}

void PartFile::start_write_back(std::uint64_t offset, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    if (!file_) return;
    // Only a hint: sync() finds every error.
    ::sync_file_range(file_.get(), static_cast<off_t>(offset), static_cast<off_t>(size),
                      SYNC_FILE_RANGE_WRITE);
}

Result<void, int> PartFile::set_attributes(std::uint32_t mode, const Timestamp& modified) {
    const std::lock_guard lock(mutex_);
    STT_TRY_VOID(check());
    const timespec times[2] = {{0, UTIME_OMIT},
                               {modified.seconds, static_cast<long>(modified.nanoseconds)}};
    if (::futimens(file_.get(), times) != 0) return Unexpected(errno);
    if (::fchmod(file_.get(), mode) != 0) return Unexpected(errno);
    return {};
}

Result<void, int> PartFile::sync() {
    const std::lock_guard lock(mutex_);
    STT_TRY_VOID(check());
    if (::fsync(file_.get()) != 0) return Unexpected(errno);
    return {};
}

Result<void, int> PartFile::publish(bool replace) {
    const std::lock_guard lock(mutex_);
    STT_TRY_VOID(check());
    const int error = rename_in_folder(place_.folder->get(), part_name_, place_.name, replace);
    if (error != 0) return Unexpected(error);
    file_.reset();
    return {};
}

void PartFile::remove() {
    const std::lock_guard lock(mutex_);
    if (!file_) return;
    ::unlinkat(place_.folder->get(), part_name_.c_str(), 0);
    file_.reset();
}

void PartFile::revoke() {
    const std::lock_guard lock(mutex_);
    file_.reset();
}

void PartRegistry::add(const std::string& key, std::shared_ptr<PartFile> part, const void* owner) {
    const std::lock_guard lock(mutex_);
    entries_[key] = {std::move(part), owner};
}

void PartRegistry::remove(const std::string& key, const void* owner) {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(key);
    if (entry != entries_.end() && entry->second.owner == owner) entries_.erase(entry);
}

bool PartRegistry::take_over(const std::string& key, const void* owner) {
    std::shared_ptr<PartFile> part;
    {
        const std::lock_guard lock(mutex_);
        const auto entry = entries_.find(key);
        if (entry == entries_.end()) return true;
        if (entry->second.owner == owner) return false;
        part = std::move(entry->second.part);
        entries_.erase(entry);
    }
    // Outside the lock: it waits for a write or a sync of that part.
    part->revoke();
    return true;
}

}  // namespace stt::cli
