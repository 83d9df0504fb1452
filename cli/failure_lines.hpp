// Lines about single files, not more of them than a person reads.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "console.hpp"
#include "transfer/source_tree.hpp"

namespace stt::cli {

// Safe to use from several threads.
class FailureLines {
public:
    explicit FailureLines(Console& console) noexcept : console_(console) {}

    void report(SourceTree::Severity severity, const std::string& text);
    // Says how many lines were left out.
    void close();

private:
    Console& console_;
    std::atomic<std::size_t> count_ = 0;
};

}  // namespace stt::cli
