#include "seed_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "terminal_text.hpp"
#include "unique_fd.hpp"

namespace stt::cli {
namespace {

// Hex digits of the largest seed, and room for white space around them.
constexpr std::size_t file_size_max = 2 * seed_size_max + 64;

Unexpected<Problem> refuse(std::string text) {
    return Unexpected(Problem{ExitCode::seed_file, std::move(text)});
}

std::string reason_of(int error) {
    return std::generic_category().message(error);
}

void wipe_text(std::string& text) {
    wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

Unexpected<Problem> explain_open(const std::string& path, int error) {
    if (error == ENOENT) {
        return refuse(fmt::format("there is no seed file {}; make one with: stt seed new {}",
                                  quoted(path), shell_quoted(path)));
    }
    if (error == EACCES) {
        return refuse(
            fmt::format("you may not read the seed file {}; run stt as its owner", quoted(path)));
    }
    return refuse(fmt::format("cannot open the seed file {}: {}; give another with --seed",
                              quoted(path), reason_of(error)));
}

Result<void, Problem> check_attributes(int descriptor, const std::string& path) {
    struct stat attributes {};
    if (::fstat(descriptor, &attributes) != 0) return explain_open(path, errno);
    if (S_ISDIR(attributes.st_mode)) {
        return refuse(fmt::format("{} is a folder, not a seed file; make one with: stt seed new {}",
                                  quoted(path), shell_quoted(path + "/seed")));
    }
    if (!S_ISREG(attributes.st_mode)) {
        return refuse(
            fmt::format("{} is not a regular file; a seed file is made with: "
                        "stt seed new FILE",
                        quoted(path)));
    }
    if ((attributes.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return refuse(
            fmt::format("others on this machine can read the seed file {}; mend it with: "
                        "chmod 600 {}",
                        quoted(path), shell_quoted(path)));
    }
    return {};
}

}  // namespace

Result<Seed, Problem> read_seed_file(const std::string& path) {
    // O_NONBLOCK: opening a FIFO by mistake must not hang.
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return explain_open(path, errno);
    STT_TRY_VOID(check_attributes(file.get(), path));

    std::string text(file_size_max + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return explain_open(path, errno);
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    std::optional<Seed> seed;
    if (size <= file_size_max) seed = seed_from_hex(std::string_view(text).substr(0, size));
    wipe_text(text);
    if (!seed) {
        return refuse(
            fmt::format("there is no seed in {}: it must hold {} to {} hex digits, and a "
                        "passphrase is not a seed; make one with: stt seed new FILE",
                        quoted(path), 2 * seed_size_min, 2 * seed_size_max));
    }
    return std::move(*seed);
}

std::string hex_of(const Seed& seed) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    // Reserved at once: growing would leave copies of the digits in freed memory.
    text.reserve(2 * seed.bytes().size() + 1);
    for (const std::uint8_t byte : seed.bytes()) {
        text += digits[byte >> 4];
        text += digits[byte & 0x0f];
    }
    return text;
}

namespace {

// A file that a crash leaves behind empty would stand in the way of the next try.
Result<void, Problem> write_seed(int descriptor, const std::string& path) {
    const Seed seed = random_seed();
    std::string text = hex_of(seed);
    text += '\n';
    // open() applied the umask, which may have taken even the owner's rights.
    bool ok = ::fchmod(descriptor, S_IRUSR | S_IWUSR) == 0;
    ok = ok && ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ok = ok && ::fsync(descriptor) == 0;
    const int error = errno;
    wipe_text(text);
    if (ok) return {};
    ::unlink(path.c_str());
    return refuse(fmt::format("cannot write the seed file {}: {}; choose another place",
                              quoted(path), reason_of(error)));
}

}  // namespace

Result<void, Problem> create_seed_file(const std::string& path) {
    const UniqueFd file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file && errno == EEXIST) {
        return refuse(fmt::format("{} is already there and stays as it is; choose another name",
                                  quoted(path)));
    }
    if (!file) {
        return refuse(fmt::format("cannot make the seed file {}: {}; choose another place",
                                  quoted(path), reason_of(errno)));
    }
    STT_TRY_VOID(write_seed(file.get(), path));

    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) ::fsync(directory.get());
    return {};
}

}  // namespace stt::cli
