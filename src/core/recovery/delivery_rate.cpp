#include "core/recovery/delivery_rate.hpp"

#include <algorithm>

namespace stt::recovery {

void DeliveryRate::on_sent(Instant now, std::size_t in_flight, SentFrame& frame) noexcept {
    if (in_flight == 0) {  // a flight begins: time without anything to deliver does not count
        first_sent_at_ = now;
        delivered_at_ = now;
    }
    frame.delivered = delivered_;
    frame.delivered_at = delivered_at_;
    frame.first_sent_at = first_sent_at_;
    frame.in_flight = in_flight + frame.size;
    frame.lost = lost_;
    frame.is_app_limited = app_limited_until_ != 0;
}

void DeliveryRate::on_app_limited(std::size_t in_flight) noexcept {
    app_limited_until_ = std::max<std::uint64_t>(delivered_ + in_flight, 1);
}

void DeliveryRate::on_acked(Instant now, const SentFrame& frame) noexcept {
    delivered_ += frame.size;
    delivered_at_ = now;
    if (newest_.has_value() && frame.sequence < newest_->sequence) return;
    newest_ = Newest{frame.sequence, frame.delivered, frame.delivered_at, frame.first_sent_at,
                     frame.sent_at,  frame.in_flight, frame.lost,         frame.is_app_limited};
}

RateSample DeliveryRate::take_sample(Duration round_trip_minimum) noexcept {
    RateSample sample;
    if (app_limited_until_ != 0 && delivered_ > app_limited_until_) app_limited_until_ = 0;
    if (!newest_.has_value()) return sample;
    const Newest newest = *newest_;
    newest_.reset();
    first_sent_at_ = newest.sent_at;
    // The slower of sending and arriving: ACKs that bunch up do not look like a fast path.
    const Duration interval =
        std::max(newest.sent_at - newest.first_sent_at, delivered_at_ - newest.delivered_at);
    sample.delivered_before = newest.delivered;
    sample.is_app_limited = newest.is_app_limited;
    sample.in_flight = newest.in_flight;
    sample.lost = lost_ - newest.lost;
    if (interval < round_trip_minimum) return sample;
    sample.bytes = delivered_ - newest.delivered;
    sample.interval = interval;
    return sample;
}

}  // namespace stt::recovery
