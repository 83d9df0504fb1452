// Seed files: one seed as hex digits, for its owner's eyes only.
#pragma once

#include <string>
#include <stt/result.hpp>
#include <stt/seed.hpp>

#include "exit_code.hpp"

namespace stt::cli {

// Refuses a file that anyone but its owner may read, and everything that holds no seed.
Result<Seed, Problem> read_seed_file(const std::string& path);

// Writes 32 random bytes as 64 hex digits and a newline into a new file of mode 0600.
// Never replaces a file. On success the file is on the disk.
Result<void, Problem> create_seed_file(const std::string& path);

// Lower-case hex digits of `seed`. The caller wipes them.
std::string hex_of(const Seed& seed);

}  // namespace stt::cli
