// Messages of frames, cut into datagrams. Spec protocol §13.4 (a).
#pragma once

#include <cstddef>
#include <functional>
#include <stt/bytes.hpp>
#include <stt/result.hpp>

#include "core/wire/faults.hpp"

namespace stt::wire {

// Datagrams that lie one behind the other: each has segment_size bytes, the last what is left.
struct DatagramRun {
    Bytes data;
    std::size_t segment_size = 0;
};

// Segments of one run, and bytes of it: what one call of a kernel takes.
inline constexpr std::size_t run_segment_count_max = 64;
inline constexpr std::size_t run_size_max = 65'507;

// Gives out runs of datagrams of whole frames, as full as `size_max` lets them be, in the order of
// the message. Returns how many frames were left out because they are larger than that. What
// stands before a fault is given out. Drops: those of parse_frame().
Result<std::size_t, DropReason> cut_into_datagrams(
    MutableBytes message, std::size_t size_max,
    const std::function<void(const DatagramRun&)>& give);

}  // namespace stt::wire
