// Counts what will be sent, beside the sending.
#pragma once

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "counters.hpp"
#include "source_tree.hpp"

namespace stt::cli {

// A second walk on a thread of its own: nobody waits for it, and it holds no names.
class SourceScan {
public:
    SourceScan(std::vector<SourceRoot> roots, Counters& counters)
        : roots_(std::move(roots)), counters_(counters) {}
    ~SourceScan();
    SourceScan(const SourceScan&) = delete;
    SourceScan& operator=(const SourceScan&) = delete;

    void start();

private:
    void run();

    std::vector<SourceRoot> roots_;
    Counters& counters_;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace stt::cli
