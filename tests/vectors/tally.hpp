#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stt::vectors {

// Counts entries that passed and failed, section by section, and prints them. An entry
// fails at its first check that does not hold, or when it made no check at all.
class Tally {
public:
    void begin_section(std::string name);
    void begin_entry();
    void check(bool is_good, std::string_view what);
    void end_entry();
    void end_section();

    // A failure that is of no entry: a file that is missing, a section that nobody knows.
    void fail(const std::string& what);
    // "N passed, N failed", the last line.
    void print_total() const;
    std::size_t failed() const noexcept { return failed_; }

private:
    std::string section_;
    std::size_t entry_index_ = 0;
    std::size_t check_count_ = 0;
    bool has_entry_failed_ = false;
    std::size_t section_passed_ = 0;
    std::size_t section_failed_ = 0;
    std::size_t passed_ = 0;
    std::size_t failed_ = 0;
};

}  // namespace stt::vectors
