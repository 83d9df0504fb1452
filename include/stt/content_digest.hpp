// The digest of a file or a chunk: KT128, RFC 9861. Spec stc §PHE.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <stt/bytes.hpp>

namespace stt {

// content_digest(data), incremental: update() any number of times, then finish() once.
//
// Leaves of 8 KiB are hashed 4 or 8 at a time when an update() brings several:
// updates of 64 KiB and more are fastest. Holds no more than 64 KiB of its input.
class ContentDigest {
public:
    using Output = std::array<std::uint8_t, 32>;

    ContentDigest();
    ~ContentDigest();
    ContentDigest(ContentDigest&&) noexcept;
    ContentDigest& operator=(ContentDigest&&) noexcept;

    void update(Bytes data);
    // The object may not be used afterwards.
    Output finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace stt
