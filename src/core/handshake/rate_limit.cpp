#include "core/handshake/rate_limit.hpp"

#include <algorithm>

namespace stt::handshake {
namespace {

constexpr std::int64_t microseconds_a_second = 1'000'000;

// What `count` handshakes are worth at the average rate, rounded up.
Duration worth_of(const HandshakeRate& rate, std::uint32_t count) noexcept {
    const std::int64_t per_second = rate.per_second;
    return Duration((std::int64_t{count} * microseconds_a_second + per_second - 1) / per_second);
}

}  // namespace

RateLimit::Source RateLimit::source_of(const Address& address) noexcept {
    Source source{};
    source[0] = static_cast<std::uint8_t>(address.family());
    const std::size_t size = address.family() == Address::Family::ipv4 ? 4 : 8;
    std::copy_n(address.octets().begin(), size, source.begin() + 1);
    return source;
}

bool RateLimit::is_within(const HandshakeRate& rate, Instant now,
                          std::optional<Instant> paid_until) noexcept {
    if (rate.per_second == 0) return true;
    return paid_until_after(rate, now, paid_until) - now <= worth_of(rate, rate.burst);
}

Instant RateLimit::paid_until_after(const HandshakeRate& rate, Instant now,
                                    std::optional<Instant> paid_until) noexcept {
    return std::max(now, paid_until.value_or(now)) + worth_of(rate, 1);
}

Result<void, wire::DropReason> RateLimit::check(Instant now, const Address& source) const noexcept {
    if (!is_within(config_.total, now, total_)) {
        return Unexpected(wire::DropReason::handshake_rate);
    }
    if (config_.source.per_second == 0) return {};
    const auto known = sources_.find(source_of(source));
    const auto paid_until = known == sources_.end() ? std::nullopt : std::optional(known->second);
    if (!is_within(config_.source, now, paid_until)) {
        return Unexpected(wire::DropReason::handshake_source_rate);
    }
    return {};
}

void RateLimit::count(Instant now, const Address& source) {
    if (config_.total.per_second != 0) total_ = paid_until_after(config_.total, now, total_);
    if (config_.source.per_second == 0 || config_.source_count_max == 0) return;
    while (!by_time_.empty() && by_time_.begin()->first <= now) forget(by_time_.begin());
    const Source key = source_of(source);
    const auto known = sources_.find(key);
    std::optional<Instant> paid_until;
    if (known != sources_.end()) {
        paid_until = known->second;
        forget(by_time_.find({*paid_until, key}));
    } else if (sources_.size() >= config_.source_count_max) {
        forget(by_time_.begin());
    }
    const Instant paid = paid_until_after(config_.source, now, paid_until);
    sources_.emplace(key, paid);
    by_time_.emplace(paid, key);
}

void RateLimit::forget(std::set<std::pair<Instant, Source>>::iterator place) {
    sources_.erase(place->second);
    by_time_.erase(place);
}

}  // namespace stt::handshake
