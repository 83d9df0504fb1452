// Which Sequences of a direction were seen. Spec protocol §6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/result.hpp>
#include <vector>

#include "core/wire/faults.hpp"

namespace stt::session {

// Spec protocol §6. Both are powers of two.
inline constexpr std::size_t replay_window_size_min = 4'096;
inline constexpr std::size_t replay_window_size_max = 65'536;

// The highest Sequence that was accepted, and a window of `size()` Sequences below it. What
// lies below the window counts as seen.
//
// Holds size() bits: 512 bytes at first, at most 8 KiB. A forged frame must not move the
// window: call accept() only after the frame has opened.
class ReplayWindow {
public:
    ReplayWindow();

    // Before decryption. Drops: sequence_repeated, sequence_too_old. Changes nothing.
    Result<void, wire::DropReason> check(std::uint64_t sequence) const noexcept;
    // After authentication: checks again, because an earlier frame of the same batch may have
    // had this Sequence, and then remembers it. A drop changes nothing.
    Result<void, wire::DropReason> accept(std::uint64_t sequence) noexcept;

    // None before the first accept().
    std::optional<std::uint64_t> highest() const noexcept { return highest_; }
    std::size_t size() const noexcept { return bits_.size() * 64; }
    // The lowest Sequence that is not yet too old. Never moves down.
    std::uint64_t low_edge() const noexcept { return low_edge_; }

    // Grows the window to at least `size` Sequences (rounded up to a power of two, within the
    // limits above); a smaller size than now has no effect. The low edge stays where it is, and
    // so the window fills up as the highest Sequence rises.
    void set_size(std::size_t size);

private:
    bool is_marked(std::uint64_t sequence) const noexcept;
    void mark(std::uint64_t sequence) noexcept;
    void clear(std::uint64_t first, std::uint64_t end) noexcept;

    // One bit for each Sequence from low_edge_ to the one below highest_, at its Sequence
    // modulo size(). The highest itself needs none.
    std::vector<std::uint64_t> bits_;
    std::optional<std::uint64_t> highest_;
    std::uint64_t low_edge_ = 0;
};

}  // namespace stt::session
