#include "tests/vectors/tally.hpp"

#include <iostream>
#include <utility>

namespace stt::vectors {

void Tally::begin_section(std::string name) {
    section_ = std::move(name);
    entry_index_ = 0;
    section_passed_ = 0;
    section_failed_ = 0;
}

void Tally::begin_entry() {
    check_count_ = 0;
    has_entry_failed_ = false;
}

void Tally::check(bool is_good, std::string_view what) {
    ++check_count_;
    if (is_good || has_entry_failed_) return;
    has_entry_failed_ = true;
    std::cout << "FAILED " << section_ << '[' << entry_index_ << "]: " << what << '\n';
}

void Tally::end_entry() {
    if (check_count_ == 0) check(false, "nothing was checked");
    ++(has_entry_failed_ ? section_failed_ : section_passed_);
    ++entry_index_;
}

void Tally::end_section() {
    std::cout << section_ << ": " << section_passed_ << " passed, " << section_failed_
              << " failed\n";
    passed_ += section_passed_;
    failed_ += section_failed_;
    if (section_passed_ + section_failed_ == 0) fail(section_ + ": empty section");
}

void Tally::fail(const std::string& what) {
    std::cout << "FAILED " << what << '\n';
    ++failed_;
}

void Tally::print_total() const {
    std::cout << passed_ << " passed, " << failed_ << " failed" << std::endl;
}

}  // namespace stt::vectors
