// Bytes for tests of STC: seeded random ones, the pattern of RFC 9861, and hex.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <vector>

namespace stt::stc::test {

using Buffer = std::vector<std::uint8_t>;

class Samples {
public:
    explicit Samples(std::uint64_t seed) : generator_(seed) {}

    // From `min` to `max`, both included.
    std::size_t number(std::size_t min, std::size_t max) {
        return min + generator_() % (max - min + 1);
    }
    Buffer bytes(std::size_t size) {
        Buffer buffer(size);
        for (auto& byte : buffer) byte = static_cast<std::uint8_t>(generator_());
        return buffer;
    }

private:
    std::mt19937_64 generator_;
};

// ptn(n): 00 … fa, repeated. RFC 9861 §5.
inline Buffer pattern(std::size_t size) {
    Buffer buffer(size);
    for (std::size_t i = 0; i < size; ++i) buffer[i] = static_cast<std::uint8_t>(i % 251);
    return buffer;
}

// 00 01 02 …, the sequence of Spec stc §DSF, from `first` on.
inline Buffer sequence(std::size_t size, std::uint8_t first = 0) {
    Buffer buffer(size);
    for (std::size_t i = 0; i < size; ++i) buffer[i] = static_cast<std::uint8_t>(first + i);
    return buffer;
}

inline std::string hex(Bytes bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0xf];
    }
    return text;
}

// True when `action` breaks an STT_CHECK: tried in a process of its own.
template <class Action>
bool stops_process(Action action) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        // What the check says is expected, and must not look like a failure of the test.
        if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
        signal(SIGABRT, SIG_DFL);
        action();
        _exit(0);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGABRT;
}

}  // namespace stt::stc::test
