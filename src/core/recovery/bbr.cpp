#include "core/recovery/bbr.hpp"

#include <algorithm>
#include <utility>

#include "core/recovery/pacer.hpp"

namespace stt::recovery {

namespace {

// draft-ietf-ccwg-bbr §2.4 … §2.7.
constexpr std::uint64_t pacing_gain_startup = 277;  // 4 ln 2: doubles every round
constexpr std::uint64_t pacing_gain_drain = 50;
constexpr std::uint64_t pacing_gain_down = 90;
constexpr std::uint64_t pacing_gain_up = 125;
constexpr std::uint64_t window_gain_default = 200;
constexpr std::uint64_t window_gain_cruise = 150;
constexpr std::uint64_t window_gain_up = 225;
constexpr std::uint64_t window_gain_probe_round_trip = 50;
constexpr std::uint64_t pacing_margin = 99;  // sends a little less than is delivered: no queue
constexpr std::uint64_t headroom = 85;       // of the long-term volume, for who comes new
constexpr std::uint64_t full_growth = 125;
constexpr unsigned full_rounds_max = 3;
constexpr unsigned startup_loss_events_min = 6;  // StartupFullLossCnt
// A single loss is no rate. The draft has no such minimum, the implementations have.
constexpr unsigned probe_loss_events_min = 2;
constexpr std::uint64_t reno_rounds_max = 63;
constexpr Duration probe_wait_min = std::chrono::seconds(2);
constexpr std::uint64_t probe_wait_spread_us = 1'000'000;
constexpr unsigned up_rounds_max = 30;

std::uint64_t percent(std::uint64_t value, std::uint64_t gain) noexcept {
    return value / 100 * gain + value % 100 * gain / 100;
}

// Flows that share a queue shall not probe in step. No secret, and the same in every replay.
std::uint64_t spread(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

}  // namespace

Bbr::Bbr(std::size_t datagram_size) noexcept
    : datagram_size_(datagram_size), window_(window_initial_datagrams * datagram_size) {}

std::optional<std::uint64_t> Bbr::pacing_rate() const noexcept {
    if (pacing_rate_ == 0) return std::nullopt;
    return pacing_rate_;
}

void Bbr::set_datagram_size(std::size_t size) {
    datagram_size_ = size;
    window_ = std::max(window_, window_min_datagrams * datagram_size_);
}

std::string_view Bbr::state() const noexcept {
    switch (phase_) {
        case Phase::startup:
            return "startup";
        case Phase::drain:
            return "drain";
        case Phase::probe_down:
            return "probe_bw_down";
        case Phase::probe_cruise:
            return "probe_bw_cruise";
        case Phase::probe_refill:
            return "probe_bw_refill";
        case Phase::probe_up:
            return "probe_bw_up";
        case Phase::probe_round_trip:
            return "probe_rtt";
    }
    return "";
}

bool Bbr::is_probing_bandwidth() const noexcept {
    return phase_ == Phase::probe_down || phase_ == Phase::probe_cruise ||
           phase_ == Phase::probe_refill || phase_ == Phase::probe_up;
}

bool Bbr::is_accelerating() const noexcept {
    return phase_ == Phase::startup || phase_ == Phase::probe_refill || phase_ == Phase::probe_up;
}

std::uint64_t Bbr::pacing_gain_percent() const noexcept {
    switch (phase_) {
        case Phase::startup:
            return pacing_gain_startup;
        case Phase::drain:
            return pacing_gain_drain;
        case Phase::probe_down:
            return pacing_gain_down;
        case Phase::probe_up:
            return pacing_gain_up;
        case Phase::probe_cruise:
        case Phase::probe_refill:
        case Phase::probe_round_trip:
            break;
    }
    return 100;
}

std::uint64_t Bbr::window_gain_percent() const noexcept {
    if (phase_ == Phase::probe_up) return window_gain_up;
    if (phase_ == Phase::probe_round_trip) return window_gain_probe_round_trip;
    if (is_probing_bandwidth()) return window_gain_cruise;
    return window_gain_default;
}

// ---- what is told

void Bbr::on_sent(Instant now, std::size_t bytes, std::size_t in_flight) {
    if (in_flight != bytes) return;
    // A flight begins. What was measured holds; the queue is empty, so no gain is needed.
    is_restarting_ = true;
    model_.restart_aggregation(now);
    if (is_probing_bandwidth()) {
        set_pacing_rate(100);
    } else if (phase_ == Phase::probe_round_trip && probe_round_trip_until_.has_value() &&
               now > *probe_round_trip_until_) {
        leave_probe_round_trip(now);
    }
}

void Bbr::on_acked(const AckSample& sample) {
    if (pacing_rate_ == 0) {
        // What was acknowledged first may have been a few bytes of no flow: the pace at which the
        // first flight leaves is that of its window, and only rises.
        // draft-ietf-ccwg-bbr, "Initialization": the gain of startup; half of that here, as
        // pacing_rate_of() doubles.
        pacing_rate_ = percent(
            pacing_rate_of(static_cast<std::size_t>(window_), sample.round_trip_smoothed, true),
            pacing_gain_startup / 2);
    }
    model_.on_acked(sample, is_accelerating(), window_, datagram_size_);
    check_full_bandwidth(sample);
    check_startup_done(sample);
    if (phase_ == Phase::drain && sample.in_flight <= volume_at(model_.bandwidth(), 100)) {
        start_down(sample.now);
    }
    update_cycle(sample);
    check_probe_round_trip(sample);
    model_.on_ack_done(sample);
    set_pacing_rate(pacing_gain_percent());
    set_window(sample);
}

void Bbr::on_lost(const LossSample& sample) {
    undo_candidate_ = {phase_, model_.shortterm(), volume_longterm_, is_full_};
    model_.on_lost(sample);
    if (!is_recovering_) {
        is_recovering_ = true;
        recovering_round_ = model_.round();
    }
    if (!is_sampling_ || !is_volume_too_high(sample.lost_since_sent, sample.in_flight_when_sent)) {
        return;
    }
    // The volume at which losses passed the threshold, within the batch that did it.
    const std::uint64_t bytes = std::min<std::uint64_t>(sample.bytes, sample.in_flight_when_sent);
    const std::uint64_t before = sample.in_flight_when_sent - bytes;
    const std::uint64_t lost_before =
        sample.lost_since_sent - std::min(sample.lost_since_sent, bytes);
    const std::uint64_t allowed = model_.loss_allowed(before, datagram_size_);
    const std::uint64_t within = allowed > lost_before ? allowed - lost_before : 0;
    handle_volume_too_high(sample.now, before + within, false);
}

void Bbr::on_congestion_event(const CongestionEvent& event) {
    if (event.cause == CongestionEvent::Cause::loss) {
        undo_ = undo_candidate_;
        return;
    }
    undo_.reset();
    model_.on_marked();
    if (phase_ == Phase::startup) fill_startup();
    if (is_sampling_) handle_volume_too_high(event.now, event.in_flight, false);
}

void Bbr::on_persistent_congestion(Instant /*now*/) {
    undo_.reset();
    // The path was gone, or is another: the round trip is measured anew. What it carried is the
    // best guess of what it will; the window grows back to it as ACKs come (RFC 9002 §7.6).
    window_saved_ = 0;
    window_ = window_min_datagrams * datagram_size_;
    model_.forget_round_trip();
    model_.reset_shortterm();
    model_.reset_signals();
    is_sampling_ = false;
}

void Bbr::on_spurious_congestion(Instant now) {
    if (!undo_.has_value()) return;
    const Undo undo = *undo_;
    undo_.reset();
    model_.reset_signals();
    model_.raise_shortterm(undo.shortterm);
    volume_longterm_ = std::max(volume_longterm_, undo.volume_longterm);
    reset_full_bandwidth();
    if (undo.phase == phase_ || phase_ == Phase::probe_round_trip) return;
    if (undo.phase == Phase::startup) {
        is_full_ = undo.is_full;
        model_.set_full(is_full_);
        phase_ = Phase::startup;
    } else if (undo.phase == Phase::probe_up && is_probing_bandwidth()) {
        start_up(now);
    }
}

// ---- startup and drain

// By the application, or by the peer's credit. Not where more was in flight than the pipe is
// thought to hold and a growing rate needs: what does not come sooner then waits in a queue. So who
// stops for credit once a round trip does not stay in startup, where each of its bursts leaves at
// nearly three times the rate of the path.
bool Bbr::is_held_back(const RateSample& rate) const noexcept {
    const std::uint64_t full =
        std::max(percent(model_.product(), full_growth), window_initial_datagrams * datagram_size_);
    return rate.is_app_limited && rate.in_flight < full;
}

void Bbr::reset_full_bandwidth(std::uint64_t bandwidth) noexcept {
    full_bandwidth_ = bandwidth;
    full_rounds_ = 0;
    is_full_now_ = false;
}

void Bbr::check_full_bandwidth(const AckSample& sample) noexcept {
    if (is_full_now_ || is_held_back(sample.rate) || sample.bytes == 0) return;
    const std::uint64_t rate = sample.rate.bytes_per_second();
    if (rate >= percent(full_bandwidth_, full_growth) && rate > 0) {
        reset_full_bandwidth(rate);
        return;
    }
    if (!model_.is_round_start()) return;
    is_full_now_ = ++full_rounds_ >= full_rounds_max;
    if (!is_full_now_) return;
    is_full_ = true;
    model_.set_full(true);
}

void Bbr::fill_startup() noexcept {
    is_full_ = true;
    model_.set_full(true);
    volume_longterm_ = std::max(model_.product(), model_.volume_latest());
}

void Bbr::check_startup_done(const AckSample& sample) noexcept {
    if (phase_ != Phase::startup) return;
    if (model_.is_loss_round_start() && is_recovering_ && model_.round() > recovering_round_) {
        const BbrModel::RoundLoss& loss = model_.round_loss();
        // Less may be chance, of which nothing is known yet; then startup ends when the rate no
        // longer grows.
        const bool is_high =
            loss.events >= startup_loss_events_min &&
            BbrModel::is_beyond_chance(loss.lost, loss.lost + loss.delivered, datagram_size_);
        if (is_high && !is_held_back(sample.rate)) fill_startup();
        if (loss.events == 0) is_recovering_ = false;
    }
    if (is_full_) phase_ = Phase::drain;
}

// ---- the cycle of probes

void Bbr::start_down(Instant now) noexcept {
    phase_ = Phase::probe_down;
    model_.reset_signals();
    up_bytes_per_datagram_ = unbounded;
    const std::uint64_t drawn =
        spread(model_.delivered() ^ static_cast<std::uint64_t>(now.time_since_epoch().count()));
    probed_round_ = model_.round() - std::min(model_.round(), drawn & 1);
    probe_wait_ =
        probe_wait_min + Duration(static_cast<Duration::rep>((drawn >> 1) % probe_wait_spread_us));
    cycle_started_at_ = now;
    ack_phase_ = AckPhase::stopping;
    model_.start_round();
}

void Bbr::start_refill() noexcept {
    phase_ = Phase::probe_refill;
    model_.reset_shortterm();
    up_rounds_ = 0;
    up_acked_ = 0;
    ack_phase_ = AckPhase::refilling;
    model_.start_round();
}

void Bbr::start_up(Instant now) noexcept {
    phase_ = Phase::probe_up;
    ack_phase_ = AckPhase::starting;
    model_.start_round();
    reset_full_bandwidth(model_.bandwidth_latest());
    cycle_started_at_ = now;
    raise_longterm_slope();
}

bool Bbr::is_time_to_probe(Instant now) const noexcept {
    if (now > cycle_started_at_ + probe_wait_) return true;
    // As often as Reno would have grown by a window, so that it gets its share.
    const std::uint64_t rounds = std::min(volume_target() / datagram_size_, reno_rounds_max);
    return model_.round() - probed_round_ >= rounds;
}

void Bbr::update_cycle(const AckSample& sample) noexcept {
    if (!is_full_) return;
    adapt_longterm(sample);
    switch (phase_) {
        case Phase::probe_down:
            if (is_time_to_probe(sample.now)) return start_refill();
            if (sample.in_flight > volume_with_headroom()) return;
            if (sample.in_flight <= volume_at(model_.bandwidth_max(), 100)) {
                phase_ = Phase::probe_cruise;
            }
            return;
        case Phase::probe_cruise:
            if (is_time_to_probe(sample.now)) start_refill();
            return;
        case Phase::probe_refill:
            // After a round the pipe is full, and what is lost then is lost to the probe.
            if (!model_.is_round_start()) return;
            is_sampling_ = true;
            return start_up(sample.now);
        case Phase::probe_up:
            return update_probe_up(sample);
        case Phase::startup:
        case Phase::drain:
        case Phase::probe_round_trip:
            return;
    }
}

void Bbr::update_probe_up(const AckSample& sample) noexcept {
    if (sample.is_window_limited && window_ >= volume_longterm_) {
        // Held back by the bound and not by the path: no sign that the pipe is full.
        reset_full_bandwidth(sample.rate.bytes_per_second());
    } else if (is_full_now_) {
        start_down(sample.now);
    }
}

// ---- the long-term bound

void Bbr::adapt_longterm(const AckSample& sample) noexcept {
    if (model_.is_round_start()) {
        if (ack_phase_ == AckPhase::starting) {
            ack_phase_ = AckPhase::feedback;
        } else if (ack_phase_ == AckPhase::stopping) {
            is_sampling_ = false;
            ack_phase_ = AckPhase::none;
            if (is_probing_bandwidth() && !sample.rate.is_app_limited) {
                model_.advance_bandwidth_filter();
            }
        }
    }
    const RateSample& rate = sample.rate;
    if (is_volume_too_high(rate.lost, rate.in_flight)) {
        if (is_sampling_) handle_volume_too_high(sample.now, rate.in_flight, rate.is_app_limited);
        return;
    }
    if (volume_longterm_ == unbounded || sample.bytes == 0) return;
    volume_longterm_ = std::max(volume_longterm_, rate.in_flight);
    if (phase_ == Phase::probe_up) raise_longterm(sample);
}

bool Bbr::is_volume_too_high(std::uint64_t lost, std::uint64_t in_flight) const noexcept {
    return model_.loss_events() >= probe_loss_events_min &&
           lost > model_.loss_allowed(in_flight, datagram_size_);
}

void Bbr::handle_volume_too_high(Instant now, std::uint64_t volume, bool is_app_limited) noexcept {
    is_sampling_ = false;  // once for each probe
    if (!is_app_limited) {
        volume_longterm_ = std::max(volume, percent(volume_target(), BbrModel::beta_percent));
    }
    if (phase_ == Phase::probe_up) start_down(now);
}

// One datagram in the first round, two in the next, four …
void Bbr::raise_longterm_slope() noexcept {
    const std::uint64_t growth = std::uint64_t{1} << up_rounds_;
    up_rounds_ = std::min(up_rounds_ + 1, up_rounds_max);
    up_bytes_per_datagram_ = std::max(window_ / growth, std::uint64_t{1});
}

void Bbr::raise_longterm(const AckSample& sample) noexcept {
    if (!sample.is_window_limited || window_ < volume_longterm_) return;
    up_acked_ += sample.bytes;
    if (up_acked_ >= up_bytes_per_datagram_) {
        const std::uint64_t count = up_acked_ / up_bytes_per_datagram_;
        up_acked_ -= count * up_bytes_per_datagram_;
        volume_longterm_ =
            std::min<std::uint64_t>(volume_longterm_ + count * datagram_size_, window_max_bytes);
    }
    if (model_.is_round_start()) raise_longterm_slope();
}

std::uint64_t Bbr::volume_with_headroom() const noexcept {
    if (volume_longterm_ == unbounded) return unbounded;
    const std::uint64_t room =
        std::max(volume_longterm_ - percent(volume_longterm_, headroom), datagram_size_);
    return std::max(volume_longterm_ - std::min(volume_longterm_, room), window_pipe());
}

// ---- measuring the round trip

void Bbr::check_probe_round_trip(const AckSample& sample) noexcept {
    if (phase_ != Phase::probe_round_trip && model_.is_probe_due() && !is_restarting_) {
        phase_ = Phase::probe_round_trip;
        window_saved_ = std::max(window_saved_, window_);
        probe_round_trip_until_.reset();
        ack_phase_ = AckPhase::stopping;
        model_.start_round();
    }
    if (sample.bytes > 0) is_restarting_ = false;
    if (phase_ != Phase::probe_round_trip) return;
    if (!probe_round_trip_until_.has_value()) {
        if (sample.in_flight > probe_round_trip_window()) return;
        probe_round_trip_until_ = sample.now + probe_time;
        is_probe_round_done_ = false;
        model_.start_round();
        return;
    }
    if (model_.is_round_start()) is_probe_round_done_ = true;
    if (is_probe_round_done_ && sample.now > *probe_round_trip_until_) {
        leave_probe_round_trip(sample.now);
    }
}

void Bbr::leave_probe_round_trip(Instant now) noexcept {
    model_.on_round_trip_probed(now);
    window_ = std::max(window_, std::exchange(window_saved_, 0));
    model_.reset_shortterm();
    probe_round_trip_until_.reset();
    if (!is_full_) {
        phase_ = Phase::startup;
        return;
    }
    start_down(now);
    phase_ = Phase::probe_cruise;
}

std::uint64_t Bbr::probe_round_trip_window() const noexcept {
    return std::max(volume_at(model_.bandwidth(), window_gain_probe_round_trip), window_pipe());
}

// ---- what may be sent

// What may leave at once: a millisecond's worth, as the pacer does.
std::uint64_t Bbr::quantum() const noexcept {
    return std::clamp<std::uint64_t>(bytes_in(pacing_rate_, pacing_burst_time), 2 * datagram_size_,
                                     pacing_burst_bytes_max);
}

std::uint64_t Bbr::volume_at(std::uint64_t bandwidth, std::uint64_t gain_percent) const noexcept {
    if (model_.round_trip() == Duration::zero() || bandwidth == 0) {
        return window_initial_datagrams * datagram_size_;
    }
    return volume_quantized(percent(bytes_in(bandwidth, model_.round_trip()), gain_percent));
}

// Room for three bursts: one at the sender, one under way, one whose ACK is.
std::uint64_t Bbr::volume_quantized(std::uint64_t volume) const noexcept {
    volume = std::max({volume, 3 * quantum(), window_pipe()});
    return phase_ == Phase::probe_up ? volume + 2 * datagram_size_ : volume;
}

std::uint64_t Bbr::volume_target() const noexcept {
    if (model_.round_trip() == Duration::zero()) return window_;
    return std::max(std::min(model_.product(), window_), datagram_size_);
}

void Bbr::set_pacing_rate(std::uint64_t gain_percent) noexcept {
    const std::uint64_t rate = percent(percent(model_.bandwidth(), gain_percent), pacing_margin);
    if (rate == 0) return;
    // In startup a lower sample is noise: the rate must not fall before the pipe is full.
    if (is_full_ || rate > pacing_rate_) pacing_rate_ = rate;
}

void Bbr::set_window(const AckSample& sample) noexcept {
    const std::uint64_t target =
        volume_quantized(percent(model_.product(), window_gain_percent()) + model_.extra_acked());
    if (is_full_) {
        window_ = std::min(window_ + sample.bytes, target);
    } else if (window_ < target || sample.delivered < window_initial_datagrams * datagram_size_) {
        window_ += sample.bytes;
    }
    bound_window();
}

void Bbr::bound_window() noexcept {
    window_ = std::max(window_, window_pipe());
    if (phase_ == Phase::probe_round_trip) window_ = std::min(window_, probe_round_trip_window());
    std::uint64_t cap = window_max_bytes;
    if (phase_ == Phase::probe_round_trip || phase_ == Phase::probe_cruise) {
        cap = std::min(cap, volume_with_headroom());
    } else if (is_probing_bandwidth()) {
        cap = std::min(cap, volume_longterm_);
    }
    cap = std::max(std::min(cap, model_.volume_shortterm()), window_pipe());
    window_ = std::min(window_, cap);
}

}  // namespace stt::recovery
