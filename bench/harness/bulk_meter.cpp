#include "bench/harness/bulk_meter.hpp"

#include <thread>

namespace stt::bench {
namespace {

constexpr std::chrono::seconds patience{60};

double seconds_between(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
}

}  // namespace

BulkMeter::BulkMeter(const Arguments& arguments, TwoEnds& ends)
    : ends_(ends),
      wanted_(arguments.number("mb", 1'000) * 1'000'000),
      seconds_(arguments.real("seconds", 0)) {
    if (seconds_ > 0) wanted_ = UINT64_MAX;
    ends_.meeting().want(wanted_);
}

void BulkMeter::start() {
    processor_before_ = ends_.processor_time();
    started_ = Clock::now();
}

bool BulkMeter::wants_more(std::uint64_t sent) const noexcept {
    return seconds_ > 0 ? !is_over() : sent < wanted_;
}

bool BulkMeter::is_over() const noexcept {
    if (seconds_ > 0) return seconds_between(started_, Clock::now()) >= seconds_;
    return ends_.meeting().is_finished();
}

void BulkMeter::wait() const {
    const auto end = Clock::now() + patience;
    while (!is_over()) {
        if (Clock::now() > end) give_up("the server has not read everything after a minute");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void BulkMeter::report(JsonLine& line) {
    const bool is_timed = seconds_ > 0;
    const std::uint64_t size = is_timed ? ends_.meeting().received() : wanted_;
    const auto end = is_timed ? Clock::now() : ends_.meeting().finished();
    const ProcessorTime used = ends_.processor_time() - processor_before_;
    const double gigabytes = static_cast<double>(size) / 1e9;
    const auto each_gigabyte = [&](double seconds) {
        return gigabytes > 0 ? seconds / gigabytes : 0;
    };
    line.add("gbit_per_second", gigabytes * 8 / seconds_between(started_, end))
        .add("cpu_seconds_per_gb", each_gigabyte(used.total()))
        .add("client_cpu_seconds_per_gb", each_gigabyte(used.client))
        .add("server_cpu_seconds_per_gb", each_gigabyte(used.server));
}

}  // namespace stt::bench
