#include "source_scan.hpp"

namespace stt::cli {

SourceScan::~SourceScan() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
}

void SourceScan::start() {
    thread_ = std::thread([this] { run(); });
}

void SourceScan::run() {
    // What cannot be read is reported by the walk that sends.
    SourceTree tree(roots_, [](SourceTree::Severity, const std::string&) {});
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    while (!stop_) {
        const auto entry = tree.next();
        if (!entry) {
            counters_.bytes_total = bytes;
            counters_.files_total = files;
            counters_.total_is_known = true;
            return;
        }
        if (entry->offer.kind != EntryKind::file) continue;
        bytes += entry->offer.size;
        ++files;
    }
}

}  // namespace stt::cli
