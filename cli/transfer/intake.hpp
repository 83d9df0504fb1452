// The content of one file on its way from the stream to its part.
#pragma once

#include <cstdint>
#include <memory>
#include <stt/bytes.hpp>
#include <stt/content_digest.hpp>
#include <stt/result.hpp>

#include "part_file.hpp"

namespace stt::cli {

// Errors are errno values.
class Intake {
public:
    Intake(std::shared_ptr<PartFile> part, std::uint64_t size) noexcept
        : part_(std::move(part)), size_(size) {}

    // Continues at `offset` and hashes what lies before it. False when the part is shorter.
    Result<bool, int> begin(std::uint64_t offset);
    bool fits(std::uint64_t bytes) const noexcept { return bytes <= size_ - position_; }
    // Both only with what fits.
    Result<void, int> write(Bytes data);
    Result<void, int> skip_hole(std::uint64_t bytes);

    bool at_end() const noexcept { return position_ == size_; }
    ContentDigest::Output finish();
    const std::shared_ptr<PartFile>& part() const noexcept { return part_; }

private:
    std::shared_ptr<PartFile> part_;
    std::uint64_t size_;
    std::uint64_t position_ = 0;
    std::uint64_t written_back_ = 0;  // the disk was told to begin up to here
    ContentDigest digest_;
};

}  // namespace stt::cli
