#include "core/recovery/pacer.hpp"

#include <algorithm>

namespace stt::recovery {

namespace {

constexpr std::int64_t tokens_per_byte = 1'000'000;  // microseconds in a second
constexpr std::uint64_t rate_max = 1'000'000'000'000;
static_assert(pacing_burst_bytes_max * tokens_per_byte < INT64_MAX / 4);

std::int64_t tokens_of(std::size_t bytes) noexcept {
    return static_cast<std::int64_t>(bytes) * tokens_per_byte;
}

}  // namespace

Pacer::Pacer(std::size_t datagram_size) noexcept
    : datagram_size_(datagram_size), tokens_(tokens_of(burst_max())) {}

std::size_t Pacer::burst_max() const noexcept {
    return std::min(std::max(pacing_burst_datagrams * datagram_size_, bytes_in(pacing_burst_time)),
                    pacing_burst_bytes_max);
}

std::size_t Pacer::bytes_in(Duration time) const noexcept {
    return static_cast<std::size_t>(rate_ * static_cast<std::uint64_t>(time.count()) /
                                    tokens_per_byte);
}

std::int64_t Pacer::tokens_at(Instant now) const noexcept {
    const std::int64_t full = tokens_of(burst_max());
    if (tokens_ >= full || rate_ == 0 || now <= refilled_at_) return std::min(tokens_, full);
    const auto rate = static_cast<std::int64_t>(rate_);
    // Compared by time first: elapsed × rate could overflow after a long silence.
    const std::int64_t elapsed = (now - refilled_at_).count();
    if (elapsed > (full - tokens_) / rate) return full;
    return tokens_ + elapsed * rate;
}

void Pacer::refill(Instant now) noexcept {
    tokens_ = tokens_at(now);
    refilled_at_ = std::max(refilled_at_, now);
}

void Pacer::set_rate(Instant now, std::uint64_t bytes_per_second) noexcept {
    refill(now);
    rate_ = std::clamp<std::uint64_t>(bytes_per_second, 1, rate_max);
}

std::size_t Pacer::budget(Instant now) const noexcept {
    if (rate_ == 0) return burst_max();
    return static_cast<std::size_t>(std::max(tokens_at(now), std::int64_t{0}) / tokens_per_byte);
}

void Pacer::on_sent(Instant now, std::size_t bytes) noexcept {
    if (rate_ == 0) return;
    refill(now);
    const std::int64_t full = tokens_of(burst_max());
    tokens_ = std::max(tokens_ - tokens_of(bytes), -full);
}

std::optional<Instant> Pacer::next_release(Instant now, std::size_t bytes) const noexcept {
    if (rate_ == 0) return std::nullopt;
    const std::int64_t missing = tokens_of(std::min(bytes, burst_max())) - tokens_at(now);
    if (missing <= 0) return std::nullopt;
    const auto rate = static_cast<std::int64_t>(rate_);
    return now + Duration((missing + rate - 1) / rate);
}

std::uint64_t pacing_rate_of(std::size_t window, Duration round_trip,
                             bool is_in_slow_start) noexcept {
    const auto microseconds = static_cast<std::uint64_t>(std::max(round_trip, Duration(1)).count());
    // 64 MiB × 10^6 × 2 is far from overflow.
    const std::uint64_t per_second = static_cast<std::uint64_t>(window) * 1'000'000 / microseconds;
    return is_in_slow_start ? per_second * 2 : per_second + per_second / 4;
}

}  // namespace stt::recovery
