// One direction of one connection, as fast as it goes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "bench/harness/arguments.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/two_ends.hpp"

namespace stt::bench {

// What a client hands over in one call.
inline constexpr std::size_t bulk_piece_size = 256 * 1'024;

// Measures from start() until the server has read --mb megabytes, or what it has read after
// --seconds, when that is given. The server calls Meeting::count_received().
class BulkMeter {
public:
    BulkMeter(const Arguments& arguments, TwoEnds& ends);

    // All of it is handed over once so many bytes were. No end: time decides.
    std::uint64_t wanted_size() const noexcept { return wanted_; }
    void start();
    // Whether to hand over more, after `sent` bytes.
    bool wants_more(std::uint64_t sent) const noexcept;
    // From start to end, for clients that write and wait: write(size) hands over up to so many
    // bytes, at most `piece_size`, and returns how many.
    template <class Write>
    void run(std::size_t piece_size, Write write) {
        start();
        std::uint64_t sent = 0;
        while (wants_more(sent)) {
            const std::uint64_t left = wanted_ - sent;
            sent += write(static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, left)));
        }
        wait();
    }
    // Whether the measurement is over: the server has read it all, or time is up.
    bool is_over() const noexcept;
    // Waits until it is, and gives up a minute later. For clients that need not work meanwhile.
    void wait() const;
    // gbit_per_second, and seconds of processor time for each 10^9 bytes.
    void report(JsonLine& line);

private:
    TwoEnds& ends_;
    std::uint64_t wanted_;
    double seconds_;
    Clock::time_point started_{};
    ProcessorTime processor_before_;
};

}  // namespace stt::bench
