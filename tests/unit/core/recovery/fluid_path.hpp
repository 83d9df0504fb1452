// A path as a fluid: what a controller lets flow passes one queue and comes back as ACKs.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>

#include "core/recovery/congestion.hpp"
#include "core/recovery/pacer.hpp"
#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

// Advances a millisecond at a time. Everything is told to the controller as PathRecovery does,
// but that each millisecond's bytes are one datagram.
class FluidPath {
public:
    FluidPath(CongestionController& controller, std::uint64_t bytes_per_second, Duration length)
        : rate(bytes_per_second), round_trip(length), controller_(controller) {}

    std::uint64_t rate;
    Duration round_trip;  // with an empty queue
    std::uint64_t queue_max = std::uint64_t{1} << 40;
    std::uint64_t lose_percent = 0;       // of each millisecond's bytes
    std::uint64_t other_traffic = 0;      // bytes that others keep in the queue
    std::uint64_t app_rate = UINT64_MAX;  // bytes a second that the application has to send
    bool is_marking = false;              // CE once a round while 5 ms wait
    std::function<void()> each_step;

    Instant now() const { return now_; }
    std::uint64_t delivered() const { return delivered_; }
    std::uint64_t queue() const { return queue_; }
    std::uint64_t in_flight() const { return in_flight_; }
    std::uint64_t lost() const { return lost_; }

    void run_for(Duration time) {
        const Instant end = now_ + time;
        while (now_ < end) step();
    }
    bool run_until(const std::function<bool()>& is_done, Duration limit) {
        const Instant end = now_ + limit;
        while (now_ < end && !is_done()) step();
        return is_done();
    }

private:
    static constexpr Duration tick = milliseconds(1);
    struct Piece {
        Instant arrives{};  // its ACK
        std::uint64_t number = 0;
        std::uint64_t bytes = 0;
        std::uint64_t lost = 0;
        bool is_app_limited = false;
        Instant sent_at{};
        std::uint64_t delivered = 0;
        Instant delivered_at{};
        Instant first_sent_at{};
        std::uint64_t in_flight = 0;
        std::uint64_t lost_before = 0;
    };

    void step() {
        now_ += tick;
        drain();
        send();
        while (!pieces_.empty() && pieces_.front().arrives <= now_) acknowledge();
        if (each_step) each_step();
    }

    void drain() {
        const std::uint64_t out = rate / 1'000;
        queue_ -= std::min(queue_, out);
    }

    void send() {
        const std::uint64_t window = controller_.window();
        const std::uint64_t room = window > in_flight_ ? window - in_flight_ : 0;
        const std::uint64_t pacing = controller_.pacing_rate().value_or(
            pacing_rate_of(window, smoothed_, controller_.is_in_slow_start()));
        const std::uint64_t allowed = std::min(room, pacing / 1'000 + 1);
        const std::uint64_t wanted = app_rate == UINT64_MAX ? allowed : app_rate / 1'000;
        std::uint64_t bytes = std::min(allowed, wanted);
        if (bytes == 0) return;
        if (in_flight_ == 0) {
            first_sent_at_ = now_;
            delivered_at_ = now_;
        }
        Piece piece;
        piece.number = next_++;
        piece.lost = bytes * lose_percent / 100;
        const std::uint64_t space = queue_max > queue_ + other_traffic
                                        ? queue_max - queue_ - other_traffic + rate / 1'000
                                        : rate / 1'000;
        if (bytes > space) piece.lost += bytes - space;
        piece.lost = std::min(piece.lost, bytes);
        piece.bytes = bytes - piece.lost;
        piece.is_app_limited = wanted < allowed;
        queue_ += piece.bytes;
        in_flight_ += bytes;
        const std::uint64_t waiting = queue_ + other_traffic;
        piece.arrives =
            now_ + round_trip + Duration(static_cast<Duration::rep>(waiting * 1'000'000 / rate));
        piece.sent_at = now_;
        piece.delivered = delivered_;
        piece.delivered_at = delivered_at_;
        piece.first_sent_at = first_sent_at_;
        piece.in_flight = in_flight_;
        piece.lost_before = lost_;
        pieces_.push_back(piece);
        controller_.on_sent(now_, bytes, in_flight_);
        if (in_flight_ + 1'200 > controller_.window()) limited_until_ = piece.number + 1;
    }

    void acknowledge() {
        const Piece piece = pieces_.front();
        pieces_.pop_front();
        AckSample sample;
        sample.now = now_;
        sample.in_flight_before = in_flight_;
        in_flight_ -= piece.bytes + piece.lost;
        delivered_ += piece.bytes;
        delivered_at_ = now_;
        first_sent_at_ = piece.sent_at;
        const bool is_past_recovery = !recovery_at_ || piece.sent_at > *recovery_at_;
        if (piece.lost > 0) {
            lost_ += piece.lost;
            controller_.on_lost({now_, piece.lost, in_flight_, delivered_, piece.in_flight,
                                 lost_ - piece.lost_before});
        }
        const bool is_marked = is_marking && queue_ > rate / 200;
        if ((piece.lost > 0 || is_marked) && is_past_recovery) {
            recovery_at_ = now_;
            controller_.on_congestion_event(
                {now_, piece.lost > 0 ? CongestionEvent::Cause::loss : CongestionEvent::Cause::ecn,
                 piece.sent_at, in_flight_});
        }
        if (piece.bytes == 0) return;
        sample.bytes = piece.bytes;
        sample.bytes_past_recovery = is_past_recovery ? piece.bytes : 0;
        sample.in_flight = in_flight_;
        sample.is_window_limited = piece.number < limited_until_ || controller_.is_in_slow_start();
        sample.round_trip = now_ - piece.sent_at;
        smoothed_ = (7 * smoothed_ + *sample.round_trip) / 8;
        sample.round_trip_smoothed = smoothed_;
        sample.round_trip_minimum = round_trip;
        sample.datagram = piece.number;
        sample.datagram_next = next_;
        sample.delivered = delivered_;
        sample.rate.delivered_before = piece.delivered;
        sample.rate.is_app_limited = piece.is_app_limited;
        sample.rate.in_flight = piece.in_flight;
        sample.rate.lost = lost_ - piece.lost_before;
        sample.rate.bytes = delivered_ - piece.delivered;
        sample.rate.interval =
            std::max(piece.sent_at - piece.first_sent_at, now_ - piece.delivered_at);
        controller_.on_acked(sample);
    }

    CongestionController& controller_;
    Instant now_ = at(Duration(0));
    std::deque<Piece> pieces_;
    std::uint64_t next_ = 0;
    std::uint64_t limited_until_ = 0;
    std::uint64_t queue_ = 0;
    std::uint64_t in_flight_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t lost_ = 0;
    Instant delivered_at_{};
    Instant first_sent_at_{};
    std::optional<Instant> recovery_at_;
    Duration smoothed_ = milliseconds(100);
};

}  // namespace stt::recovery::testing
