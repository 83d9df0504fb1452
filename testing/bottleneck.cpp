#include "testing/bottleneck.hpp"

#include <algorithm>
#include <stt/check.hpp>
#include <utility>

namespace stt::testing {
namespace {

constexpr std::uint8_t ect_0 = 2;
constexpr std::uint8_t ce = 3;
// RFC 8289 §4.4: a queue of less than one datagram is not a standing queue.
constexpr std::size_t standing_queue_min = 1'500;

std::uint64_t square_root(std::uint64_t value) noexcept {
    std::uint64_t low = 0;
    std::uint64_t high = std::uint64_t{1} << 32;
    while (high - low > 1) {
        const std::uint64_t middle = low + (high - low) / 2;
        (middle * middle <= value ? low : high) = middle;
    }
    return low;
}

}  // namespace

bool Bottleneck::offer(Instant now, Parcel&& parcel) {
    ++counters_.offered;
    if (queued_ + parcel.bytes.size() > options_.queue_size) {
        ++counters_.overflowed;
        return false;
    }
    queued_ += parcel.bytes.size();
    counters_.queue_size_highest = std::max(counters_.queue_size_highest, queued_);
    queue_.push_back({std::move(parcel), now});
    if (departure_) return false;
    begin(std::max<std::chrono::nanoseconds>(now.time_since_epoch(), busy_until_));
    return departure_.has_value();
}

Parcel Bottleneck::depart() {
    STT_CHECK(departure_.has_value());
    departure_.reset();
    Parcel left = std::move(on_line_);
    begin(busy_until_);
    return left;
}

void Bottleneck::begin(std::chrono::nanoseconds start) {
    auto next = dequeue(Instant(std::chrono::ceil<Duration>(start)));
    if (!next) return;
    const std::size_t size = next->parcel.bytes.size();
    counters_.bytes_carried += size;
    on_line_ = std::move(next->parcel);
    // Nanoseconds, so that rounding does not change the rate.
    busy_until_ = start + std::chrono::nanoseconds(size * 1'000'000'000 / options_.rate);
    departure_ = Instant(std::chrono::ceil<Duration>(busy_until_));
}

std::optional<Bottleneck::Waiting> Bottleneck::pop() {
    if (queue_.empty()) return std::nullopt;
    Waiting head = std::move(queue_.front());
    queue_.pop_front();
    queued_ -= head.parcel.bytes.size();
    return head;
}

bool Bottleneck::is_over_target(Instant now, const std::optional<Waiting>& head) noexcept {
    if (!head || now - head->since < options_.target || queued_ < standing_queue_min) {
        first_above_.reset();
        return false;
    }
    if (!first_above_) {
        first_above_ = now + options_.interval;
        return false;
    }
    return now >= *first_above_;
}

bool Bottleneck::punish(Waiting& waiting) noexcept {
    if (options_.marks && (waiting.parcel.ecn == ect_0 || waiting.parcel.ecn == ce)) {
        ++counters_.marked;
        waiting.parcel.ecn = ce;
        return false;
    }
    ++counters_.dropped;
    return true;
}

// interval / sqrt(count), in integers.
Instant Bottleneck::control_law(Instant from) const noexcept {
    const auto interval = static_cast<std::uint64_t>(options_.interval.count());
    return from + Duration(square_root(interval * interval / std::max<std::uint64_t>(count_, 1)));
}

// RFC 8289 §5.5.
std::optional<Bottleneck::Waiting> Bottleneck::dequeue(Instant now) {
    auto head = pop();
    if (head) counters_.wait_longest = std::max(counters_.wait_longest, now - head->since);
    if (options_.discipline == QueueDiscipline::tail_drop) return head;
    bool is_over = is_over_target(now, head);
    if (is_dropping_) {
        if (!is_over) is_dropping_ = false;
        while (is_dropping_ && now >= drop_next_) {
            ++count_;
            const bool is_dropped = punish(*head);
            if (is_dropped) {
                head = pop();
                is_over = is_over_target(now, head);
            }
            if (is_over) {
                drop_next_ = control_law(drop_next_);
            } else {
                is_dropping_ = false;
            }
            if (!is_dropped) break;
        }
    } else if (is_over) {
        if (punish(*head)) head = pop();
        static_cast<void>(is_over_target(now, head));
        is_dropping_ = true;
        // A rate that worked a moment ago is where to begin.
        const std::uint64_t delta = count_ - last_count_;
        count_ = delta > 1 && now - drop_next_ < 16 * options_.interval ? delta : 1;
        drop_next_ = control_law(now);
        last_count_ = count_;
    }
    return head;
}

}  // namespace stt::testing
