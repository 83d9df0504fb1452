// A queue and a rate that several flows share: a router's port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <stt/time.hpp>

#include "testing/parcel.hpp"

namespace stt::testing {

enum class QueueDiscipline {
    tail_drop,  // what finds the queue full is lost
    codel,      // RFC 8289: what waits too long for too long is dropped, or marked
};

struct BottleneckOptions {
    std::uint64_t rate = 1'250'000;    // bytes a second, at least 1
    std::size_t queue_size = 1 << 18;  // bytes that may wait
    QueueDiscipline discipline = QueueDiscipline::tail_drop;
    bool marks = true;  // CoDel sets CE on ECT(0) instead of dropping
    Duration target = std::chrono::milliseconds(5);
    Duration interval = std::chrono::milliseconds(100);
};

struct BottleneckCounters {
    std::uint64_t offered = 0;
    std::uint64_t overflowed = 0;
    std::uint64_t dropped = 0;  // by CoDel
    std::uint64_t marked = 0;
    std::uint64_t bytes_carried = 0;
    std::size_t queue_size_highest = 0;
    Duration wait_longest{0};
};

class Bottleneck {
public:
    explicit Bottleneck(const BottleneckOptions& options) noexcept : options_(options) {}

    const BottleneckOptions& options() const noexcept { return options_; }
    // From here on; what is being sent goes on at its rate.
    void set_options(const BottleneckOptions& options) noexcept { options_ = options; }
    const BottleneckCounters& counters() const noexcept { return counters_; }

    // Takes the datagram into the queue, or loses it. Returns true when the line was idle: the
    // caller then asks departure() for the first time.
    bool offer(Instant now, Parcel&& parcel);
    // When the datagram on the line has left; none: the line is idle.
    std::optional<Instant> departure() const noexcept { return departure_; }
    // At departure(): the datagram that has left. The next one is on the line.
    Parcel depart();

private:
    struct Waiting {
        Parcel parcel;
        Instant since{};
    };

    void begin(std::chrono::nanoseconds start);
    std::optional<Waiting> dequeue(Instant now);
    std::optional<Waiting> pop();
    bool is_over_target(Instant now, const std::optional<Waiting>& head) noexcept;
    // Marks it, or lets it go. True: it was dropped.
    bool punish(Waiting& waiting) noexcept;
    Instant control_law(Instant from) const noexcept;

    BottleneckOptions options_;
    BottleneckCounters counters_;
    std::deque<Waiting> queue_;
    std::size_t queued_ = 0;  // bytes
    Parcel on_line_;
    std::optional<Instant> departure_;
    std::chrono::nanoseconds busy_until_{0};

    // RFC 8289 §5.
    std::optional<Instant> first_above_;
    Instant drop_next_{};
    std::uint64_t count_ = 0;
    std::uint64_t last_count_ = 0;
    bool is_dropping_ = false;
};

}  // namespace stt::testing
