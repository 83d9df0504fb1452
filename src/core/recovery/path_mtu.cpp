#include "core/recovery/path_mtu.hpp"

#include <algorithm>

namespace stt::recovery {

PathMtu::PathMtu(std::size_t ceiling) noexcept : ceiling_(std::max(ceiling, datagram_size_base)) {
    start_search();
}

void PathMtu::start_search() noexcept {
    refused_ = ceiling_ + 1;
    // The ceiling first: most paths carry it, and then one probe is the whole search.
    candidate_ = ceiling_ > current_ ? ceiling_ : 0;
    candidate_losses_ = 0;
    is_probe_in_flight_ = false;
    search_again_at_.reset();
}

std::optional<std::size_t> PathMtu::probe_size(Instant now) const noexcept {
    if (is_probe_in_flight_) return std::nullopt;
    if (candidate_ != 0) return candidate_;
    if (search_again_at_.has_value() && *search_again_at_ <= now) return ceiling_;
    return std::nullopt;
}

std::optional<Instant> PathMtu::deadline() const noexcept {
    return search_again_at_;
}

void PathMtu::on_probe_sent(Instant now) noexcept {
    if (candidate_ == 0 && search_again_at_.has_value() && *search_again_at_ <= now) start_search();
    is_probe_in_flight_ = true;
}

void PathMtu::on_probe_acked(Instant now, std::size_t size) noexcept {
    // Also one that was given up for lost: it shows what the path carries.
    if (size > current_ && size <= ceiling_) current_ = size;
    if (refused_ <= current_) refused_ = ceiling_ + 1;
    if (candidate_ == 0) {
        is_probe_in_flight_ = false;
    } else if (size == candidate_ || candidate_ <= current_) {
        advance(now);
    }
}

void PathMtu::on_probe_lost(Instant now, std::size_t size) noexcept {
    if (size != candidate_) return;
    is_probe_in_flight_ = false;
    if (++candidate_losses_ < mtu_probes_max) return;
    refused_ = candidate_;
    advance(now);
}

void PathMtu::advance(Instant now) noexcept {
    is_probe_in_flight_ = false;
    candidate_losses_ = 0;
    if (refused_ - current_ > search_resolution) {
        candidate_ = current_ + (refused_ - current_) / 2;
        return;
    }
    candidate_ = 0;
    if (current_ < ceiling_) search_again_at_ = now + mtu_raise_interval;
}

void PathMtu::on_datagram_acked(std::uint64_t number, std::size_t size) noexcept {
    if (size <= datagram_size_base) return;
    if (size >= current_) full_acked_before_ = std::max(full_acked_before_, number + 1);
    if (number >= large_acked_before_) {
        large_acked_before_ = number + 1;
        large_acked_size_ = size;
    }
    if (size >= suspicious_size_) suspicious_losses_ = 0;
}

void PathMtu::on_datagram_lost(Instant now, Instant sent_at, std::uint64_t number,
                               std::size_t size) noexcept {
    if (size <= datagram_size_base || size > current_) return;
    // One as large was sent later and came through: congestion, not the size.
    if (number < full_acked_before_) return;
    if (number < large_acked_before_ && size <= large_acked_size_) return;
    if (suspicious_losses_ == 0) {
        suspicious_size_ = size;
        suspicious_since_ = now;
    }
    suspicious_size_ = std::min(suspicious_size_, size);
    if (++suspicious_losses_ >= black_hole_losses && sent_at >= suspicious_since_) fall_back(now);
}

void PathMtu::on_probe_timeout(Instant now, unsigned consecutive) noexcept {
    if (consecutive >= black_hole_timeouts && current_ > datagram_size_base) fall_back(now);
}

void PathMtu::fall_back(Instant now) noexcept {
    current_ = datagram_size_base;
    refused_ = ceiling_ + 1;
    candidate_ = 0;
    is_probe_in_flight_ = false;
    search_again_at_ = now + mtu_black_hole_interval;
    suspicious_losses_ = 0;
}

}  // namespace stt::recovery
