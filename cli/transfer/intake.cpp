#include "intake.hpp"

#include <algorithm>
#include <vector>

#include "source_file.hpp"

namespace stt::cli {
namespace {

// The disk begins to write every 8 MiB, chosen: long enough for a disk to stream, short
// enough that the final sync has little left to do.
constexpr std::uint64_t write_back_size = 8u << 20;
constexpr std::size_t read_size = 256u * 1024;

}  // namespace

Result<bool, int> Intake::begin(std::uint64_t offset) {
    STT_TRY(const std::uint64_t size, part_->size());
    if (size < offset) return false;
    if (size > offset) {
        STT_TRY_VOID(part_->resize(offset));
    }
    std::vector<std::uint8_t> buffer(offset > 0 ? read_size : 0);
    while (position_ < offset) {
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(offset - position_, buffer.size()));
        STT_TRY(const std::size_t count,
                part_->read(position_, MutableBytes(buffer).first(wanted)));
        if (count == 0) return false;
        digest_.update(Bytes(buffer).first(count));
        position_ += count;
    }
    written_back_ = position_;
    return true;
}

Result<void, int> Intake::write(Bytes data) {
    STT_TRY_VOID(part_->write(position_, data));
    digest_.update(data);
    position_ += data.size();
    if (position_ - written_back_ >= write_back_size) {
        part_->start_write_back(written_back_, position_ - written_back_);
        written_back_ = position_;
    }
    return {};
}

Result<void, int> Intake::skip_hole(std::uint64_t bytes) {
    STT_TRY_VOID(part_->resize(position_ + bytes));
    hash_zeros(digest_, bytes);
    position_ += bytes;
    return {};
}

ContentDigest::Output Intake::finish() {
    part_->start_write_back(written_back_, position_ - written_back_);
    return digest_.finish();
}

}  // namespace stt::cli
