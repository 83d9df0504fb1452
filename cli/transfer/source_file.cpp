#include "source_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace stt::cli {
namespace {

// Blocks are counted in 512 bytes, whatever the file system. fstat(2).
constexpr std::uint64_t stat_block_size = 512;

bool is_unchanged(const struct stat& attributes, std::uint64_t size, const Timestamp& modified) {
    return S_ISREG(attributes.st_mode) && static_cast<std::uint64_t>(attributes.st_size) == size &&
           attributes.st_mtim.tv_sec == modified.seconds &&
           attributes.st_mtim.tv_nsec == static_cast<long>(modified.nanoseconds);
}

}  // namespace

void hash_zeros(ContentDigest& digest, std::uint64_t size) {
    static constexpr std::array<std::uint8_t, 256u * 1024> zeros{};
    while (size > 0) {
        const std::uint64_t step = std::min<std::uint64_t>(size, zeros.size());
        digest.update(Bytes(zeros).first(static_cast<std::size_t>(step)));
        size -= step;
    }
}

Result<SourceFile, std::string_view> SourceFile::open(UniqueFd file, const Offer& offer) {
    struct stat attributes {};
    if (::fstat(file.get(), &attributes) != 0 ||
        !is_unchanged(attributes, offer.size, offer.modified)) {
        return Unexpected(std::string_view("it changed after it was listed"));
    }
    // Sequential reading: the kernel doubles its read-ahead.
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    const auto stored = static_cast<std::uint64_t>(attributes.st_blocks) * stat_block_size;
    return SourceFile(std::move(file), offer, stored < offer.size);
}

SourceFile::SourceFile(UniqueFd file, const Offer& offer, bool may_have_holes)
    : file_(std::move(file)),
      size_(offer.size),
      modified_(offer.modified),
      may_have_holes_(may_have_holes) {}

SourceFile::Piece SourceFile::next_extent() {
    if (position_ < content_end_) return {content_end_ - position_, false};
    content_end_ = size_;
    if (!may_have_holes_) return {size_ - position_, false};

    const auto start = static_cast<off_t>(position_);
    const off_t data = ::lseek(file_.get(), start, SEEK_DATA);
    // ENXIO: no content from here to the end. Other errors: a file system without holes.
    const bool rest_is_hole = data < 0 && errno == ENXIO;
    if (data < 0 && !rest_is_hole) return {size_ - position_, false};
    const std::uint64_t data_start =
        rest_is_hole ? size_ : std::min(size_, static_cast<std::uint64_t>(data));
    if (data_start > position_) {
        content_end_ = position_;
        return {std::min(data_start - position_, hole_size_max), true};
    }
    const off_t hole = ::lseek(file_.get(), start, SEEK_HOLE);
    if (hole > start) content_end_ = std::min(size_, static_cast<std::uint64_t>(hole));
    return {content_end_ - position_, false};
}

Result<SourceFile::Piece, std::string_view> SourceFile::read(MutableBytes buffer,
                                                             std::uint64_t size_max) {
    Piece piece = next_extent();
    piece.size = std::min(piece.size, size_max);
    if (piece.is_hole) {
        hash_zeros(digest_, piece.size);
        position_ += piece.size;
        return piece;
    }
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size, buffer.size()));
    std::size_t filled = 0;
    while (filled < wanted) {
        const ssize_t count = ::pread(file_.get(), buffer.data() + filled, wanted - filled,
                                      static_cast<off_t>(position_ + filled));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Unexpected(std::string_view("it cannot be read"));
        if (count == 0) return Unexpected(std::string_view("it became shorter while it was read"));
        filled += static_cast<std::size_t>(count);
    }
    digest_.update(buffer.first(filled));
    position_ += filled;
    piece.size = filled;
    return piece;
}

Result<ContentDigest::Output, std::string_view> SourceFile::finish() {
    struct stat attributes {};
    if (::fstat(file_.get(), &attributes) != 0 || !is_unchanged(attributes, size_, modified_)) {
        return Unexpected(std::string_view("it changed while it was read"));
    }
    return digest_.finish();
}

}  // namespace stt::cli
