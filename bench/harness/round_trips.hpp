// Requests and their answers, one at a time.
#pragma once

#include <cstddef>
#include <vector>

#include "bench/harness/arguments.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/two_ends.hpp"

namespace stt::bench {

// How a side waits for what comes: asleep in epoll, or asking all the time.
enum class Waiting { asleep, spinning };
Waiting waiting_of(const Arguments& arguments);

// The client calls ask() before a request leaves and answered() when the answer is there, until
// is_over(): --count times, after a twentieth of that to warm up, or after --seconds, of which at
// most a tenth warms up.
class RoundTrips {
public:
    explicit RoundTrips(const Arguments& arguments);

    // Of a request and its answer: --size.
    std::size_t message_size() const noexcept { return message_size_; }
    bool is_over() const noexcept;
    void ask() noexcept { asked_ = Clock::now(); }
    void answered();
    // All of them: exchange() sends a request and returns when its answer is there.
    template <class Exchange>
    void run(Exchange exchange) {
        while (!is_over()) {
            ask();
            exchange();
            answered();
        }
    }
    // p50_us, p99_us, p999_us and count.
    void report(JsonLine& line);

private:
    std::size_t message_size_;
    std::size_t count_;
    std::size_t warm_up_count_;
    Clock::time_point warm_up_end_;
    Clock::time_point end_;
    Clock::time_point asked_{};
    std::vector<double> microseconds_;
};

// What a server received beside them, since `begin`: bulk_gbit_per_second.
void report_bulk(JsonLine& line, const Meeting& meeting, Clock::time_point begin);

}  // namespace stt::bench
