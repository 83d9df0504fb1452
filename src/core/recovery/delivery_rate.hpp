// Delivery-rate samples. draft-cheng-iccrg-delivery-rate-estimation.
#pragma once

#include <cstdint>
#include <optional>
#include <stt/time.hpp>

#include "core/recovery/congestion.hpp"
#include "core/recovery/sent_log.hpp"

namespace stt::recovery {

// One path's account of what arrived, from which each ACK makes a RateSample.
class DeliveryRate {
public:
    // Fills the frame's record of the delivery so far. `in_flight`: bytes before it.
    void on_sent(Instant now, std::size_t in_flight, SentFrame& frame) noexcept;
    // Declared lost: RateSample::lost counts it for what was sent before.
    void on_lost(std::uint64_t bytes) noexcept { lost_ += bytes; }
    // Nothing more to send for now: samples of what is in flight are app-limited.
    void on_app_limited(std::size_t in_flight) noexcept;

    // For each frame newly acknowledged, in any order, then take_sample() once.
    void on_acked(Instant now, const SentFrame& frame) noexcept;
    // No sample when its interval is under the path's least round trip.
    RateSample take_sample(Duration round_trip_minimum) noexcept;

    std::uint64_t delivered() const noexcept { return delivered_; }
    std::uint64_t lost() const noexcept { return lost_; }

private:
    std::uint64_t delivered_ = 0;
    std::uint64_t lost_ = 0;
    Instant delivered_at_{};
    Instant first_sent_at_{};
    std::uint64_t app_limited_until_ = 0;  // a value of delivered_; 0: not limited

    // The newest frame acknowledged since the last sample.
    struct Newest {
        std::uint64_t sequence;
        std::uint64_t delivered;
        Instant delivered_at;
        Instant first_sent_at;
        Instant sent_at;
        std::uint64_t in_flight;
        std::uint64_t lost;
        bool is_app_limited;
    };
    std::optional<Newest> newest_;
};

}  // namespace stt::recovery
