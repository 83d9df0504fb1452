// Two processes that measure something together: a server and its client.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "bench/harness/arguments.hpp"

namespace stt::bench {

// The same clock in all processes.
using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& what);

// Shared memory of both processes: whatever a protocol would need to be asked is known here, at no
// cost to it and in the same way for all.
class Meeting {
public:
    // Of the server: it can be reached now.
    void listen_at(std::uint16_t port) noexcept { port_.store(port, std::memory_order_release); }
    std::uint16_t port() const noexcept { return port_.load(std::memory_order_acquire); }

    // Of the server: its application has read so much more.
    void count_received(std::size_t size) noexcept {
        const std::uint64_t before = received_.fetch_add(size, std::memory_order_relaxed);
        const std::uint64_t wanted = wanted_.load(std::memory_order_relaxed);
        if (before < wanted && before + size >= wanted) {
            finished_.store(Clock::now().time_since_epoch().count(), std::memory_order_release);
        }
    }
    std::uint64_t received() const noexcept { return received_.load(std::memory_order_relaxed); }

    // Of the client: from when `wanted` bytes have been read, finished() tells when that was.
    void want(std::uint64_t wanted) noexcept { wanted_.store(wanted); }
    bool is_finished() const noexcept { return finished_.load(std::memory_order_acquire) != 0; }
    Clock::time_point finished() const noexcept {
        return Clock::time_point(Clock::duration(finished_.load(std::memory_order_acquire)));
    }

    // What a server and its client tell each other beside; what, they know.
    std::atomic<std::uint64_t> notes[8]{};

private:
    std::atomic<std::uint16_t> port_{0};
    std::atomic<std::uint64_t> received_{0};
    std::atomic<std::uint64_t> wanted_{UINT64_MAX};
    std::atomic<Clock::rep> finished_{0};
};

// Seconds of processor time so far.
struct ProcessorTime {
    double client = 0;
    double server = 0;

    double total() const noexcept { return client + server; }
    friend ProcessorTime operator-(const ProcessorTime& a, const ProcessorTime& b) noexcept {
        return {a.client - b.client, a.server - b.server};
    }
};

// Where the server is: --address, and --server-namespace, a network namespace as `ip netns` names
// them; the client is in that of this program. With --cores apart the client is kept on the first
// core and the server on the second, as on two machines: else the kernel puts both on one now and
// then, which changes latency tenfold. Where there is one core, that does nothing.
struct Place {
    std::string address = "127.0.0.1";
    std::string server_namespace;
    bool is_apart = false;

    static Place of(const Arguments& arguments);
};

class TwoEnds {
public:
    // Begins `serve` in a process of its own, and returns when that has called listen_at(). The
    // process ends when `serve` returns, and with this object or this process in any case.
    TwoEnds(const Place& place, const std::function<void(Meeting&)>& serve);
    ~TwoEnds();
    TwoEnds(const TwoEnds&) = delete;
    TwoEnds& operator=(const TwoEnds&) = delete;

    Meeting& meeting() noexcept { return *meeting_; }
    ProcessorTime processor_time() const;
    // Bytes of memory that the server has in use.
    std::size_t server_resident_size() const;

private:
    Meeting* meeting_;
    pid_t server_ = 0;
    clockid_t server_clock_{};
};

}  // namespace stt::bench
