#include "testing/link.hpp"

#include <algorithm>

namespace stt::testing {

void Link::send(Instant now, Bytes datagram, std::uint8_t ecn, std::vector<Arrival>& arrivals) {
    ++counters_.offered;
    if (cuts_ > 0) {
        ++counters_.cut;
        return;
    }
    if (datagram.size() > options_.datagram_size_max) {
        ++counters_.too_large;
        return;
    }
    if (is_lost()) {
        ++counters_.lost;
        return;
    }
    Instant sent;
    if (!queue(now, datagram.size(), sent)) {
        ++counters_.overflowed;
        return;
    }
    arrivals.push_back(arrive(sent, datagram, ecn));
    if (random_.chance(options_.duplicate)) {
        ++counters_.duplicated;
        arrivals.push_back(arrive(sent, datagram, ecn));
    }
}

bool Link::is_lost() noexcept {
    if (run_left_ == 0 && options_.run.length > 0 && random_.chance(options_.run.begins)) {
        run_left_ = options_.run.length;
    }
    if (run_left_ > 0) {
        --run_left_;
        return true;
    }
    if (is_bad_) {
        is_bad_ = !random_.chance(options_.burst.becomes_good);
    } else {
        is_bad_ = random_.chance(options_.burst.becomes_bad);
    }
    if (is_bad_ && random_.chance(options_.burst.loss_while_bad)) return true;
    return random_.chance(options_.loss);
}

bool Link::queue(Instant now, std::size_t size, Instant& sent) noexcept {
    sent = now;
    if (options_.rate == 0) return true;
    const std::chrono::nanoseconds start =
        std::max<std::chrono::nanoseconds>(now.time_since_epoch(), busy_until_);
    const auto waiting = static_cast<std::uint64_t>((start - now.time_since_epoch()).count());
    if (waiting / 1'000 * options_.rate / 1'000'000 > options_.queue_size) return false;
    busy_until_ = start + std::chrono::nanoseconds(size * 1'000'000'000 / options_.rate);
    sent = Instant(std::chrono::ceil<Duration>(busy_until_));
    return true;
}

Link::Arrival Link::arrive(Instant sent, Bytes datagram, std::uint8_t ecn) {
    Arrival arrival{sent + options_.delay, ecn, {datagram.begin(), datagram.end()}};
    if (options_.jitter.count() > 0) {
        arrival.at += Duration(random_.below(static_cast<std::uint64_t>(options_.jitter.count())));
    }
    if (random_.chance(options_.reorder)) {
        ++counters_.reordered;
        arrival.at +=
            Duration(random_.below(static_cast<std::uint64_t>(options_.reorder_delay.count()) + 1));
    } else {
        arrival.at = std::max(arrival.at, last_arrival_);
        last_arrival_ = arrival.at;
    }
    if (ecn == 2 && random_.chance(options_.congestion_mark)) arrival.ecn = 3;
    if (random_.chance(options_.corrupt) && !arrival.bytes.empty()) {
        ++counters_.corrupted;
        const std::uint64_t flips = random_.between(1, 8);
        // Different bits, so that no flip undoes another.
        const std::uint64_t first = random_.below(arrival.bytes.size() * 8);
        for (std::uint64_t flip = 0; flip < flips; ++flip) {
            const std::uint64_t bit = (first + flip * 13) % (arrival.bytes.size() * 8);
            arrival.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        }
    }
    return arrival;
}

}  // namespace stt::testing
