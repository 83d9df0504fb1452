#include "imports.hpp"

#include <cstring>
#include <stt/check.hpp>

#define STT_IMPORT(name) __attribute__((import_module("stt"), import_name(name)))

extern "C" {
STT_IMPORT("fill_random") void stt_fill_random(std::uint8_t* bytes, std::size_t size);
STT_IMPORT("check_failed")
void stt_check_failed(const char* expression, std::size_t expression_size, const char* file,
                      std::size_t file_size, int line);
}

namespace stt {

// In place of the one that prints: a module has no standard error.
void check_failed(const char* expression, const char* file, int line) noexcept {
    stt_check_failed(expression, std::strlen(expression), file, std::strlen(file), line);
    __builtin_trap();
}

namespace wasm {

void BrowserRandom::fill(MutableBytes output) noexcept {
    if (!output.empty()) stt_fill_random(output.data(), output.size());
}

}  // namespace wasm
}  // namespace stt
