// One file while it is read and hashed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/content_digest.hpp>
#include <stt/result.hpp>

#include "../unique_fd.hpp"
#include "message.hpp"

namespace stt::cli {

// Feeds `size` zero bytes to `digest`.
void hash_zeros(ContentDigest& digest, std::uint64_t size);

// Reads a file from its start to the size that was offered, as content and holes, and
// hashes all of it. Every error is a literal part of a sentence: "it became shorter".
class SourceFile {
public:
    struct Piece {
        std::uint64_t size = 0;
        bool is_hole = false;
    };

    // Refuses a file that is no longer what `offer` says.
    static Result<SourceFile, std::string_view> open(UniqueFd file, const Offer& offer);

    std::uint64_t position() const noexcept { return position_; }
    bool at_end() const noexcept { return position_ == size_; }

    // Reads and hashes what comes next, at most `size_max` bytes: a hole of at most
    // hole_size_max, or content that now fills the front of `buffer`. Neither limit may be
    // zero. Not for use at the end.
    Result<Piece, std::string_view> read(MutableBytes buffer, std::uint64_t size_max);

    // At the end: the digest of the whole, if the file is still as it was offered.
    Result<ContentDigest::Output, std::string_view> finish();

private:
    SourceFile(UniqueFd file, const Offer& offer, bool may_have_holes);
    // How much of what comes next is of one sort, at most to the end.
    Piece next_extent();

    UniqueFd file_;
    std::uint64_t size_;
    Timestamp modified_;
    bool may_have_holes_;
    std::uint64_t position_ = 0;
    std::uint64_t content_end_ = 0;  // content reaches from position_ to here
    ContentDigest digest_;
};

}  // namespace stt::cli
