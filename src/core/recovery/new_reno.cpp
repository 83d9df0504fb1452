#include "core/recovery/new_reno.hpp"

#include <algorithm>

namespace stt::recovery {

NewReno::NewReno(std::size_t datagram_size) noexcept
    : datagram_size_(datagram_size), window_(window_initial_datagrams * datagram_size) {}

void NewReno::set_datagram_size(std::size_t size) {
    datagram_size_ = size;
    window_ = std::max(window_, window_min());
}

void NewReno::on_acked(const AckSample& sample) {
    if (!sample.is_window_limited) return;
    if (is_in_slow_start()) {
        window_ += sample.bytes_past_recovery;
    } else {
        // One datagram for each window acknowledged, without losing the remainder.
        acked_ += sample.bytes_past_recovery;
        if (acked_ >= window_) {
            acked_ -= window_;
            window_ += datagram_size_;
        }
    }
    window_ = std::min(window_, window_max_bytes);
    acked_ = std::min(acked_, window_);
}

void NewReno::on_congestion_event(const CongestionEvent& event) {
    can_undo_ = event.cause == CongestionEvent::Cause::loss;
    window_before_ = window_;
    threshold_before_ = threshold_;
    window_ = std::max(window_ / 2, window_min());  // RFC 9002 §7.3.2
    threshold_ = window_;
    acked_ = 0;
}

void NewReno::on_persistent_congestion(Instant /*now*/) {
    can_undo_ = false;
    window_ = window_min();
    acked_ = 0;
}

void NewReno::on_spurious_congestion(Instant /*now*/) {
    if (!can_undo_) return;
    can_undo_ = false;
    window_ = std::max({window_, window_before_, window_min()});
    threshold_ = threshold_before_;
}

}  // namespace stt::recovery
