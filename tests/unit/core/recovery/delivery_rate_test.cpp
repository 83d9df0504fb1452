#include "core/recovery/delivery_rate.hpp"

#include <doctest/doctest.h>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

TEST_CASE("draft-cheng delivery-rate: a steady flow is measured at the rate at which it arrives") {
    DeliveryRate rate;
    std::vector<SentFrame> frames(1'000, eliciting(0));
    // One frame each ms, acknowledged 50 ms later.
    for (std::size_t i = 0; i < frames.size(); ++i) {
        frames[i].sequence = i;
        frames[i].sent_at = at(milliseconds(i));
        if (i >= 50) {
            rate.on_acked(at(milliseconds(i)), frames[i - 50]);
            const RateSample sample = rate.take_sample(milliseconds(50));
            if (i >= 150) {
                CHECK(sample.bytes_per_second() == 1'200'000);
                CHECK_FALSE(sample.is_app_limited);
            }
        }
        rate.on_sent(at(milliseconds(i)), i == 0 ? 0 : 1'200, frames[i]);
    }
}

TEST_CASE("draft-cheng delivery-rate: ACKs that arrive bunched do not look like a fast path") {
    DeliveryRate rate;
    std::vector<SentFrame> frames;
    for (std::uint64_t i = 0; i < 20; ++i) {
        SentFrame frame = eliciting(i);
        frame.sent_at = at(milliseconds(5 * i));
        rate.on_sent(frame.sent_at, 1'200 * i, frame);
        frames.push_back(frame);
    }
    for (const SentFrame& frame : frames) rate.on_acked(at(milliseconds(100)), frame);
    const RateSample sample = rate.take_sample(milliseconds(5));
    CHECK(sample.interval == milliseconds(100));
    CHECK(sample.bytes == 24'000);
}

TEST_CASE("draft-cheng delivery-rate: no sample is shorter than the least round trip") {
    DeliveryRate rate;
    SentFrame frame = eliciting(0);
    frame.sent_at = at(Duration(0));
    rate.on_sent(at(Duration(0)), 0, frame);
    rate.on_acked(at(milliseconds(4)), frame);
    CHECK(rate.take_sample(milliseconds(5)).bytes_per_second() == 0);
    CHECK(rate.take_sample(milliseconds(1)).bytes_per_second() == 0);  // taken once
    CHECK(rate.delivered() == 1'200);
}

TEST_CASE("draft-cheng delivery-rate: samples of what was sent for want of data are marked") {
    DeliveryRate rate;
    SentFrame before = eliciting(0);
    rate.on_sent(at(Duration(0)), 0, before);
    rate.on_app_limited(1'200);
    SentFrame limited = eliciting(1);
    rate.on_sent(at(Duration(0)), 1'200, limited);
    CHECK_FALSE(before.is_app_limited);
    CHECK(limited.is_app_limited);
    rate.on_acked(at(milliseconds(10)), before);
    rate.take_sample(Duration(1));
    rate.on_acked(at(milliseconds(10)), limited);
    CHECK(rate.take_sample(Duration(1)).is_app_limited);
    SentFrame after = eliciting(2);
    rate.on_sent(at(milliseconds(11)), 0, after);
    CHECK_FALSE(after.is_app_limited);
}

}  // namespace stt::recovery::testing
