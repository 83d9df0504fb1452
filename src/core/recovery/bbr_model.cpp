#include "core/recovery/bbr_model.hpp"

#include <algorithm>
#include <bit>

namespace stt::recovery {

std::uint64_t bytes_in(std::uint64_t bytes_per_second, Duration time) noexcept {
    constexpr std::uint64_t rate_max = 100'000'000'000;
    constexpr Duration time_max = std::chrono::seconds(100);
    static_assert(rate_max <= unbounded / static_cast<std::uint64_t>(time_max.count()));
    const Duration clamped = std::clamp(time, Duration::zero(), time_max);
    return std::min(bytes_per_second, rate_max) * static_cast<std::uint64_t>(clamped.count()) /
           1'000'000;
}

namespace {

// Newton's method from above; the largest integer whose square is not more.
std::uint64_t square_root(std::uint64_t value) noexcept {
    if (value < 2) return value;
    std::uint64_t root = std::uint64_t{1} << ((std::bit_width(value) + 1) / 2);
    while (true) {
        const std::uint64_t next = (root + value / root) / 2;
        if (next >= root) return root;
        root = next;
    }
}

// Of losses by chance: their mean, and three times the deviation of their number.
std::uint64_t with_deviation(std::uint64_t mean, std::uint64_t datagram_size) noexcept {
    return mean + 3 * square_root(mean * datagram_size);
}

}  // namespace

void BbrModel::on_acked(const AckSample& sample, bool is_probing, std::uint64_t window,
                        std::uint64_t datagram_size) noexcept {
    delivered_ = sample.delivered;
    update_rounds(sample);
    const std::uint64_t rate = sample.rate.bytes_per_second();
    bandwidth_latest_ = std::max(bandwidth_latest_, rate);
    volume_latest_ = std::max(volume_latest_, sample.rate.bytes);
    round_loss_.delivered += sample.bytes;
    is_loss_round_start_ = false;
    if (sample.bytes > 0 && sample.rate.delivered_before >= loss_round_delivered_) {
        loss_round_delivered_ = delivered_;
        is_loss_round_start_ = true;
        round_loss_before_ = round_loss_;
        round_loss_ = {};
    }
    update_bandwidth(sample.rate);
    if (is_loss_round_start_ && !is_probing) {
        adapt_shortterm(window, datagram_size);
        update_chance_loss(datagram_size);
    }
    update_aggregation(sample, window);
    update_round_trip(sample);
}

void BbrModel::on_ack_done(const AckSample& sample) noexcept {
    if (!is_loss_round_start_) return;
    bandwidth_latest_ = sample.rate.bytes_per_second();
    volume_latest_ = sample.rate.bytes;
}

void BbrModel::on_lost(const LossSample& sample) noexcept {
    // The round in which loss counts begins with the first.
    if (round_loss_.events == 0) {
        loss_round_delivered_ = sample.delivered;
        round_loss_.delivered = 0;
    }
    round_loss_.lost += sample.bytes;
    ++round_loss_.events;
}

void BbrModel::on_marked() noexcept {
    if (round_loss_.events == 0 && !round_loss_.is_marked) loss_round_delivered_ = delivered_;
    round_loss_.is_marked = true;
}

void BbrModel::update_rounds(const AckSample& sample) noexcept {
    is_round_start_ = sample.bytes > 0 && sample.rate.delivered_before >= next_round_delivered_;
    if (!is_round_start_) return;
    next_round_delivered_ = delivered_;
    ++round_count_;
    extra_acked_[round_count_ % extra_acked_rounds] = 0;
}

void BbrModel::update_bandwidth(const RateSample& rate) noexcept {
    const std::uint64_t measured = rate.bytes_per_second();
    // What was held back by the application shows only that the path carries at least so much.
    if (rate.is_app_limited && measured < bandwidth_max()) return;
    bandwidth_now_ = std::max(bandwidth_now_, measured);
}

std::uint64_t BbrModel::bandwidth_max() const noexcept {
    return std::max(bandwidth_now_, bandwidth_before_);
}

std::uint64_t BbrModel::bandwidth() const noexcept {
    return std::min(bandwidth_max(), shortterm_.bandwidth);
}

void BbrModel::advance_bandwidth_filter() noexcept {
    if (bandwidth_now_ == 0) return;  // nothing was measured in this cycle
    bandwidth_before_ = bandwidth_now_;
    bandwidth_now_ = 0;
}

// Losses while nothing was asked of the path: somebody else came, or it shrank. The draft lets
// any loss count; see docs/design/decisions for why here it must be more than chance brings.
void BbrModel::adapt_shortterm(std::uint64_t window, std::uint64_t datagram_size) noexcept {
    const RoundLoss& loss = round_loss_before_;
    const bool is_lossy = loss.lost > loss_by_chance(loss.lost + loss.delivered, datagram_size);
    if (!is_lossy && !loss.is_marked) return;
    const unsigned beta = is_lossy ? beta_percent : beta_marked_percent;
    if (shortterm_.bandwidth == unbounded) shortterm_.bandwidth = bandwidth_max();
    if (shortterm_.volume == unbounded) shortterm_.volume = window;
    shortterm_.bandwidth = std::max(bandwidth_latest_, shortterm_.bandwidth / 100 * beta);
    shortterm_.volume = std::max(volume_latest_, shortterm_.volume * beta / 100);
}

void BbrModel::update_chance_loss(std::uint64_t datagram_size) noexcept {
    constexpr std::uint64_t memory_datagrams = 2'000;
    calm_lost_ += round_loss_before_.lost;
    calm_delivered_ += round_loss_before_.delivered;
    if (calm_lost_ + calm_delivered_ < memory_datagrams * datagram_size) return;
    calm_lost_ /= 2;
    calm_delivered_ /= 2;
}

std::uint64_t BbrModel::chance_loss() const noexcept {
    if (calm_lost_ == 0) return 0;
    return std::min(calm_lost_ * 10'000 / (calm_lost_ + calm_delivered_), chance_loss_max);
}

std::uint64_t BbrModel::loss_by_chance(std::uint64_t all,
                                       std::uint64_t datagram_size) const noexcept {
    return with_deviation(all * chance_loss() / 10'000, datagram_size);
}

bool BbrModel::is_beyond_chance(std::uint64_t lost, std::uint64_t all,
                                std::uint64_t datagram_size) noexcept {
    return lost > with_deviation(all * chance_loss_max / 10'000, datagram_size);
}

std::uint64_t BbrModel::loss_allowed(std::uint64_t all,
                                     std::uint64_t datagram_size) const noexcept {
    return all * loss_threshold_percent / 100 + loss_by_chance(all, datagram_size);
}

void BbrModel::raise_shortterm(const ShortTerm& to) noexcept {
    shortterm_.bandwidth = std::max(shortterm_.bandwidth, to.bandwidth);
    shortterm_.volume = std::max(shortterm_.volume, to.volume);
}

void BbrModel::reset_signals() noexcept {
    round_loss_ = {};
    bandwidth_latest_ = 0;
    volume_latest_ = 0;
}

void BbrModel::restart_aggregation(Instant now) noexcept {
    aggregation_start_ = now;
    aggregation_delivered_ = 0;
}

void BbrModel::update_aggregation(const AckSample& sample, std::uint64_t window) noexcept {
    if (!aggregation_start_.has_value()) restart_aggregation(sample.now);
    std::uint64_t expected = bytes_in(bandwidth(), sample.now - *aggregation_start_);
    if (aggregation_delivered_ <= expected) {
        restart_aggregation(sample.now);
        expected = 0;
    }
    aggregation_delivered_ += sample.bytes;
    const std::uint64_t extra = std::min(aggregation_delivered_ - expected, window);
    std::uint64_t& place = extra_acked_[round_count_ % extra_acked_rounds];
    place = std::max(place, extra);
}

std::uint64_t BbrModel::extra_acked() const noexcept {
    // Until the pipe is full growth looks like aggregation: one round only.
    if (!is_full_) return extra_acked_[round_count_ % extra_acked_rounds];
    return *std::max_element(extra_acked_.begin(), extra_acked_.end());
}

void BbrModel::forget_round_trip() noexcept {
    round_trip_ = Duration::zero();
    probed_round_trip_ = Duration::zero();
}

void BbrModel::update_round_trip(const AckSample& sample) noexcept {
    is_probe_due_ =
        probed_round_trip_ > Duration::zero() && sample.now > probed_at_ + probe_interval;
    if (!sample.round_trip.has_value()) return;
    const Duration latest = std::max(*sample.round_trip, Duration(1));
    const bool is_anew = probed_round_trip_ == Duration::zero() || is_probe_due_;
    if (is_anew || latest < probed_round_trip_) {
        // A little lower may be the same queue, as it shrinks.
        if (is_anew || latest + latest / calm_part < probed_round_trip_) measured_at_ = sample.now;
        probed_round_trip_ = latest;
        if (sample.now < measured_at_ + calm_max) probed_at_ = sample.now;
    } else if (latest - probed_round_trip_ <= probed_round_trip_ / calm_part &&
               sample.now < measured_at_ + calm_max) {
        probed_at_ = sample.now;
        // What a probe would have found is not old.
        if (probed_round_trip_ <= round_trip_) round_trip_at_ = sample.now;
    }
    const bool is_old = sample.now > round_trip_at_ + round_trip_window;
    if (round_trip_ == Duration::zero() || probed_round_trip_ < round_trip_ || is_old) {
        round_trip_ = probed_round_trip_;
        round_trip_at_ = probed_at_;
    }
}

}  // namespace stt::recovery
