// What a transfer has done so far: written by its worker, read by the progress bar.
#pragma once

#include <atomic>
#include <cstdint>

namespace stt::cli {

struct Counters {
    std::atomic<std::uint64_t> bytes_done = 0;     // handled: sent, skipped or there already
    std::atomic<std::uint64_t> bytes_skipped = 0;  // of these: there already when it began
    std::atomic<std::uint64_t> bytes_content = 0;  // of these: sent as content, without holes
    std::atomic<std::uint64_t> bytes_total = 0;
    std::atomic<std::uint64_t> files_done = 0;     // confirmed by the receiver
    std::atomic<std::uint64_t> files_present = 0;  // of these: there already, whole
    std::atomic<std::uint64_t> files_failed = 0;   // files, folders and links that did not arrive
    std::atomic<std::uint64_t> files_total = 0;
    std::atomic<bool> total_is_known = false;
};

}  // namespace stt::cli
